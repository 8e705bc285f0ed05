/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys.h - keys as the console knows them, whatever the terminal calls them. Characters are themselves. */
#ifndef UI_TUI_KEYS_H
#define UI_TUI_KEYS_H

#define KEY_CONTROL(c) ((c) & 0x1f)

enum key {
	K_NONE = 0,
	K_BACKSPACE = 8,
	K_TAB = 9,
	K_ENTER = 10,
	K_ESC = 27,
	/* above every character */
	K_UP = 0x200000,
	K_DOWN,
	K_LEFT,
	K_RIGHT,
	K_PAGE_UP,
	K_PAGE_DOWN,
	K_HOME,
	K_END,
	K_DELETE,
	K_BACK_TAB,
	K_F1,
	K_F10 = K_F1 + 9,
	K_RESIZE,
	K_MOUSE, /* see struct mouse */
};

enum mouse_what { MOUSE_CLICK, MOUSE_MENU, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct mouse {
	enum mouse_what what;
	int y, x;
};

/* "Enter", "F5", "Ctrl-L", "r": for menus and help. */
void key_label(int key, char *dst, unsigned n);

#endif
