/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vtrun.c - plays a script of keys and expectations to a program on a terminal in memory; TAP on standard output.
 *
 *	vtrun SCRIPT GOLDEN-FOLDER
 *
 * One command a line; "#" comments; $NAME is taken from the environment.
 *	size ROWS COLS		before run; afterwards: resizes
 *	env NAME=VALUE		for the program
 *	run PROGRAM ARG...	starts it
 *	keys TEXT		types; <Enter> <Esc> <Tab> <Up> <Down> <Left> <Right> <PgDn> <PgUp> <Home> <End> <F1>..<F10>
 *				<Del> <BS> <C-x> <lt> stand for themselves
 *	raw HEX...		types bytes
 *	wait [MS] TEXT		until TEXT is on the screen (10 s unless said)
 *	gone TEXT		until it is not
 *	not TEXT		it is not there now
 *	screen NAME		the screen is GOLDEN-FOLDER/NAME.screen; GENERATE=1 writes it
 *	mask TEXT		the number, time or identifier that follows TEXT is not compared by the screens after this
 *	hide TEXT		nor is any row that holds TEXT
 *	looks NAME		colours and attributes are GOLDEN-FOLDER/NAME.looks
 *	cursor TEXT		until the cursor is in a row that holds TEXT
 *	ascii			nothing on the screen but ASCII
 *	bytes MAX		the program sent at most so many bytes since the last "bytes"
 *	idle MS MAX-CPU-MS	for so long, it uses no more CPU time than that
 *	signal NAME		HUP, TERM, INT or KILL to the program
 *	hangup			cuts the line
 *	freeze THREAD		stops the program's thread of that name where it is, as a disk that hangs would; ends the
 *				script there, well, where that is not allowed
 *	thaw			lets it go on
 *	exit CODE[|CODE] [MS]	it ends with this code, or the other one
 *	sane			the terminal's modes are as before it started
 *	shell COMMAND		is run by sh and succeeds
 * A command that fails ends the script; the screen is then shown.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/tui/vt.h"

enum { MASKS = 8 };

struct run {
	struct vt *vt;
	const char *golden;
	int rows, cols, n;
	size_t bytes;
	bool failed;
	char mask[MASKS][40];
	size_t n_masks;
	char hide[MASKS][40];
	size_t n_hide;
	pid_t frozen; /* a thread, 0 none */
	bool skip;
};

static void result(struct run *r, bool ok, const char *line)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++r->n, line);
	if (!ok)
		r->failed = true;
}

static void show_lines(const char *head, const char *text)
{
	printf("# %s\n", head);
	while (*text) {
		size_t n = strcspn(text, "\n");

		printf("# |%.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* ---------------------------------------------------------------- keys */

static const struct {
	const char *name, *bytes;
} names[] = {
	{ "Enter", "\r" },	{ "Esc", "\033" },	{ "Tab", "\t" },	   { "Up", "\033OA" },	 { "Down", "\033OB" },
	{ "Right", "\033OC" },	{ "Left", "\033OD" },	{ "PgUp", "\033[5~" }, { "PgDn", "\033[6~" }, { "Home", "\033OH" },
	{ "End", "\033OF" },	{ "Del", "\033[3~" },	{ "BS", "\177" },	   { "F1", "\033OP" },	 { "F5", "\033[15~" },
	{ "F9", "\033[20~" },	{ "F10", "\033[21~" }, { "lt", "<" },
};

/* Types TEXT; an Esc that stands alone is followed by a pause longer than the program waits for more of a sequence. */
static bool type_keys(struct run *r, const char *text)
{
	while (*text) {
		const char *end = *text == '<' ? strchr(text, '>') : NULL;
		bool known = false;

		if (!end) {
			vt_type(r->vt, text++, 1);
			continue;
		}
		if (end - text == 4 && text[1] == 'C' && text[2] == '-') {
			char c = (char)(text[3] & 0x1f);

			vt_type(r->vt, &c, 1);
			known = true;
		}
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !known; i++) {
			size_t n = strlen(names[i].name);

			if ((size_t)(end - text) != n + 1 || strncmp(text + 1, names[i].name, n) != 0)
				continue;
			vt_type(r->vt, names[i].bytes, strlen(names[i].bytes));
			known = true;
		}
		if (!known)
			return false;
		if (strncmp(text, "<Esc>", 5) == 0)
			vt_settle(r->vt, 60);
		text = end + 1;
	}
	return true;
}

static bool type_raw(struct run *r, const char *hex)
{
	while (*hex) {
		char *end;
		char c = (char)strtol(hex, &end, 16);

		if (end == hex)
			return false;
		vt_type(r->vt, &c, 1);
		hex = end + strspn(end, " ");
	}
	return true;
}

/* ---------------------------------------------------------------- goldens */

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = calloc(1, 1 << 20);
	size_t n = 0;

	if (f) {
		n = fread(s, 1, (1 << 20) - 1, f);
		fclose(f);
	}
	s[n] = '\0';
	return s;
}

static bool write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fputs(text, f);
	return fclose(f) == 0;
}

struct golden {
	const struct run *run;
	const char *want;
	char *(*get)(const struct vt *vt);
};

/* The length of the mask that begins here, 0: none does. */
static size_t mask_here(const struct run *r, const char *s)
{
	for (size_t i = 0; i < r->n_masks; i++)
		if (strncmp(s, r->mask[i], strlen(r->mask[i])) == 0)
			return strlen(r->mask[i]);
	return 0;
}

/* The length of the row that begins here when it is hidden, else 0. */
static size_t hidden_row(const struct run *r, const char *row)
{
	size_t n = strcspn(row, "\n");

	for (size_t i = 0; i < r->n_hide; i++)
		if (memmem(row, n, r->hide[i], strlen(r->hide[i])))
			return n;
	return 0;
}

/* The screen without what is masked or hidden: a '~' in its place. */
static char *get_masked(const struct run *r, char *(*get)(const struct vt *vt))
{
	char *all = get(r->vt), *out = all;
	size_t n, hidden;

	for (const char *s = all; *s;) {
		hidden = out == all || out[-1] == '\n' ? hidden_row(r, s) : 0;
		if (hidden) {
			*out++ = '~';
			s += hidden;
			continue;
		}
		n = mask_here(r, s);
		hidden = n ? strspn(s + n, "0123456789abcdef:-. ") : 0;
		memmove(out, s, n ? n : 1);
		out += n ? n : 1;
		s += n ? n : 1;
		if (hidden)
			*out++ = '~';
		s += hidden;
	}
	*out = '\0';
	return all;
}

static bool remember(char list[MASKS][40], size_t *n, const char *text)
{
	if (*n == MASKS || strlen(text) >= sizeof(list[0]) || *text == '\0')
		return false;
	strcpy(list[(*n)++], text);
	return true;
}

static bool is_golden(struct vt *vt, const void *arg)
{
	const struct golden *g = arg;
	char *s = get_masked(g->run, g->get);
	bool same = strcmp(s, g->want) == 0;

	(void)vt;
	free(s);
	return same;
}

static bool compare(struct run *r, const char *name, const char *suffix, char *(*get)(const struct vt *vt))
{
	const char *generate = getenv("GENERATE");
	char path[1024], *want, *got;
	struct golden g;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s.%s", r->golden, name, suffix);
	if (generate && *generate) {
		vt_settle(r->vt, 300);
		got = get_masked(r, get);
		ok = write_file(path, got);
		free(got);
		return ok;
	}
	want = read_file(path);
	g = (struct golden){ r, want, get };
	ok = vt_until(r->vt, is_golden, &g, 5000);
	got = get_masked(r, get);
	if (!ok) {
		show_lines("wanted:", want);
		show_lines("got:", got);
	}
	free(want);
	free(got);
	return ok;
}

/* ---------------------------------------------------------------- threads */

/* The program's thread of that name, or 0. */
static pid_t thread_of(pid_t pid, const char *name)
{
	char path[64], comm[64];
	struct dirent *e;
	pid_t found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		char file[sizeof(path) + sizeof(e->d_name) + 8];
		FILE *f;

		snprintf(file, sizeof(file), "%s/%s/comm", path, e->d_name);
		f = fopen(file, "r");
		if (f && fgets(comm, sizeof(comm), f) && strncmp(comm, name, strlen(name)) == 0 && comm[strlen(name)] == '\n')
			found = (pid_t)atoi(e->d_name);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

static bool freeze(struct run *r, const char *name)
{
	pid_t t = thread_of((pid_t)vt_pid(r->vt), name);
	int status;

	if (!t || r->frozen)
		return false;
	if (ptrace(PTRACE_SEIZE, t, NULL, NULL) != 0) {
		r->skip = true; /* some containers forbid it */
		return true;
	}
	r->frozen = t;
	return ptrace(PTRACE_INTERRUPT, t, NULL, NULL) == 0 && waitpid(t, &status, __WALL) == t && WIFSTOPPED(status);
}

static bool thaw(struct run *r)
{
	pid_t t = r->frozen;

	r->frozen = 0;
	return t && ptrace(PTRACE_DETACH, t, NULL, NULL) == 0;
}

/* A process is not dead before whoever froze a thread of it has seen that thread's end. */
static void see_end(struct run *r)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	for (int i = 0; r->frozen && i < 2000; i++) {
		int status;
		pid_t got = waitpid(r->frozen, &status, __WALL | WNOHANG);

		if (got < 0 || (got == r->frozen && !WIFSTOPPED(status)))
			r->frozen = 0;
		else
			nanosleep(&moment, NULL);
	}
}

/* ---------------------------------------------------------------- commands */

static char *expand(const char *text)
{
	char *out = calloc(1, 8192);
	size_t n = 0;

	while (*text && n < 8000) {
		char name[64];
		size_t k = 0;
		const char *value;

		if (*text != '$' || !(isalpha((unsigned char)text[1]) || text[1] == '_')) {
			out[n++] = *text++;
			continue;
		}
		for (text++; (isalnum((unsigned char)*text) || *text == '_') && k < sizeof(name) - 1; text++)
			name[k++] = *text;
		name[k] = '\0';
		value = getenv(name);
		n += (size_t)snprintf(out + n, 8192 - n, "%s", value ? value : "");
	}
	return out;
}

static bool do_run(struct run *r, char *args)
{
	char *argv[64];
	int n = 0;

	for (char *a = strtok(args, " "); a && n < 63; a = strtok(NULL, " "))
		argv[n++] = a;
	argv[n] = NULL;
	vt_free(r->vt); /* one at a time */
	r->vt = n ? vt_start(r->rows, r->cols, argv) : NULL;
	return r->vt != NULL;
}

/* Whether the row the cursor is in holds the text. */
static bool cursor_in(struct vt *vt, const void *arg)
{
	char *s = vt_screen(vt), *line = s;
	int row, col;
	bool in;

	vt_cursor(vt, &row, &col);
	for (int y = 0; y < row && line; y++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (line)
		line[strcspn(line, "\n")] = '\0';
	in = line && strstr(line, arg);
	free(s);
	return in;
}

static bool do_cursor(struct run *r, const char *text)
{
	int row, col;

	if (vt_until(r->vt, cursor_in, text, 5000))
		return true;
	vt_cursor(r->vt, &row, &col);
	printf("# the cursor is at %d,%d\n", row, col);
	return false;
}

static bool do_ascii(struct run *r)
{
	char *s = vt_screen(r->vt);
	bool ok = true;

	for (size_t i = 0; s[i]; i++)
		ok = ok && (unsigned char)s[i] < 0x80;
	free(s);
	return ok;
}

static bool do_idle(struct run *r, const char *args)
{
	int ms = 0, most = 0;
	long before = vt_cpu_ms(r->vt), used;

	if (sscanf(args, "%d %d", &ms, &most) != 2)
		return false;
	for (int waited = 0; waited < ms; waited += 50) {
		vt_settle(r->vt, 10);
		poll(NULL, 0, 40);
	}
	used = vt_cpu_ms(r->vt);
	if (used < 0)
		return true; /* it ended, which uses nothing */
	if (used - before > most)
		printf("# it used %ld ms\n", used - before);
	return used - before <= most;
}

static bool do_bytes(struct run *r, const char *args)
{
	size_t sent;

	vt_settle(r->vt, 100);
	sent = vt_bytes(r->vt) - r->bytes;
	r->bytes = vt_bytes(r->vt);
	if (sent > strtoul(args, NULL, 10))
		printf("# it sent %zu bytes\n", sent);
	return sent <= strtoul(args, NULL, 10);
}

static bool do_signal(struct run *r, const char *name)
{
	int sig = strcmp(name, "HUP") == 0 ? SIGHUP : strcmp(name, "TERM") == 0 ? SIGTERM : strcmp(name, "INT") == 0 ? SIGINT
		  : strcmp(name, "KILL") == 0 ? SIGKILL : 0;

	return sig && kill((pid_t)vt_pid(r->vt), sig) == 0;
}

static bool do_wait(struct run *r, const char *args, bool want)
{
	char *end;
	long ms = strtol(args, &end, 10);

	if (end == args || *end != ' ' || ms < 100)
		return vt_wait(r->vt, args, want, 10000);
	return vt_wait(r->vt, end + 1, want, (int)ms);
}

static bool do_exit(struct run *r, const char *args)
{
	int want = 0, or_else = -2, ms = 10000, got;

	if (sscanf(args, "%d|%d %d", &want, &or_else, &ms) < 2) {
		or_else = -2;
		if (sscanf(args, "%d %d", &want, &ms) < 1)
			return false;
	}
	see_end(r);
	got = vt_exit(r->vt, ms);
	if (got != want && got != or_else)
		printf("# it ended with %d\n", got);
	return got == want || got == or_else;
}

static bool command(struct run *r, const char *word, char *args)
{
	if (strcmp(word, "size") == 0) {
		if (sscanf(args, "%d %d", &r->rows, &r->cols) != 2)
			return false;
		if (r->vt)
			vt_resize(r->vt, r->rows, r->cols);
		return true;
	}
	if (strcmp(word, "env") == 0)
		return strchr(args, '=') ? putenv(strdup(args)) == 0 : unsetenv(args) == 0;
	if (strcmp(word, "run") == 0)
		return do_run(r, args);
	if (strcmp(word, "shell") == 0)
		return system(args) == 0;
	if (!r->vt)
		return false;
	if (strcmp(word, "keys") == 0)
		return type_keys(r, args);
	if (strcmp(word, "raw") == 0)
		return type_raw(r, args);
	if (strcmp(word, "wait") == 0)
		return do_wait(r, args, true);
	if (strcmp(word, "gone") == 0)
		return do_wait(r, args, false);
	if (strcmp(word, "not") == 0)
		return vt_wait(r->vt, args, false, 0);
	if (strcmp(word, "screen") == 0)
		return compare(r, args, "screen", vt_screen);
	if (strcmp(word, "mask") == 0)
		return remember(r->mask, &r->n_masks, args);
	if (strcmp(word, "hide") == 0)
		return remember(r->hide, &r->n_hide, args);
	if (strcmp(word, "looks") == 0)
		return compare(r, args, "looks", vt_looks);
	if (strcmp(word, "cursor") == 0)
		return do_cursor(r, args);
	if (strcmp(word, "ascii") == 0)
		return do_ascii(r);
	if (strcmp(word, "bytes") == 0)
		return do_bytes(r, args);
	if (strcmp(word, "idle") == 0)
		return do_idle(r, args);
	if (strcmp(word, "signal") == 0)
		return do_signal(r, args);
	if (strcmp(word, "hangup") == 0) {
		vt_hang_up(r->vt);
		return true;
	}
	if (strcmp(word, "freeze") == 0)
		return freeze(r, args);
	if (strcmp(word, "thaw") == 0)
		return thaw(r);
	if (strcmp(word, "exit") == 0)
		return do_exit(r, args);
	if (strcmp(word, "sane") == 0)
		return vt_sane(r->vt);
	return false;
}

int main(int argc, char **argv)
{
	struct run r = { .rows = 24, .cols = 80, .golden = argc > 2 ? argv[2] : "." };
	char line[4096];
	FILE *f;

	if (argc < 2 || !(f = fopen(argv[1], "r"))) {
		fprintf(stderr, "usage: vtrun SCRIPT GOLDEN-FOLDER\n");
		return 99;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), f) && !r.failed && !r.skip) {
		char *text, *args, word[16];
		size_t n;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		text = expand(line);
		n = strcspn(text, " ");
		snprintf(word, sizeof(word), "%.*s", (int)(n < 15 ? n : 15), text);
		args = text + n + (text[n] == ' ');
		result(&r, command(&r, word, args), line);
		if (r.skip)
			printf("# what follows is skipped: threads of other programs may not be stopped here\n");
		if (r.failed && r.vt) {
			char *s = vt_screen(r.vt);

			show_lines("the screen:", s);
			free(s);
		}
		free(text);
	}
	fclose(f);
	vt_free(r.vt);
	printf("1..%d\n", r.n);
	return r.failed;
}
