/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * keys_fuzz.c - what is typed: any bytes go through curses' decoder into the console, which shows practice disks read-only
 * and is painted on its canvas. The input: size of the screen 1, then bytes; F8 (no terminal sends it) and a size resize
 * and paint. The console's loop is taken in whole, so that its own way of draining keys is what runs.
 *
 * Plans take the engine a thousand times as long as a key takes the console. So most inputs see disks that are in use, of
 * a group that must not be changed, and every plan is refused; one in 1,024 sees the disks as they are, for a few keys.
 */
#include "config.h"

#include <curses.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "ui/lab.h"
#include "ui/tui/console.h"

#include "ui/tui/loop.c"

/* Reading the disks again takes a thousand times as long as a key and finds the same ones. */
void __wrap_console_rescan(struct console *con, void (*then)(struct console *con, void *arg), void *arg);
void __wrap_console_rescan(struct console *con, void (*then)(struct console *con, void *arg), void *arg)
{
	con->want_rescan = false;
	con->dirty = true;
	if (then)
		then(con, arg);
}

/* What the engine's thread would do is done at once, so that an input always means the same. */
void __wrap_engine_begin(struct engine *e, void (*work)(void *arg), void *arg);
void __wrap_engine_begin(struct engine *e, void (*work)(void *arg), void *arg)
{
	(void)e;
	work(arg);
}

bool __wrap_engine_wait(struct engine *e, int ms);
bool __wrap_engine_wait(struct engine *e, int ms)
{
	(void)e;
	(void)ms;
	return true;
}

enum { PAINT = 0xf8, MOST = 2048, FEW = 16 };

static struct {
	struct loop first; /* the console as it starts */
	struct dyn_model held;
	int keys, in;      /* the pipe's ends */
} made;

/* A file that is saved by chance must not be made anywhere: scripts are the only files the console writes. */
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (strcmp(mode, "wx") == 0) {
		errno = EEXIST;
		return NULL;
	}
	return __real_fopen(path, mode);
}

static void make_lab(char path[2][160])
{
	char dir[128], lab[] = "lab", option[] = "--scenario", scenario[] = "mbr-failed";
	char *argv[] = { lab, dir, option, scenario, NULL };
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	snprintf(dir, sizeof(dir), "%s/lab", fuzz_folder());
	fflush(stdout);
	fuzz_must(out >= 0 && null >= 0 && dup2(null, STDOUT_FILENO) >= 0);
	fuzz_must(lab_main(4, argv) == 0);
	fflush(stdout);
	fuzz_must(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	close(null);
	for (int i = 0; i < 2; i++)
		snprintf(path[i], 160, "%s/disk%d.img", dir, i);
}

/* Curses as term_open() sets it up, on a pipe: what was written is there to be read at once. */
static void make_terminal(void)
{
	int fd[2];
	FILE *in, *out = fopen("/dev/null", "w");

	fuzz_must(pipe2(fd, O_CLOEXEC | O_NONBLOCK) == 0);
	made.in = fd[0];
	made.keys = fd[1];
	in = fdopen(fd[0], "r");
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	fuzz_must(in && out && newterm(NULL, out, in));
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	mousemask(BUTTON1_PRESSED | BUTTON3_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
}

/* The same disks, none of which may be changed. */
static void make_held(const struct dyn_model *m)
{
	struct dyn_disk *disks = calloc(m->n_disks, sizeof(*disks));
	struct dyn_group *groups = calloc(m->n_groups, sizeof(*groups));

	fuzz_must(disks && groups);
	memcpy(disks, m->disks, m->n_disks * sizeof(*disks));
	memcpy(groups, m->groups, m->n_groups * sizeof(*groups));
	for (size_t i = 0; i < m->n_disks; i++)
		disks[i].in_use = "mounted on /";
	for (size_t i = 0; i < m->n_groups; i++)
		groups[i].problem = "its database is damaged";
	made.held = *m;
	made.held.disks = disks;
	made.held.groups = groups;
}

static void make(void)
{
	static char path[2][160];
	const char *const paths[] = { path[0], path[1] };
	static char state[160];
	struct dyn_options opt = { .read_only = true, .seed = 1, .fixed_time = 1000000000, .state_dir = state };
	struct console *con = &made.first.con;

	make_lab(path);
	snprintf(state, sizeof(state), "%s/state", fuzz_folder());
	setenv("PATH", "/nonexistent", 1); /* formats that would be prepared take too long to try thousands of */
	make_terminal();
	fuzz_must(dyn_session_open(paths, 2, &opt, &con->s, NULL) == 0 && dyn_scan(con->s, &con->m, NULL) == 0);
	snprintf(con->view.host, sizeof(con->view.host), "host");
	con->view.read_only = true;
	con->wake_fd = -1;
	view_start(&con->view, con->m);
	console_update_jobs(con);
	make_held(con->m);
}

static void paint(struct console *con, uint8_t size)
{
	static const struct {
		int rows, cols;
	} sizes[] = { { 16, 60 }, { 1, 1 }, { 8, 30 }, { 24, 80 }, { 2, 200 }, { 10, 40 }, { 60, 3 }, { 12, 48 } };
	const struct canvas *c = &con->canvas;
	size_t i = size % (sizeof(sizes) / sizeof(sizes[0]));

	console_paint(con, sizes[i].rows, sizes[i].cols);
	for (int k = 0; k < c->rows * c->cols; k++) {
		uint32_t ch = c->cells[k].ch;

		fuzz_must(ch < GLYPHS || (ch >= 0x20 && ch < 0x7f) || (ch >= 0xa0 && ch < 0x110000));
	}
}

/* A letter behind the bytes, or curses would wait for the rest of a sequence. */
static void type(struct loop *l, const uint8_t *data, size_t n)
{
	fuzz_must(write(made.keys, data, n) == (ssize_t)n && write(made.keys, "z", 1) == 1);
	read_keys(l);
}

static void forget_keys(void)
{
	char b[512];

	flushinp();
	while (read(made.in, b, sizeof(b)) > 0)
		;
}

int fuzz_keys(const uint8_t *data, size_t size)
{
	static struct loop l;
	struct canvas canvas = l.con.canvas;
	struct layout layout = l.con.layout;

	if (!made.first.con.s)
		make();
	if (!size || size > MOST)
		return 0;
	l = made.first;
	l.con.canvas = canvas;
	l.con.layout = layout;
	if (bytes_sum(BYTES_SUM, data, size) >> 8 & 0x3ff) {
		l.con.m = &made.held;
		l.con.view.m = &made.held;
	} else if (size > FEW) {
		size = FEW;
	}
	paint(&l.con, data[0]);
	data++;
	size--;
	while (size && l.con.leave == LEAVE_NOT) {
		const uint8_t *cut = memchr(data, PAINT, size);
		size_t n = cut ? (size_t)(cut - data) : size;

		type(&l, data, n);
		paint(&l.con, n + 1 < size ? data[n + 1] : 0);
		n = cut ? (n + 2 < size ? n + 2 : size) : n;
		data += n;
		size -= n;
	}
	console_pop_all(&l.con);
	forget_keys();
	return 0;
}
