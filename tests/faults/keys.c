/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * keys.c - the console on a terminal in memory, in hard times; TAP on standard output. Random bytes, with real keys, sequences
 * of terminals, pasted text and pieces of UTF-8 among them: it never crashes, still answers, gives the terminal back as it
 * was, and nobody's data is touched. And resizes, from 1x1 to 300x100, while a rebuild runs.
 *
 * The full tier types 10 million bytes and resizes 1,000 times. SEED=N repeats a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/tui/vt.h"

enum { MIB = 1 << 20, IMAGE = 512 * MIB, CHUNK = 4096, PATIENCE = 60000, DATA_FROM = 100 * MIB, DATA = 24 * MIB };

static struct {
	uint64_t random;
	char dynadisk[512];
	int n;
	bool failed;
	uint64_t bytes, starts, resizes;
} t;

static void result(bool ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++t.n, what);
	fflush(stdout);
	t.failed = t.failed || !ok;
}

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
	uint64_t z = t.random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % below;
}

static bool run(const char *command)
{
	return system(command) == 0;
}

/* Fresh practice disks, with bytes in C: that are not zero, so that copying takes its time. */
static bool make_disks(void)
{
	static uint8_t b[MIB];
	bool ok = run("rm -rf lab state && \"$DYNADISK_BUILD/dynadisk\" lab lab >/dev/null");
	int fd = ok ? open("lab/disk0.img", O_WRONLY | O_CLOEXEC) : -1;

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 7 + i / 4096);
	for (int at = 0; fd >= 0 && ok && at < DATA; at += MIB)
		ok = pwrite(fd, b, sizeof(b), DATA_FROM + at) == (ssize_t)sizeof(b);
	if (fd >= 0)
		close(fd);
	return ok && fd >= 0;
}

/* A sum of a file's bytes from..to. */
static uint64_t sum_of(const char *path, off_t from, off_t to)
{
	static uint8_t b[MIB];
	uint64_t h = 0xcbf29ce484222325;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	for (; fd >= 0 && from < to && (n = pread(fd, b, sizeof(b), from)) > 0; from += n)
		for (ssize_t i = 0; i < n; i += 8) {
			uint64_t w = 0;

			memcpy(&w, b + i, 8);
			h = (h ^ w) * 0x100000001b3;
		}
	if (fd >= 0)
		close(fd);
	return h;
}

/* ---------------------------------------------------------------- bytes */

static size_t put(char *dst, const char *text)
{
	strcpy(dst, text);
	return strlen(text);
}

static size_t a_key(char *dst)
{
	static const char keys[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/?+-.:\\\" ";
	static const char *const others[] = { "\r", "\r", "\t", "\177", "\033", "\033OA", "\033OB", "\033OC", "\033OD", "\033[A", "\033[B",
					      "\033[5~", "\033[6~", "\033OH", "\033OF", "\033[3~", "\033[Z", "\033OP", "\033[15~",
					      "\033[20~", "\033[21~", "\f", "\033" "5", "\033" "9" };

	if (draw(3))
		return put(dst, others[draw(sizeof(others) / sizeof(others[0]))]);
	dst[0] = keys[draw(sizeof(keys) - 1)];
	return 1;
}

static size_t a_sequence(char *dst)
{
	static const char ends[] = "ABCDEFGHJKLMPSTXZ@`abcdfghlmnpqrstu~^$<>=";
	int n = 0;

	switch (draw(5)) {
	case 0: /* a click, as two kinds of terminals tell it */
		return (size_t)sprintf(dst, "\033[<%d;%d;%d%c", (int)draw(70), (int)draw(140), (int)draw(60), draw(2) ? 'M' : 'm');
	case 1:
		return (size_t)sprintf(dst, "\033[M%c%c%c", (char)(32 + draw(4)), (char)(33 + draw(90)), (char)(33 + draw(40)));
	case 2:
		return put(dst, "\033[200~select disk 0\rclean\r\033[201~");
	case 3: /* one without its end */
		return (size_t)sprintf(dst, "\033%c%d;", draw(2) ? '[' : 'O', (int)draw(1000));
	default:
		n = sprintf(dst, "\033[%s", draw(2) ? "?" : "");
		for (uint64_t i = draw(4); i > 0; i--)
			n += sprintf(dst + n, "%llu;", (unsigned long long)draw(draw(2) ? 30 : UINT32_MAX));
		return (size_t)(n + sprintf(dst + n, "%c", ends[draw(sizeof(ends) - 1)]));
	}
}

static size_t a_text(char *dst)
{
	static const char *const texts[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xbe", "e\xcc\x81", "\xe4\xb8\xad\xe6\x96\x87",
					     "\xc3", "\xe2\x82", "\xf0\x9f", "\x80\xbf", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80",
					     "\xc0\xaf", "\xef\xbf\xbe", "\xe2\x80\xae", "disk", "9999999999999999999999" };

	return put(dst, texts[draw(sizeof(texts) / sizeof(texts[0]))]);
}

/* At least n bytes, at most 100 more. Ctrl-S, which stops a terminal's output, is followed by Ctrl-Q, which lets it go on. */
static size_t some_bytes(char *dst, size_t n)
{
	size_t at = 0;

	while (at < n) {
		uint64_t kind = draw(100);

		if (kind < 55) {
			at += a_key(dst + at);
		} else if (kind < 70) {
			at += a_sequence(dst + at);
		} else if (kind < 80) {
			at += a_text(dst + at);
		} else {
			dst[at] = (char)draw(256);
			at++;
			if (dst[at - 1] == 0x13)
				dst[at++] = 0x11;
		}
	}
	return at;
}

/* ---------------------------------------------------------------- the program */

static struct vt *start(bool read_only)
{
	char disk0[] = "lab/disk0.img", disk1[] = "lab/disk1.img", state[] = "--state-dir=state", ro[] = "--read-only";
	char *argv[] = { t.dynadisk, state, disk0, disk1, read_only ? ro : NULL, NULL };
	struct vt *vt = vt_start(24, 80, argv);

	t.starts++;
	if (vt && vt_wait(vt, "Disk 0", true, PATIENCE)) {
		vt_look_away(vt);
		return vt;
	}
	vt_free(vt);
	return NULL;
}

/* Where one can have got to (dialogs, a search, the DiskPart prompt, a question on leaving), and out of there. */
static int leave(struct vt *vt)
{
	static const char *const out[] = { "\033", "\033", "\003", "\rexit\r", "\033", "q", "\r" };
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
			int code;

			vt_let_go(vt);
			vt_type(vt, out[i], strlen(out[i]));
			vt_settle(vt, 60); /* longer than the console waits for the rest of a sequence */
			code = vt_exit(vt, 0);
			if (code >= 0)
				return code;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begin.tv_sec < PATIENCE / 1000);
	return -1;
}

/* One life of the program: bytes until it is left, or there were enough. False: it crashed, hangs, or spoiled the terminal. */
static bool live(bool read_only, uint64_t until)
{
	static char b[CHUNK + 128];
	struct vt *vt = start(read_only);
	uint64_t most = t.bytes + 64 * 1024;
	int code = -1;
	bool ok;

	while (vt && code < 0 && t.bytes < until && t.bytes < most) {
		size_t n = some_bytes(b, 1 + draw(draw(4) ? 64 : CHUNK));

		vt_type(vt, b, n);
		t.bytes += n;
		if (draw(4) == 0)
			vt_settle(vt, 0);
		if (draw(200) == 0)
			vt_resize(vt, 1 + (int)draw(60), 1 + (int)draw(160));
		code = vt_exit(vt, 0);
	}
	if (vt && code < 0)
		code = leave(vt);
	/* Ctrl-C or Ctrl-\ behind the last key finds a program that has given the terminal back and is about to end */
	ok = vt && (code == 0 || code == 128 + SIGINT || code == 128 + SIGQUIT) && vt_sane(vt);
	if (vt && !ok)
		printf("# it ended with %d after %llu bytes, the terminal %s\n", code, (unsigned long long)t.bytes,
		       vt_sane(vt) ? "as it was" : "spoiled");
	vt_free(vt);
	return ok;
}

static void random_bytes(bool read_only, uint64_t n)
{
	uint64_t before[2], after[2];
	char what[200];
	bool ok = make_disks();
	off_t from = read_only ? 0 : DATA_FROM;

	/* read-only: every byte; else what is in C:, as nothing that spoils it goes without the disk's name typed */
	before[0] = sum_of("lab/disk0.img", from, read_only ? IMAGE : DATA_FROM + DATA);
	before[1] = sum_of("lab/disk1.img", 0, read_only ? IMAGE : 0);
	t.bytes = 0;
	while (ok && t.bytes < n)
		ok = live(read_only, n);
	after[0] = sum_of("lab/disk0.img", from, read_only ? IMAGE : DATA_FROM + DATA);
	after[1] = sum_of("lab/disk1.img", 0, read_only ? IMAGE : 0);
	snprintf(what, sizeof(what), "%llu random bytes%s: it answers to the end, and the terminal is as it was",
		 (unsigned long long)t.bytes, read_only ? ", read-only" : "");
	result(ok, what);
	result(before[0] == after[0] && before[1] == after[1],
	       read_only ? "and not a byte of the disks changed" : "and no byte of the volume changed");
}

/* ---------------------------------------------------------------- resizes */

static struct vt *start_rebuild(void)
{
	char disk0[] = "lab/disk0.img", disk1[] = "lab/disk1.img", state[] = "--state-dir=state", limit[] = "--limit=1";
	char *argv[] = { t.dynadisk, limit, state, disk0, disk1, NULL };
	struct vt *vt = vt_start(24, 80, argv);
	bool ok = vt && vt_wait(vt, "r repairs it", true, PATIENCE);

	if (ok) {
		vt_type(vt, "r", 1);
		ok = vt_wait(vt, "Nothing has been written", true, PATIENCE);
	}
	if (ok) {
		vt_type(vt, "\r", 1);
		ok = vt_wait(vt, "To go on, type", true, PATIENCE);
	}
	if (ok) {
		vt_type(vt, "disk1.img\r", 10);
		ok = vt_wait(vt, "Regenerating C: on Disk 1", true, PATIENCE);
	}
	if (ok)
		return vt;
	vt_free(vt);
	return NULL;
}

static void resizes(int n)
{
	bool ok = make_disks(), sane = false;
	struct vt *vt = ok ? start_rebuild() : NULL;
	int code = -1;
	char what[128];

	for (int i = 0; vt && i < n && code < 0; i++, t.resizes++) {
		int rows = i == 0 ? 1 : i == 1 ? 100 : 1 + (int)draw(100), cols = i == 0 ? 1 : i == 1 ? 300 : 1 + (int)draw(300);

		vt_resize(vt, rows, cols);
		if (draw(4)) /* sometimes the next comes before this one is painted */
			vt_settle(vt, 15);
		if (draw(8) == 0)
			vt_type(vt, draw(2) ? "\t" : "\f", 1);
		code = vt_exit(vt, 0);
	}
	ok = vt && code < 0;
	if (ok)
		vt_resize(vt, 24, 80);
	snprintf(what, sizeof(what), "after %d resizes the rebuild goes on", n);
	result(ok && vt_wait(vt, "Regenerating C: on Disk 1", true, PATIENCE), what);
	if (ok)
		vt_type(vt, "l", 1);
	ok = ok && vt_wait(vt, "At most how many MB/s", true, PATIENCE);
	if (ok)
		vt_type(vt, "\025" "0\r", 3);
	result(ok && vt_wait(vt, "Verified.", true, PATIENCE), "and comes to its end");
	if (ok) {
		vt_type(vt, "q", 1);
		code = vt_exit(vt, PATIENCE);
		sane = vt_sane(vt);
	}
	result(code == 0 && sane, "the terminal is as it was");
	vt_free(vt);
	result(run("\"$DYNADISK_BUILD/dynadisk\" status --check lab/disk0.img lab/disk1.img >/dev/null"), "the mirror is healthy");
}

int main(void)
{
	const char *build = getenv("DYNADISK_BUILD"), *tier = getenv("DYNADISK_TIER"), *seed = getenv("SEED");
	bool full = tier && strcmp(tier, "full") == 0;
	char dir[] = "/tmp/dynadisk-keys-XXXXXX";
	uint64_t bytes = full ? 10000000 : 200000, typed;
	time_t begin = time(NULL);

	t.random = seed ? strtoull(seed, NULL, 10) : 1;
	printf("# seed %llu\n", (unsigned long long)t.random);
	snprintf(t.dynadisk, sizeof(t.dynadisk), "%s/dynadisk", build ? build : ".");
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (t.dynadisk[0] != '/' || !mkdtemp(dir) || chdir(dir) || setenv("PWD", dir, 1)) {
		printf("1..0 # SKIP DYNADISK_BUILD is not a full path, or there is no temporary folder\n");
		return 1;
	}
	random_bytes(true, bytes * 4 / 5);
	typed = t.bytes;
	random_bytes(false, bytes / 5);
	typed += t.bytes;
	resizes(full ? 1000 : 30);
	printf("# figures: %llu bytes typed to %llu consoles, %llu resizes; %ld s\n", (unsigned long long)typed,
	       (unsigned long long)t.starts, (unsigned long long)t.resizes, (long)(time(NULL) - begin));
	printf("1..%d\n", t.n);
	run("rm -rf \"$PWD\"");
	return t.failed;
}
