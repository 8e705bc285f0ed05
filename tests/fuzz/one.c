/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * one.c - libFuzzer's way in: the target is named by $DYNADISK_FUZZ. An input that takes more than 100 ms of CPU time,
 * sanitizers and all, or has more than 64 MiB allocated at once, fails.
 */
#include <sanitizer/allocator_interface.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_MS = 100, TRIES = 3 };
static const long most_bytes = 64 << 20;

static const struct fuzz_target *target;
static double slowest;
static long held, most_held; /* bytes, since the input began; only our own thread allocates */

static void on_malloc(const volatile void *p, size_t n)
{
	(void)p;
	held += (long)n;
	most_held = held > most_held ? held : most_held;
}

static void on_free(const volatile void *p)
{
	if (p)
		held -= (long)__sanitizer_get_allocated_size((const void *)p);
}

static void tell(void)
{
	fprintf(stderr, "the slowest %.1f ms\n", slowest);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("DYNADISK_FUZZ");

	(void)argc;
	for (target = fuzz_targets; target->name && (!name || strcmp(name, target->name)); target++)
		;
	if (!target->name) {
		fprintf(stderr, "%s: set DYNADISK_FUZZ to one of these:", **argv);
		for (target = fuzz_targets; target->name; target++)
			fprintf(stderr, " %s", target->name);
		fprintf(stderr, "\n");
		exit(2);
	}
	target->run((const uint8_t *)"", 0); /* what is made once is no input's */
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	atexit(tell);
	return 0;
}

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	double least = 1e9;

	held = most_held = 0;
	for (int i = 0; i < TRIES && least > MOST_MS; i++) { /* a busy machine gets another chance */
		double before = cpu_ms(), took;

		target->run(data, size);
		took = cpu_ms() - before;
		least = took < least ? took : least;
	}
	slowest = least > slowest ? least : slowest;
	fuzz_must(least <= MOST_MS);
	fuzz_must(most_held <= most_bytes);
	return 0;
}
