/* SPDX-License-Identifier: GPL-3.0-or-later */
/* targets.c - the list of them, and what several share. */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

const struct fuzz_target fuzz_targets[] = {
	{ "headers", fuzz_headers },
	{ "record", fuzz_record },
	{ "rebuild", fuzz_rebuild },
	{ "database", fuzz_database },
	{ "recover", fuzz_recover },
	{ "table", fuzz_table },
	{ "fs", fuzz_fs },
	{ "probe", fuzz_probe },
	{ "undo", fuzz_undo },
	{ "shell", fuzz_shell },
	{ "keys", fuzz_keys },
	{ NULL, NULL },
};

/* The length of the character at p, 0 when it is none that may be shown. */
static size_t character(const unsigned char *p)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
	unsigned c = n < 2 ? *p : *p & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ? 0 : n;
}

void fuzz_must_be_clean(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t n = character(p);

		fuzz_must(n > 0);
		p += n;
	}
}

/* libfdisk 2.38 forgets the buffer of an EBR that cannot be read; it is small and gone with the program. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfdisk.so\n";
}

static char folder[256];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_folder(void)
{
	if (nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		fprintf(stderr, "%s stays behind\n", folder);
}

const char *fuzz_folder(void)
{
	const char *in = getenv("TMPDIR");

	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "%s/dynadisk-fuzz-XXXXXX", in && *in ? in : "/tmp");
		fuzz_must(mkdtemp(folder) != NULL);
		atexit(remove_folder);
	}
	return folder;
}
