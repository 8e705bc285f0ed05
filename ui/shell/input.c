/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * input.c - reading lines. SIGINT and SIGTERM are blocked and arrive through a signalfd, so that they can never cut a
 * disk write short; both readers therefore poll their input and the signalfd together.
 */
#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>

#include "ui/shell/grammar.h"
#include "ui/shell/input.h"

struct input {
	int fd, sigfd;
	/* terminal */
	EditLine *el;
	History *history;
	const char *prompt;
	int signal; /* that ended the line being edited */
	mbstate_t mb;
	wchar_t wide; /* what WIDE stands for */
	/* any other */
	char buf[4096];
	size_t at, len;
	bool started, end;
};

/* Waits for a byte of input: 1, 0 when a signal came first (in->signal), or -1 with errno. */
static int wait_input(struct input *in)
{
	struct pollfd p[2] = { { .fd = in->fd, .events = POLLIN }, { .fd = in->sigfd, .events = POLLIN } };
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if ((p[1].revents & POLLIN) && read(in->sigfd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			in->signal = (int)info.ssi_signo;
			return 0;
		}
		if (p[0].revents)
			return 1;
	}
}

static enum input_result signal_result(const struct input *in)
{
	return in->signal == SIGTERM ? INPUT_TERMINATED : INPUT_INTERRUPTED;
}

/* -------------------------------------------------------------- terminal */

/*
 * What is typed is inserted by a function of our own: libedit's puts a character behind the line on the screen by a short cut,
 * which writes outside its picture of the screen where the line is longer than that. Characters that no key can be bound to
 * come as WIDE, a key that nobody has. A line that is too long already takes no more: it stays too long, and is refused.
 */
enum { WIDE = 0x1e, ASCII = 0x80 };

static unsigned char insert_typed(EditLine *el, int key)
{
	const LineInfoW *line = el_wline(el);
	struct input *in;
	wchar_t text[2] = { 0 };

	if (line->lastchar - line->buffer >= SHELL_MAX_LINE)
		return CC_ERROR;
	el_get(el, EL_CLIENTDATA, &in);
	text[0] = key == WIDE ? in->wide : (wchar_t)key;
	return el_winsertstr(el, text) ? CC_ERROR : CC_REFRESH;
}

static void bind_typed(EditLine *el)
{
	char key[8];

	el_wset(el, EL_ADDFN, L"insert-typed", L"insert the character", insert_typed); /* el_set() leaks here */
	for (int c = ' '; c < ASCII - 1; c++) {
		snprintf(key, sizeof(key), "\\%03o", (unsigned)c & 0xff);
		el_set(el, EL_BIND, key, "insert-typed", NULL);
	}
	snprintf(key, sizeof(key), "\\%03o", WIDE);
	el_set(el, EL_BIND, key, "insert-typed", NULL);
}

static int read_wide(EditLine *el, wchar_t *out)
{
	struct input *in;
	char c;

	el_get(el, EL_CLIENTDATA, &in);
	for (;;) {
		size_t n;
		ssize_t r;

		if (wait_input(in) <= 0)
			return -1;
		r = read(in->fd, &c, 1);
		if (r <= 0)
			return r < 0 && errno != EIO ? -1 : 0; /* EIO: the terminal is gone */
		n = mbrtowc(out, &c, 1, &in->mb);
		if (n == (size_t)-2)
			continue;
		if (n == (size_t)-1) {
			memset(&in->mb, 0, sizeof(in->mb));
			continue;
		}
		if (c == WIDE)
			continue;
		if (*out >= ASCII) {
			in->wide = *out;
			*out = WIDE;
		}
		return 1;
	}
}

static char *prompt_of(EditLine *el)
{
	struct input *in;

	el_get(el, EL_CLIENTDATA, &in);
	return (char *)(uintptr_t)in->prompt; /* libedit only reads it */
}

struct candidates {
	size_t n, common; /* common: how many letters all of them share */
	char word[32];
	char list[512];
};

static void add_candidate(void *arg, const char *word)
{
	struct candidates *c = arg;
	size_t k = 0, len = strlen(c->list);

	if (c->n++ == 0) {
		snprintf(c->word, sizeof(c->word), "%s", word);
		c->common = strlen(c->word);
	}
	while (k < c->common && word[k] == c->word[k])
		k++;
	c->common = k;
	snprintf(c->list + len, sizeof(c->list) - len, "%s  ", word);
}

static unsigned char complete(EditLine *el, int key)
{
	const LineInfo *info = el_line(el);
	char line[SHELL_MAX_LINE], rest[sizeof(((struct candidates *)0)->word) + 1];
	size_t n = (size_t)(info->cursor - info->buffer), typed = 0;
	struct candidates c = { 0 };
	bool lower;

	(void)key;
	if (n >= sizeof(line))
		return CC_ERROR;
	memcpy(line, info->buffer, n);
	line[n] = '\0';
	while (typed < n && !strchr(" \t=", line[n - 1 - typed]))
		typed++;
	shell_complete(line, add_candidate, &c);
	if (c.n == 0 || c.common < typed)
		return CC_ERROR;
	c.word[c.common] = '\0';
	snprintf(rest, sizeof(rest), "%s%s", c.word + typed, c.n == 1 ? " " : "");
	if (*rest == '\0') {
		printf("\n%s\n", c.list);
		fflush(stdout);
		return CC_REDISPLAY;
	}
	lower = typed == 0 || islower((unsigned char)line[n - 1]);
	for (char *p = rest; lower && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return el_insertstr(el, rest) ? CC_ERROR : CC_REFRESH;
}

static bool open_terminal(struct input *in)
{
	HistEvent ev;

	in->el = el_init("dynadisk", stdin, stdout, stderr);
	in->history = history_init();
	if (!in->el || !in->history)
		return false;
	history(in->history, &ev, H_SETSIZE, 200);
	el_set(in->el, EL_CLIENTDATA, in);
	el_set(in->el, EL_PROMPT, prompt_of);
	el_set(in->el, EL_EDITOR, "emacs");
	el_set(in->el, EL_HIST, history, in->history);
	el_set(in->el, EL_GETCFN, read_wide);
	el_wset(in->el, EL_ADDFN, L"complete-word", L"complete a word of a command", complete); /* el_set() leaks here */
	el_set(in->el, EL_BIND, "^I", "complete-word", NULL);
	el_set(in->el, EL_BIND, "\033[3~", "ed-delete-next-char", NULL);
	bind_typed(in->el);
	/* M-x and M-X ask for commands of the editor itself: nothing here, and libedit dies of a lone quote */
	el_set(in->el, EL_BIND, "\033x", "ed-unassigned", NULL);
	el_set(in->el, EL_BIND, "\033X", "ed-unassigned", NULL);
	el_set(in->el, EL_BIND, "\\370", "ed-unassigned", NULL);
	el_set(in->el, EL_BIND, "\\330", "ed-unassigned", NULL);
	return true;
}

static enum input_result edit_line(struct input *in, const char *prompt, bool remember, char *dst, size_t n)
{
	const char *line;
	HistEvent ev;
	int len = 0;

	in->prompt = prompt;
	in->signal = 0;
	line = el_gets(in->el, &len);
	if (in->signal) {
		printf("^C\n");
		el_reset(in->el);
		return signal_result(in);
	}
	if (!line || len <= 0)
		return INPUT_END;
	if ((size_t)len >= n)
		return INPUT_TOO_LONG;
	memcpy(dst, line, (size_t)len);
	dst[len] = '\0';
	dst[strcspn(dst, "\r\n")] = '\0';
	if (remember && dst[strspn(dst, " \t")])
		history(in->history, &ev, H_ENTER, dst);
	return INPUT_LINE;
}

/* ------------------------------------------------------------- any other */

/* Fills the buffer: INPUT_LINE when there is something in it. */
static enum input_result fill(struct input *in)
{
	ssize_t r;

	do {
		int w = wait_input(in);

		if (w == 0)
			return signal_result(in);
		if (w < 0)
			return INPUT_ERROR;
		r = read(in->fd, in->buf, sizeof(in->buf));
	} while (r < 0 && (errno == EINTR || errno == EAGAIN));
	if (r < 0)
		return INPUT_ERROR;
	in->at = 0;
	in->len = (size_t)r;
	if (r == 0)
		return INPUT_END;
	if (!in->started) {
		in->started = true;
		if (in->len >= 2 && (!memcmp(in->buf, "\xff\xfe", 2) || !memcmp(in->buf, "\xfe\xff", 2))) {
			errno = EILSEQ;
			return INPUT_ERROR;
		}
		if (in->len >= 3 && !memcmp(in->buf, "\xef\xbb\xbf", 3)) /* what Windows' editors put in front */
			in->at = 3;
	}
	return INPUT_LINE;
}

static enum input_result plain_line(struct input *in, char *dst, size_t n)
{
	size_t len = 0;
	bool bad = false;

	if (in->end)
		return INPUT_END;
	for (;;) {
		char c;

		if (in->at == in->len) {
			enum input_result r = fill(in);

			in->end = r == INPUT_END;
			if (r == INPUT_END && len)
				break;
			if (r != INPUT_LINE)
				return r;
			continue;
		}
		c = in->buf[in->at++];
		if (c == '\n')
			break;
		if (c == '\0' || len + 1 >= n)
			bad = true;
		else
			dst[len++] = c;
	}
	if (len && dst[len - 1] == '\r')
		len--;
	dst[len] = '\0';
	return bad ? INPUT_TOO_LONG : INPUT_LINE;
}

struct input *input_new(int fd, bool tty, int sigfd)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->fd = fd;
	in->sigfd = sigfd;
	if (tty && !open_terminal(in)) {
		input_free(in);
		return NULL;
	}
	return in;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	if (in->el)
		el_end(in->el);
	if (in->history)
		history_end(in->history);
	free(in);
}

enum input_result input_line(struct input *in, const char *prompt, bool remember, char *dst, size_t n)
{
	return in->el ? edit_line(in, prompt, remember, dst, n) : plain_line(in, dst, n);
}
