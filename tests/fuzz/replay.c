/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay.c - runs the kept inputs through their targets again, with whatever compiler the tree is built: every one ends
 * well, none takes more than 100 ms of CPU time or 64 MiB. `replay NAME` does one target and names each input before it
 * is run, to find the one that fails.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/fuzz/fuzz.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 20, LARGER = 4 }; /* what a sanitizer makes of it */
#else
enum { SLOWER = 1, LARGER = 1 };
#endif
enum { MOST_MS = 100 * SLOWER, MOST_KIB = 64 * 1024 * LARGER, TRIES = 3, FEWEST = 2000 };

struct tally {
	size_t inputs;
	double slowest_ms;
	long largest_kib;
};

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* A line of /proc/self/status in KiB, 0 where there is none. */
static long status_kib(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), "%ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

/* From now on the highest use of memory counts anew. */
static void forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");

	if (f) {
		fputs("5", f);
		fclose(f);
	}
}

/* One that took too long on a busy machine gets another chance: the least counts. */
static double time_of(const struct fuzz_target *t, const uint8_t *data, size_t n)
{
	double least = 1e9;

	for (int i = 0; i < TRIES && least > MOST_MS; i++) {
		double before = cpu_ms(), took;

		t->run(data, n);
		took = cpu_ms() - before;
		least = took < least ? took : least;
	}
	return least;
}

static double one(const struct fuzz_target *t, const uint8_t *data, size_t n, struct tally *sum)
{
	uint8_t *copy = malloc(n ? n : 1); /* with nothing readable behind it */
	long before, grown;
	double ms;

	fuzz_must(copy != NULL);
	memcpy(copy, data, n);
	forget_peak();
	before = status_kib("VmRSS:");
	ms = time_of(t, copy, n);
	grown = status_kib("VmHWM:") - before;
	sum->inputs++;
	sum->slowest_ms = ms > sum->slowest_ms ? ms : sum->slowest_ms;
	sum->largest_kib = grown > sum->largest_kib ? grown : sum->largest_kib;
	free(copy);
	return ms;
}

/* A corpus: length 2, bytes; over and over. */
static uint8_t *load(const char *name, size_t *n)
{
	const char *source = getenv("DYNADISK_SOURCE");
	uint8_t *b = malloc(4 << 20);
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", source ? source : ".", name);
	f = fopen(path, "rb");
	*n = f && b ? fread(b, 1, 4 << 20, f) : 0;
	if (f)
		fclose(f);
	return b;
}

static bool replay(const struct fuzz_target *t, bool say, struct tally *all, int number)
{
	static const uint8_t nothing[1];
	struct tally sum = { 0 };
	size_t n;
	uint8_t *b = load(t->name, &n);
	struct cur c = cur_of(b, n);
	bool ok;

	t->run(nothing, 0); /* what is made once is not the first input's */
	while (cur_left(&c) && !c.bad) {
		size_t len = (size_t)cur_be(&c, 2);
		const uint8_t *p = cur_take(&c, len);
		double ms;

		if (!p)
			break;
		if (say) {
			printf("# %s: input %zu, %zu bytes ... ", t->name, sum.inputs + 1, len);
			fflush(stdout);
		}
		ms = one(t, p, len, &sum);
		if (say)
			printf("%.1f ms\n", ms);
	}
	free(b);
	ok = !c.bad && sum.inputs > 0 && sum.slowest_ms <= MOST_MS && sum.largest_kib <= MOST_KIB;
	printf("%sok %d - %s: %zu inputs, the slowest %.1f ms, the largest %ld KiB\n", ok ? "" : "not ", number, t->name,
	       sum.inputs, sum.slowest_ms, sum.largest_kib);
	fflush(stdout);
	all->inputs += sum.inputs;
	all->slowest_ms = sum.slowest_ms > all->slowest_ms ? sum.slowest_ms : all->slowest_ms;
	all->largest_kib = sum.largest_kib > all->largest_kib ? sum.largest_kib : all->largest_kib;
	return ok;
}

int main(int argc, char **argv)
{
	struct tally all = { 0 };
	double before = cpu_ms();
	bool ok = true;
	int n = 0;

	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		if (argc < 2 || strcmp(argv[1], t->name) == 0)
			ok = replay(t, argc > 1, &all, ++n) && ok;
	if (argc < 2) {
		bool enough = all.inputs >= FEWEST;

		printf("%sok %d - %zu inputs are kept, %d or more are wanted\n", enough ? "" : "not ", ++n, all.inputs, FEWEST);
		ok = ok && enough;
	}
	printf("# figures: %zu inputs of %d targets, the slowest %.1f ms, the largest %ld KiB; %.1f s\n", all.inputs, n - (argc < 2),
	       all.slowest_ms, all.largest_kib, (cpu_ms() - before) / 1e3);
	printf("1..%d\n", n);
	return !ok;
}
