/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term.c - curses: opening and closing the terminal, colours, keys. */
#include "config.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "dynadisk.h"
#include "ui/tui/term.h"

/* How a role looks: colours where there are any, else an attribute. */
struct look {
	short fg, bg;    /* -1: the terminal's own */
	attr_t color;    /* besides the colours */
	attr_t mono;
};

static const struct look looks[ROLES] = {
	[ROLE_NORMAL] = { -1, -1, A_NORMAL, A_NORMAL },
	[ROLE_TITLE] = { COLOR_WHITE, COLOR_BLUE, A_BOLD, A_REVERSE },
	[ROLE_HEADER] = { COLOR_CYAN, COLOR_BLUE, A_NORMAL, A_UNDERLINE },
	[ROLE_HEADER_ON] = { COLOR_CYAN, COLOR_BLUE, A_BOLD, A_BOLD | A_UNDERLINE },
	[ROLE_COLUMN] = { COLOR_CYAN, -1, A_NORMAL, A_UNDERLINE },
	[ROLE_FRAME] = { -1, -1, A_NORMAL, A_NORMAL },
	[ROLE_PANEL] = { COLOR_BLACK, COLOR_WHITE, A_NORMAL, A_NORMAL },
	[ROLE_SELECTED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL, A_REVERSE },
	[ROLE_LIT] = { COLOR_CYAN, -1, A_BOLD, A_BOLD | A_UNDERLINE },
	[ROLE_GREYED] = { COLOR_CYAN, COLOR_BLUE, A_NORMAL, A_DIM },
	[ROLE_STRONG] = { -1, -1, A_BOLD, A_BOLD },
	[ROLE_GOOD] = { COLOR_GREEN, -1, A_BOLD, A_NORMAL },
	[ROLE_WARN] = { COLOR_YELLOW, -1, A_BOLD, A_BOLD },
	[ROLE_BAD] = { COLOR_RED, -1, A_BOLD, A_BOLD },
	[ROLE_KEY] = { COLOR_CYAN, -1, A_NORMAL, A_BOLD },
	[ROLE_BAR] = { COLOR_WHITE, COLOR_GREEN, A_NORMAL, A_REVERSE },
	[ROLE_DIALOG] = { COLOR_WHITE, COLOR_BLUE, A_NORMAL, A_NORMAL },
	[ROLE_DIALOG_TITLE] = { COLOR_YELLOW, COLOR_BLUE, A_BOLD, A_BOLD },
	[ROLE_DIALOG_STRONG] = { COLOR_WHITE, COLOR_BLUE, A_BOLD, A_BOLD },
	[ROLE_PANEL_STRONG] = { COLOR_BLACK, COLOR_WHITE, A_NORMAL, A_BOLD },
	[ROLE_PANEL_WARN] = { COLOR_RED, COLOR_WHITE, A_NORMAL, A_BOLD },
	[ROLE_DESTROY] = { COLOR_WHITE, COLOR_RED, A_BOLD, A_REVERSE },
	[ROLE_FIELD] = { COLOR_BLACK, COLOR_WHITE, A_NORMAL, A_UNDERLINE },
	[ROLE_FILL + DYN_REGION_UNALLOCATED] = { COLOR_WHITE, COLOR_BLACK, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_PRIMARY] = { COLOR_WHITE, COLOR_BLUE, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_EXTENDED] = { COLOR_BLACK, COLOR_GREEN, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_FREE] = { COLOR_GREEN, -1, A_BOLD, A_NORMAL },
	[ROLE_FILL + DYN_REGION_LOGICAL] = { COLOR_CYAN, COLOR_BLUE, A_BOLD, A_NORMAL },
	[ROLE_FILL + DYN_REGION_SIMPLE] = { COLOR_BLACK, COLOR_YELLOW, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_SPANNED] = { COLOR_WHITE, COLOR_MAGENTA, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_STRIPED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_MIRROR] = { COLOR_WHITE, COLOR_RED, A_NORMAL, A_NORMAL },
	[ROLE_FILL + DYN_REGION_RAID5] = { COLOR_CYAN, -1, A_BOLD | A_REVERSE, A_NORMAL },
};

/* The screen is one per process, as curses itself. */
static struct {
	bool open, ascii, utf8;
	bool colors;
	SCREEN *screen;
	short pair[ROLES]; /* 0: no colours */
} term;

static void init_colors(bool wanted)
{
	bool own = true;

	term.colors = wanted && has_colors() && start_color() == OK && COLOR_PAIRS > ROLES;
	if (!term.colors)
		return;
	/* where the terminal's own colours cannot be kept, black and white stand in for them */
	own = use_default_colors() == OK;
	for (int i = 0; i < ROLES; i++) {
		short fg = looks[i].fg, bg = looks[i].bg;

		if (!own) {
			fg = fg < 0 ? COLOR_WHITE : fg;
			bg = bg < 0 ? COLOR_BLACK : bg;
		}
		term.pair[i] = init_pair((short)(i + 1), fg, bg) == OK ? (short)(i + 1) : 0;
		/* roles of the same colours share a pair: curses sends colours anew when the pair changes */
		for (int k = 0; k < i; k++) {
			if (looks[k].fg == looks[i].fg && looks[k].bg == looks[i].bg && term.pair[k]) {
				term.pair[i] = term.pair[k];
				break;
			}
		}
	}
}

static int refuse(char *why, unsigned n, const char *text)
{
	snprintf(why, n, "%s", text);
	return -1;
}

/* A login script may have exported LINES and COLUMNS long ago; where the terminal itself knows its size, that counts. */
static void forget_old_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
		unsetenv("LINES");
		unsetenv("COLUMNS");
	}
}

int term_open(const struct term_options *opt, char *why, unsigned n)
{
	const char *name = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return refuse(why, n, "the console needs a terminal; try 'dynadisk status' or 'dynadisk shell'");
	setlocale(LC_CTYPE, "");
	if (name == NULL || *name == '\0')
		return refuse(why, n, "the kind of terminal is not known (TERM is not set); 'dynadisk shell' works on any");
	forget_old_size();
	term.screen = newterm(NULL, stdout, stdin);
	if (term.screen == NULL)
		return refuse(why, n, "this terminal is not known (check TERM); 'dynadisk shell' works on any");
	if (cursor_address == NULL) {
		endwin();
		delscreen(term.screen);
		term.screen = NULL;
		return refuse(why, n, "this terminal cannot place text (TERM=dumb?); use 'dynadisk shell'");
	}
	term.open = true;
	term.ascii = opt->ascii;
	term.utf8 = strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0;
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	if (!opt->no_mouse) {
		mousemask(BUTTON1_PRESSED | BUTTON3_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
		mouseinterval(0);
	}
	init_colors(!opt->no_color && getenv("NO_COLOR") == NULL);
	return 0;
}

void term_close(void)
{
	if (!term.open)
		return;
	term.open = false;
	endwin();
}

void term_suspend(void)
{
	def_prog_mode();
	endwin();
}

void term_resume(void)
{
	reset_prog_mode();
	clearok(curscr, TRUE);
}

/* Curses follows a change when it next reads a key; asking here makes it follow at once. A serial line that knows no size
 * keeps what its type says. */
void term_size(int *rows, int *cols)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
	    (size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
	*rows = LINES;
	*cols = COLS;
}

bool term_alive(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) <= 0 || !(p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* ---------------------------------------------------------------- showing */

static const cchar_t *glyph_char(uint32_t g)
{
	switch (g) {
	case GLYPH_HLINE:
		return WACS_HLINE;
	case GLYPH_VLINE:
		return WACS_VLINE;
	case GLYPH_UL:
		return WACS_ULCORNER;
	case GLYPH_UR:
		return WACS_URCORNER;
	case GLYPH_LL:
		return WACS_LLCORNER;
	case GLYPH_LR:
		return WACS_LRCORNER;
	case GLYPH_LTEE:
		return WACS_LTEE;
	case GLYPH_RTEE:
		return WACS_RTEE;
	case GLYPH_TTEE:
		return WACS_TTEE;
	case GLYPH_BTEE:
		return WACS_BTEE;
	default:
		return WACS_PLUS;
	}
}

static void show_cell(int y, int x, const struct cell *cell)
{
	const struct look *look = &looks[cell->role < ROLES ? cell->role : 0];
	bool colored = term.colors;
	attr_t attr = colored ? look->color : look->mono;
	short pair = (short)(colored && cell->role < ROLES ? term.pair[cell->role] : 0);
	wchar_t text[2] = { (wchar_t)cell->ch, 0 };
	cchar_t cc;

	if (cell->ch == GLYPH_CONTINUED)
		return;
	if (cell->ch < GLYPHS && !term.ascii) {
		attr_t ga;
		short gp;
		wchar_t gw[CCHARW_MAX + 1];

		getcchar(glyph_char(cell->ch), gw, &ga, &gp, NULL);
		setcchar(&cc, gw, attr | ga, pair, NULL);
		mvadd_wch(y, x, &cc);
		return;
	}
	if (cell->ch < GLYPHS)
		text[0] = cell->ch == GLYPH_HLINE ? L'-' : cell->ch == GLYPH_VLINE ? L'|' : L'+';
	else if (cell->ch >= 0x80 && !term.utf8)
		text[0] = L'?';
	setcchar(&cc, text, attr, pair, NULL);
	mvadd_wch(y, x, &cc);
}

void term_show(const struct canvas *c, bool all)
{
	if (all)
		clearok(curscr, TRUE);
	for (int y = 0; y < c->rows && y < LINES; y++) {
		for (int x = 0; x < c->cols && x < COLS; x++)
			show_cell(y, x, &c->cells[y * c->cols + x]);
	}
	move(c->cursor_y < LINES ? c->cursor_y : LINES - 1, c->cursor_x < COLS ? c->cursor_x : COLS - 1);
	refresh();
}

/* ---------------------------------------------------------------- keys */

static int read_mouse(struct mouse *m)
{
	MEVENT e;

	if (getmouse(&e) != OK)
		return K_NONE;
	*m = (struct mouse){ MOUSE_CLICK, e.y, e.x };
	if (e.bstate & BUTTON3_PRESSED)
		m->what = MOUSE_MENU;
	else if (e.bstate & BUTTON4_PRESSED)
		m->what = MOUSE_WHEEL_UP;
	else if (e.bstate & BUTTON5_PRESSED)
		m->what = MOUSE_WHEEL_DOWN;
	else if (!(e.bstate & BUTTON1_PRESSED))
		return K_NONE;
	return K_MOUSE;
}

static int function_key(wint_t ch, struct mouse *m)
{
	static const struct {
		int curses, ours;
	} table[] = {
		{ KEY_UP, K_UP },	  { KEY_DOWN, K_DOWN },	    { KEY_LEFT, K_LEFT },   { KEY_RIGHT, K_RIGHT },
		{ KEY_PPAGE, K_PAGE_UP }, { KEY_NPAGE, K_PAGE_DOWN }, { KEY_HOME, K_HOME },   { KEY_END, K_END },
		{ KEY_DC, K_DELETE },	  { KEY_BTAB, K_BACK_TAB }, { KEY_ENTER, K_ENTER }, { KEY_BACKSPACE, K_BACKSPACE },
		{ KEY_RESIZE, K_RESIZE }, { KEY_FIND, K_HOME },	    { KEY_SELECT, K_END },
	};

	if (ch == KEY_MOUSE)
		return read_mouse(m);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if ((wint_t)table[i].curses == ch)
			return table[i].ours;
	}
	if (ch >= (wint_t)KEY_F(1) && ch <= (wint_t)KEY_F(10))
		return K_F1 + (int)(ch - (wint_t)KEY_F(1));
	return K_NONE;
}

int term_key(struct mouse *m)
{
	wint_t ch;
	int got = get_wch(&ch);

	/* a key we have no name for must not end the draining of keys */
	while (got == KEY_CODE_YES) {
		int key = function_key(ch, m);

		if (key != K_NONE)
			return key;
		got = get_wch(&ch);
	}
	if (got == ERR)
		return K_NONE;
	if (ch == '\r' || ch == '\n')
		return K_ENTER;
	if (ch == 127)
		return K_BACKSPACE;
	if (ch == K_ESC) {
		wint_t next;
		int more = get_wch(&next);

		if (more == OK && next >= '0' && next <= '9')
			return next == '0' ? K_F10 : K_F1 + (int)(next - '1');
		if (more == OK)
			unget_wch((wchar_t)next);
		else if (more == KEY_CODE_YES)
			ungetch((int)next);
	}
	return (int)ch;
}
