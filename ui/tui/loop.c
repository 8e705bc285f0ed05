/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop.c - the one input loop: it waits for the terminal, the rebuilds, the engine and the count of free space, and ends
 * when the user leaves, a signal says so, or the terminal is gone. Curses is only touched from this thread.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "ui/shell/shell.h"
#include "ui/tui/console.h"
#include "ui/tui/engine.h"
#include "ui/tui/term.h"

#define REDRAW_MS 1000 /* progress is shown at most this often */
#define ASK_MS 2000    /* how often another process is asked about the rebuild it runs */

/* What signal handlers leave behind for the loop. */
static volatile sig_atomic_t got_hangup, got_term, got_int;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		got_hangup = 1;
	else if (sig == SIGTERM)
		got_term = 1;
	else
		got_int = 1;
}

/* A crash must not leave a terminal that cannot be typed on. */
static void on_crash(int sig)
{
	signal(sig, SIG_DFL);
	term_close();
	raise(sig);
}

struct signals {
	sigset_t before; /* the mask while waiting, and afterwards */
	struct sigaction old[10];
};

static const int loop_signals[] = { SIGHUP, SIGTERM, SIGINT };
static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

/*
 * Ctrl-\ is ignored: typed by a slip it would leave a terminal without its echo. The others are blocked but while
 * waiting, so that none is lost between looking and waiting, and so that the engine's threads, which inherit the mask,
 * never take them.
 */
static void signals_begin(struct signals *s)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;
	size_t n = 0;

	got_hangup = got_term = got_int = 0;
	sigemptyset(&sa.sa_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGWINCH);
	sigaddset(&block, SIGTSTP); /* curses stops and starts the screen in its handler: not while we draw */
	for (size_t i = 0; i < sizeof(loop_signals) / sizeof(loop_signals[0]); i++) {
		sigaddset(&block, loop_signals[i]);
		sigaction(loop_signals[i], &sa, &s->old[n++]);
	}
	sa.sa_handler = on_crash;
	for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
		sigaction(crash_signals[i], &sa, &s->old[n++]);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGQUIT, &sa, &s->old[n++]);
	sigaction(SIGTSTP, NULL, &s->old[n]);
	sigprocmask(SIG_BLOCK, &block, &s->before);
}

static void signals_end(const struct signals *s)
{
	size_t n = 0;

	/* one that was typed behind the last key was for the console: it is forgotten */
	signal(SIGINT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	for (size_t i = 0; i < sizeof(loop_signals) / sizeof(loop_signals[0]); i++)
		sigaction(loop_signals[i], &s->old[n++], NULL);
	for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
		sigaction(crash_signals[i], &s->old[n++], NULL);
	sigaction(SIGQUIT, &s->old[n++], NULL);
	sigaction(SIGTSTP, &s->old[n], NULL);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Why the loop ended. */
enum loop_end { END_USER, END_TERM, END_HANGUP, END_NO_DISKS };

struct loop {
	struct console con;
	struct signals signals;
	int64_t asked_at;    /* when another process was last asked about its rebuild */
	int64_t shown_at;    /* when the screen was last painted */
	bool progress;       /* numbers of a rebuild changed since */
};

/* Before the disks were ever read: a disk that hangs must not look as if the program did. */
static void paint_waiting(struct console *con, int rows, int cols)
{
	canvas_resize(&con->canvas, rows, cols);
	canvas_text(&con->canvas, 0, 1, cols - 2, ROLE_NORMAL, "Reading the disks ...");
	canvas_text(&con->canvas, 1, 1, cols - 2, ROLE_NORMAL, "A disk that does not answer can take minutes. q leaves.");
	con->canvas.cursor_y = con->canvas.cursor_x = 0;
}

static void show(struct loop *l)
{
	struct console *con = &l->con;
	int rows, cols;

	term_size(&rows, &cols);
	if (con->m)
		console_paint(con, rows, cols);
	else
		paint_waiting(con, rows, cols);
	term_show(&con->canvas, con->repaint);
	con->repaint = con->dirty = false;
	l->progress = false;
	l->shown_at = now_ms();
}

void console_show(struct console *con)
{
	show((struct loop *)con);
}

/*
 * The prompt is the shell itself, on the plain screen; EXIT comes back. Our signals stay blocked meanwhile: it takes those
 * it wants, and one that comes in between waits for the loop. What it changes of them is put back.
 */
void console_prompt(struct console *con)
{
	static const int changed[] = { SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP };
	enum { N = sizeof(changed) / sizeof(changed[0]) };
	struct shell_options opt = { .host_name = con->view.host };
	struct sigaction old[N];
	sigset_t mask;

	con->want_prompt = false;
	for (int i = 0; i < N; i++)
		sigaction(changed[i], NULL, &old[i]);
	signal(SIGTSTP, SIG_IGN); /* at Ctrl-Z curses would take the line editor's modes for those to go back to */
	sigprocmask(SIG_BLOCK, NULL, &mask);
	term_suspend();
	shell_run(con->s, &opt);
	term_resume();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	for (int i = 0; i < N; i++)
		sigaction(changed[i], &old[i], NULL);
	console_rescan(con, NULL, NULL);
}

static void clear_event(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return; /* nothing was there after all */
}

static void read_keys(struct loop *l)
{
	struct mouse m;
	int key;

	while ((key = term_key(&m)) != K_NONE && l->con.leave == LEAVE_NOT) {
		l->con.dirty = true;
		if (key == K_RESIZE)
			continue; /* the next painting asks for the size */
		if (!l->con.m) {
			if (key == 'q' || key == K_ESC || key == K_F10 || key == KEY_CONTROL('c'))
				l->con.leave = LEAVE_QUIT;
			continue;
		}
		if (key == K_MOUSE)
			console_mouse(&l->con, &m);
		else
			console_key(&l->con, key);
	}
}

static bool watches_others(const struct console *con)
{
	for (size_t i = 0; i < con->view.n_jobs; i++)
		if (con->view.jobs[i].job.elsewhere)
			return true;
	return false;
}

/* A rebuild that another process runs does not wake us: it is asked from time to time. */
static void ask_others(struct loop *l)
{
	if (!watches_others(&l->con) || now_ms() < l->asked_at + ASK_MS)
		return;
	l->asked_at = now_ms();
	l->progress = true;
	l->con.ask = true;
	l->con.dirty |= console_update_jobs(&l->con);
}

/* How long to wait: for ever, or until progress may be shown, or others asked, again. */
static const struct timespec *patience(const struct loop *l, struct timespec *ts)
{
	int64_t shown = l->progress ? l->shown_at + REDRAW_MS : INT64_MAX;
	int64_t asked = watches_others(&l->con) ? l->asked_at + ASK_MS : INT64_MAX;
	int64_t left = shown < asked ? shown : asked;

	if (left == INT64_MAX)
		return NULL;
	left = left < now_ms() ? 0 : left - now_ms();
	*ts = (struct timespec){ .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
	return ts;
}

static enum loop_end loop(struct loop *l)
{
	struct console *con = &l->con;
	int jobs_fd = dyn_jobs_fd(con->s);

	while (con->leave == LEAVE_NOT) {
		struct pollfd p[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = jobs_fd, .events = POLLIN },
			{ .fd = con->wake_fd, .events = POLLIN },
		};
		struct timespec ts;

		if (!con->m && !con->working)
			return END_NO_DISKS;
		if (con->want_rescan && con->depth == 0 && !con->working)
			console_rescan(con, NULL, NULL);
		if (con->want_prompt)
			console_prompt(con);
		if (con->dirty || con->repaint || (l->progress && now_ms() >= l->shown_at + REDRAW_MS))
			show(l);
		if (ppoll(p, 3, patience(l, &ts), &l->signals.before) < 0) {
			/* A signal: one of ours, seen below, or the window's size. Even when it is again what it was,
			 * the terminal may have cut off what it showed. */
			con->repaint = true;
			for (int i = 0; i < 3; i++)
				p[i].revents = 0;
		}
		if (got_hangup)
			return END_HANGUP;
		if (got_term)
			return END_TERM;
		if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return END_HANGUP;
		if (got_int) {
			got_int = 0;
			con->dirty = true;
			if (con->m)
				console_key(con, KEY_CONTROL('c'));
			else
				con->leave = LEAVE_QUIT;
		}
		if (p[1].revents & POLLIN) {
			clear_event(jobs_fd);
			l->progress = true;
			con->dirty |= console_update_jobs(con);
		}
		if (p[2].revents & POLLIN) {
			clear_event(con->wake_fd);
			con->dirty |= freespace_take(con->free);
			l->progress |= con->working;
			console_work_ended(con);
		}
		ask_others(l);
		read_keys(l); /* also after a signal: a resize arrives as a key */
	}
	return END_USER;
}

/* ---------------------------------------------------------------- ending */

/*
 * Leaves the rebuild to a process of its own: the workers stop at a safe place, the process splits, and the child, with
 * no terminal, lets them go on to their end.
 */
static int leave_running(struct dyn_session *s)
{
	int rc = dyn_jobs_park(s), null;
	pid_t child;

	if (rc != 0) {
		fprintf(stderr, "dynadisk: the rebuild could not be left running: %s\n", strerror(-rc));
		return 1;
	}
	fflush(NULL);
	/* before the fork: the parent's end may hang up on the child before that is out of the terminal's session */
	signal(SIGHUP, SIG_IGN);
	child = fork();
	if (child < 0) {
		perror("dynadisk: the rebuild could not be left running");
		dyn_jobs_unpark(s);
		return 1;
	}
	if (child > 0) {
		printf("The rebuild goes on in the background (process %ld). Start dynadisk again to see it.\n", (long)child);
		fflush(stdout);
		_exit(0);
	}
	setsid();
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (dyn_jobs_unpark(s) == 0)
		dyn_jobs_wait(s, -1);
	_exit(0);
}

/* Waits for what is being written, and a moment for what only reads; false: it does not end, a disk hangs. */
static bool come_to_rest(struct console *con)
{
	enum { READ_MS = 1000 };

	while (con->working) {
		atomic_store(&con->stop, true);
		if (!engine_wait(con->engine, con->work.writes ? -1 : READ_MS))
			return false;
		console_work_ended(con); /* which may begin something else: after writing, the disks are read */
	}
	return true;
}

static int finish(struct loop *l, enum loop_end why)
{
	struct console *con = &l->con;
	struct dyn_session *s = con->s;
	enum leave leave = con->leave;
	bool rests = come_to_rest(con);

	console_pop_all(con);
	term_close();
	freespace_stop(con->free);
	if (why == END_HANGUP) { /* the screen is gone, the work is not */
		signal(SIGHUP, SIG_IGN);
		sigprocmask(SIG_SETMASK, &l->signals.before, NULL);
		dyn_jobs_wait(s, -1);
	}
	if (!rests)
		_exit(0); /* the session is in the hands of a thread that waits for a disk, and must not be freed */
	engine_stop(con->engine);
	if (con->m)
		dyn_model_unref(con->m);
	canvas_free(&con->canvas);
	layout_free(&con->layout);
	if (why != END_HANGUP)
		signals_end(&l->signals);
	close(con->wake_fd);
	if (why == END_NO_DISKS) {
		fprintf(stderr, "dynadisk: %s\n", *con->scan.err.what ? con->scan.err.what : "the disks could not be read");
		if (*con->scan.err.way_out)
			fprintf(stderr, "%s\n", con->scan.err.way_out);
		return 1;
	}
	return why == END_USER && leave == LEAVE_RUNNING ? leave_running(s) : 0;
}

static void set_host(struct view *v, const struct tui_options *opt)
{
	const char *name = opt->host_name ? opt->host_name : getenv("DYNADISK_HOSTNAME");

	if (name)
		snprintf(v->host, sizeof(v->host), "%s", name);
	else if (gethostname(v->host, sizeof(v->host)) != 0)
		snprintf(v->host, sizeof(v->host), "this machine");
	v->host[sizeof(v->host) - 1] = '\0';
}

int tui_run(struct dyn_session *s, const struct tui_options *opt)
{
	struct term_options term = { opt->ascii, opt->no_color, opt->no_mouse };
	struct loop *l = xcalloc(1, sizeof(*l));
	char why[256];
	int rc;

	l->con.s = s;
	l->con.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->con.wake_fd < 0) {
		perror("dynadisk");
		free(l);
		return 1;
	}
	signals_begin(&l->signals); /* before curses, which ends the program at a signal that has no handler yet */
	if (term_open(&term, why, sizeof(why)) != 0) {
		signals_end(&l->signals);
		fprintf(stderr, "dynadisk: %s\n", why);
		close(l->con.wake_fd);
		free(l);
		return 1;
	}
	l->con.view.read_only = opt->read_only;
	set_host(&l->con.view, opt);
	l->con.engine = engine_start(l->con.wake_fd);
	if (opt->hook)
		opt->hook->con = &l->con;
	console_rescan(&l->con, NULL, NULL);
	rc = finish(l, loop(l));
	if (opt->hook)
		opt->hook->con = NULL;
	free(l);
	return rc;
}
