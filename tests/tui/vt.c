/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vt.c - a pseudo-terminal with libvterm behind it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>

#include "tests/tui/vt.h"

struct vt {
	VTerm *term;
	VTermScreen *screen;
	int fd, keep; /* the master side; the slave side, kept open so that its modes can be read */
	pid_t pid;
	int status;
	bool ended, away;
	size_t bytes;
	struct termios before;
	VTermPos cursor;
	char last[8];      /* the character printed last, for REP */
	size_t n_last;
	char sequence[16]; /* a control sequence that is not complete yet */
	size_t n_sequence;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int on_move(VTermPos pos, VTermPos old, int visible, void *arg)
{
	struct vt *vt = arg;

	(void)old;
	(void)visible;
	vt->cursor = pos;
	return 1;
}

struct vt *vt_start(int rows, int cols, char *const argv[])
{
	static const VTermScreenCallbacks calls = { .movecursor = on_move };
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
	struct vt *vt = calloc(1, sizeof(*vt));

	if (!vt || openpty(&vt->fd, &vt->keep, NULL, NULL, &size) != 0) {
		free(vt);
		return NULL;
	}
	fcntl(vt->fd, F_SETFD, FD_CLOEXEC);
	fcntl(vt->keep, F_SETFD, FD_CLOEXEC);
	tcgetattr(vt->keep, &vt->before);
	vt->term = vterm_new(rows, cols);
	vterm_set_utf8(vt->term, 1);
	vt->screen = vterm_obtain_screen(vt->term);
	vterm_screen_set_callbacks(vt->screen, &calls, vt);
	vterm_screen_enable_altscreen(vt->screen, 1);
	vterm_screen_reset(vt->screen, 1);
	vt->pid = fork();
	if (vt->pid == 0) {
		login_tty(dup(vt->keep));
		execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	fcntl(vt->fd, F_SETFL, O_NONBLOCK);
	return vt;
}

/*
 * Feeds the emulator, with REP ("the last character again N times") written out: libvterm 0.1.4 wraps one column early
 * when a repeated run ends beside the right margin.
 */
static void feed(struct vt *vt, const char *p, size_t n)
{
	for (; n > 0; p++, n--) {
		unsigned char b = (unsigned char)*p;

		if (vt->n_sequence || b == 0x1b) {
			vt->sequence[vt->n_sequence++] = *p;
			if (vt->n_sequence == 2 && b == '[')
				continue;
			if (vt->n_sequence == 1 || (vt->n_sequence > 2 && vt->n_sequence < sizeof(vt->sequence) - 1 &&
						    b >= '0' && b <= '9'))
				continue;
			vt->sequence[vt->n_sequence] = '\0';
			for (int i = 0; b == 'b' && vt->n_sequence > 2 && i < atoi(vt->sequence + 2); i++)
				vterm_input_write(vt->term, vt->last, vt->n_last);
			if (b != 'b' || vt->n_sequence < 3)
				vterm_input_write(vt->term, vt->sequence, vt->n_sequence);
			vt->n_sequence = 0;
			continue;
		}
		if (b >= 0x20 && (b & 0xc0) != 0x80)
			vt->n_last = 0;
		if (b >= 0x20 && vt->n_last < sizeof(vt->last))
			vt->last[vt->n_last++] = *p;
		vterm_input_write(vt->term, p, 1);
	}
}

/* Takes in what there is; waits at most ms for the first of it. True when something came. */
static bool take(struct vt *vt, int ms)
{
	struct pollfd p = { .fd = vt->fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	if (vt->fd < 0 || poll(&p, 1, ms) <= 0)
		return false;
	n = read(vt->fd, buf, sizeof(buf));
	if (n <= 0)
		return false;
	vt->bytes += (size_t)n;
	if (vt->away)
		return true;
	feed(vt, buf, (size_t)n);
	while ((n = (ssize_t)vterm_output_read(vt->term, buf, sizeof(buf))) > 0) /* answers to questions of the program */
		vt_type(vt, buf, (size_t)n);
	return true;
}

static bool has_ended(struct vt *vt)
{
	if (!vt->ended && waitpid(vt->pid, &vt->status, WNOHANG) == vt->pid)
		vt->ended = true;
	return vt->ended;
}

void vt_let_go(struct vt *vt)
{
	if (vt->keep >= 0) {
		tcflow(vt->keep, TCOOFF);
		tcflow(vt->keep, TCOON);
	}
}

void vt_type(struct vt *vt, const char *bytes, size_t n)
{
	while (n > 0 && vt->fd >= 0) {
		ssize_t done = write(vt->fd, bytes, n);

		if (done < 0 && (errno != EAGAIN || has_ended(vt))) /* nobody will ever read it */
			return;
		if (done < 0) {
			if (!take(vt, 10))
				vt_let_go(vt);
			continue;
		}
		bytes += done;
		n -= (size_t)done;
	}
}

bool vt_until(struct vt *vt, bool (*want)(struct vt *vt, const void *arg), const void *arg, int ms)
{
	int64_t end = now_ms() + ms;

	for (;;) {
		int64_t left = end - now_ms();

		while (take(vt, 0))
			;
		if (want(vt, arg))
			return true;
		if (left <= 0)
			return false;
		/* a program that ended says nothing more, but its last words may still come */
		if (!take(vt, left < 50 ? (int)left : 50) && has_ended(vt))
			return want(vt, arg);
	}
}

void vt_settle(struct vt *vt, int ms)
{
	while (take(vt, ms))
		;
}

/* A text that is longer than a line is looked for across lines; else in each line. */
static bool shown(struct vt *vt, const void *arg)
{
	char *s = vt_screen(vt);
	bool found = strstr(s, arg) != NULL;

	free(s);
	return found;
}

static bool not_shown(struct vt *vt, const void *arg)
{
	return !shown(vt, arg);
}

bool vt_wait(struct vt *vt, const char *text, bool want, int ms)
{
	return vt_until(vt, want ? shown : not_shown, text, ms);
}

void vt_resize(struct vt *vt, int rows, int cols)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };

	if (!vt->away)
		vterm_set_size(vt->term, rows, cols);
	ioctl(vt->fd, TIOCSWINSZ, &size);
}

void vt_look_away(struct vt *vt)
{
	vt->away = true;
}

void vt_hang_up(struct vt *vt)
{
	close(vt->keep);
	close(vt->fd);
	vt->fd = vt->keep = -1;
}

static bool is_over(struct vt *vt, const void *arg)
{
	(void)arg;
	return has_ended(vt);
}

int vt_exit(struct vt *vt, int ms)
{
	if (vt->fd >= 0) {
		vt_until(vt, is_over, NULL, ms);
	} else {
		int64_t end = now_ms() + ms;

		while (!has_ended(vt) && now_ms() < end)
			poll(NULL, 0, 5);
	}
	if (!has_ended(vt))
		return -1;
	return WIFEXITED(vt->status) ? WEXITSTATUS(vt->status) : 128 + WTERMSIG(vt->status);
}

void vt_free(struct vt *vt)
{
	if (!vt)
		return;
	if (!has_ended(vt)) {
		kill(vt->pid, SIGKILL);
		waitpid(vt->pid, &vt->status, 0);
	}
	if (vt->fd >= 0) {
		close(vt->fd);
		close(vt->keep);
	}
	vterm_free(vt->term);
	free(vt);
}

long vt_pid(const struct vt *vt)
{
	return (long)vt->pid;
}

long vt_cpu_ms(const struct vt *vt)
{
	unsigned long user = 0, system = 0;
	char path[64], line[1024], *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)vt->pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	at = strrchr(line, ')'); /* the name may hold anything */
	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		return -1;
	return (long)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

static size_t put_utf8(char *dst, uint32_t cp)
{
	if (cp < 0x80) {
		dst[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		dst[0] = (char)(0xc0 | cp >> 6);
		dst[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	dst[0] = (char)(0xe0 | cp >> 12);
	dst[1] = (char)(0x80 | (cp >> 6 & 0x3f));
	dst[2] = (char)(0x80 | (cp & 0x3f));
	return 3;
}

char *vt_screen(const struct vt *vt)
{
	int rows, cols;
	size_t n = 0;
	char *s;

	vterm_get_size(vt->term, &rows, &cols);
	s = calloc((size_t)rows * ((size_t)cols * 4 + 1) + 1, 1);
	for (int y = 0; y < rows; y++) {
		size_t start = n;

		for (int x = 0; x < cols; x++) {
			VTermScreenCell cell;

			vterm_screen_get_cell(vt->screen, (VTermPos){ y, x }, &cell);
			n += put_utf8(s + n, cell.chars[0] && cell.chars[0] < 0x10000 ? cell.chars[0] : ' ');
		}
		while (n > start && s[n - 1] == ' ')
			n--;
		s[n++] = '\n';
	}
	s[n] = '\0';
	return s;
}

static char look_of(const VTermScreenCell *cell)
{
	static const char names[] = "kbgcrmyw"; /* by blue, green, red bits, as below */
	const VTermColor *c = VTERM_COLOR_IS_DEFAULT_BG(&cell->bg) ? &cell->fg : &cell->bg;
	bool plain = VTERM_COLOR_IS_DEFAULT_BG(&cell->bg) && VTERM_COLOR_IS_DEFAULT_FG(&cell->fg);
	int i;

	if (cell->attrs.reverse)
		return '#';
	if (plain)
		return cell->attrs.underline ? '_' : cell->attrs.bold ? '*' : ' ';
	if (!VTERM_COLOR_IS_INDEXED(c))
		return '?';
	i = c->indexed.idx & 7; /* bit 0 red, 1 green, 2 blue */
	i = (i & 1) << 2 | (i & 2) | (i & 4) >> 2;
	return cell->attrs.bold ? (char)(names[i] - 'a' + 'A') : names[i];
}

char *vt_looks(const struct vt *vt)
{
	int rows, cols;
	size_t n = 0;
	char *s;

	vterm_get_size(vt->term, &rows, &cols);
	s = calloc((size_t)rows * ((size_t)cols + 1) + 1, 1);
	for (int y = 0; y < rows; y++) {
		size_t start = n;

		for (int x = 0; x < cols; x++) {
			VTermScreenCell cell;

			vterm_screen_get_cell(vt->screen, (VTermPos){ y, x }, &cell);
			s[n++] = look_of(&cell);
		}
		while (n > start && s[n - 1] == ' ')
			n--;
		s[n++] = '\n';
	}
	s[n] = '\0';
	return s;
}

void vt_cursor(const struct vt *vt, int *row, int *col)
{
	*row = vt->cursor.row;
	*col = vt->cursor.col;
}

size_t vt_bytes(const struct vt *vt)
{
	return vt->bytes;
}

bool vt_sane(const struct vt *vt)
{
	const tcflag_t modes = ICANON | ECHO | ISIG | IEXTEN;
	struct termios now;

	if (vt->keep < 0 || tcgetattr(vt->keep, &now) != 0)
		return false;
	return (now.c_lflag & modes) == (vt->before.c_lflag & modes) &&
	       (now.c_iflag & (ICRNL | IXON)) == (vt->before.c_iflag & (ICRNL | IXON)) &&
	       (now.c_oflag & (OPOST | ONLCR)) == (vt->before.c_oflag & (OPOST | ONLCR));
}
