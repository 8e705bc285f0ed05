/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop.c - the one input loop: it waits for the terminal, the rebuilds and the count of free space together, and ends
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
enum loop_end { END_USER, END_TERM, END_HANGUP };

struct loop {
	struct console con;
	struct signals signals;
	int wake_fd;         /* of the count of free space */
	int64_t asked_at;    /* when another process was last asked about its rebuild */
	int64_t shown_at;    /* when the screen was last painted */
	unsigned busy_shown; /* percent + 1 that was last said, 0 none */
	bool stop;           /* Esc was pressed while something took its time */
	bool progress;       /* numbers of a rebuild changed since */
};

static void show(struct loop *l)
{
	struct console *con = &l->con;
	int rows, cols;

	term_size(&rows, &cols);
	console_paint(con, rows, cols);
	term_show(&con->canvas, con->repaint);
	con->repaint = con->dirty = false;
	l->progress = false;
	l->shown_at = now_ms();
}

void console_show(struct console *con)
{
	show((struct loop *)con);
}

void console_busy_begin(struct console *con, const char *fmt, ...)
{
	struct loop *l = (struct loop *)con;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(con->busy, sizeof(con->busy), fmt, ap);
	va_end(ap);
	l->busy_shown = 0;
	l->stop = false;
	console_notice(con, "%s ...", con->busy);
	show(l);
}

void console_busy_end(struct console *con)
{
	con->busy[0] = '\0';
}

int console_busy(struct console *con, uint64_t done, uint64_t total)
{
	struct loop *l = (struct loop *)con;
	unsigned percent = total ? (unsigned)((double)done * 100.0 / (double)total) : 100;
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec at_once = { 0 };
	struct mouse m;
	int key;

	if (!*con->busy)
		return 0;
	if (ppoll(&p, 1, &at_once, &l->signals.before) < 0)
		p.revents = 0; /* a signal came in: seen by its flag */
	if (got_term || got_int || got_hangup || p.revents & (POLLHUP | POLLERR | POLLNVAL))
		l->stop = true;
	while (!l->stop && (key = term_key(&m)) != K_NONE)
		l->stop = key == K_ESC || key == KEY_CONTROL('c');
	if (percent + 1 != l->busy_shown && (l->busy_shown == 0 || now_ms() >= l->shown_at + REDRAW_MS)) {
		l->busy_shown = percent + 1;
		console_notice(con, "%s: %u%%. Esc stops it.", con->busy, percent > 100 ? 100 : percent);
		show(l);
	}
	return l->stop;
}

int tui_progress(void *hook, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	struct tui_hook *h = hook;

	(void)step;
	return h->con ? console_busy(h->con, done, total) : 0;
}

void console_rescan(struct console *con)
{
	struct loop *l = (struct loop *)con;
	struct dyn_model *m = NULL, *old = con->m;
	struct dyn_err err = { 0 };

	con->want_rescan = false;
	if (dyn_scan(con->s, &m, &err) != 0) {
		error_show(con, "The disks could not be read", &err);
		return;
	}
	view_set_model(&con->view, m);
	con->m = m;
	con->free = freespace_start(m, con->free, l->wake_fd);
	con->view.free_bytes = freespace_bytes(con->free);
	dyn_model_unref(old);
	console_update_jobs(con);
	con->want_rescan = false;
	con->dirty = true;
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
	console_rescan(con);
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
			{ .fd = l->wake_fd, .events = POLLIN },
		};
		struct timespec ts;

		if (con->want_rescan && con->depth == 0)
			console_rescan(con);
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
			console_key(con, KEY_CONTROL('c'));
		}
		if (p[1].revents & POLLIN) {
			clear_event(jobs_fd);
			l->progress = true;
			con->dirty |= console_update_jobs(con);
		}
		if (p[2].revents & POLLIN) {
			clear_event(l->wake_fd);
			con->dirty |= freespace_take(con->free);
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

static int finish(struct loop *l, enum loop_end why)
{
	struct dyn_session *s = l->con.s;
	enum leave leave = l->con.leave;

	console_pop_all(&l->con);
	term_close();
	freespace_stop(l->con.free);
	dyn_model_unref(l->con.m);
	canvas_free(&l->con.canvas);
	layout_free(&l->con.layout);
	if (why == END_HANGUP) { /* the screen is gone, the work is not */
		signal(SIGHUP, SIG_IGN);
		sigprocmask(SIG_SETMASK, &l->signals.before, NULL);
		dyn_jobs_wait(s, -1);
		close(l->wake_fd);
		return 0;
	}
	signals_end(&l->signals);
	close(l->wake_fd);
	return leave == LEAVE_RUNNING ? leave_running(s) : 0;
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
	struct dyn_err err = { 0 };
	char why[256];
	int rc;

	l->con.s = s;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0) {
		perror("dynadisk");
		free(l);
		return 1;
	}
	signals_begin(&l->signals); /* before curses, which ends the program at a signal that has no handler yet */
	if (term_open(&term, why, sizeof(why)) != 0) {
		signals_end(&l->signals);
		fprintf(stderr, "dynadisk: %s\n", why);
		close(l->wake_fd);
		free(l);
		return 1;
	}
	l->con.view.read_only = opt->read_only;
	set_host(&l->con.view, opt);
	if (dyn_scan(s, &l->con.m, &err) != 0) {
		term_close();
		signals_end(&l->signals);
		fprintf(stderr, "dynadisk: %s\n", *err.what ? err.what : "the disks could not be read");
		if (*err.way_out)
			fprintf(stderr, "%s\n", err.way_out);
		close(l->wake_fd);
		free(l);
		return 1;
	}
	if (opt->hook)
		opt->hook->con = &l->con;
	view_start(&l->con.view, l->con.m);
	console_update_jobs(&l->con);
	show(l);
	l->con.free = freespace_start(l->con.m, NULL, l->wake_fd);
	l->con.view.free_bytes = freespace_bytes(l->con.free);
	rc = finish(l, loop(l));
	if (opt->hook)
		opt->hook->con = NULL;
	free(l);
	return rc;
}
