/* SPDX-License-Identifier: GPL-3.0-or-later */
/* roles.h - what a character on the screen means. theme.c decides how each looks; in monochrome all still differ by
 * attribute or by the word itself. */
#ifndef UI_TUI_ROLES_H
#define UI_TUI_ROLES_H

enum role {
	ROLE_NORMAL,
	ROLE_TITLE,      /* the menu bar and title line */
	ROLE_HEADER,     /* pane headings */
	ROLE_HEADER_ON,  /* heading of the pane that has the keys */
	ROLE_COLUMN,     /* column titles */
	ROLE_FRAME,      /* lines around the graphical view */
	ROLE_PANEL,      /* the grey disk panel */
	ROLE_PANEL_STRONG,
	ROLE_PANEL_WARN,
	ROLE_SELECTED,   /* the row or box that keys act on */
	ROLE_LIT,        /* the selection seen in the other pane, the other half of a mirror */
	ROLE_GREYED,     /* what does not apply now */
	ROLE_STRONG,
	ROLE_GOOD,
	ROLE_WARN,
	ROLE_BAD,
	ROLE_KEY,        /* a key to press, in the bottom line */
	ROLE_BAR,        /* done part of a progress bar */
	ROLE_DIALOG,
	ROLE_DIALOG_TITLE,
	ROLE_DIALOG_STRONG,
	ROLE_DESTROY,    /* what will be erased */
	ROLE_FIELD,      /* where text is typed */
	ROLE_FILL,       /* the strip above a region; + enum dyn_region_kind */
	ROLES = ROLE_FILL + 11
};

#endif
