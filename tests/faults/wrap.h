/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wrap.h - calls to the system that fail where a test wants it. The linker puts these functions in front of the
 * system's (--wrap), for everything the engine calls itself; while nothing is armed they only pass on.
 */
#ifndef TESTS_FAULTS_WRAP_H
#define TESTS_FAULTS_WRAP_H

#include <stdatomic.h>
#include <stdbool.h>

enum wrap_class { WRAP_READ, WRAP_WRITE, WRAP_FLUSH, WRAP_OPEN, WRAP_CONTROL, WRAP_ALLOC, WRAP_CLASSES };
extern const char *const wrap_names[WRAP_CLASSES];

enum wrap_mode {
	WRAP_FAIL,   /* the nth call fails; with `lasting` all behind it, too */
	WRAP_SHORT,  /* every transfer moves half of what it should */
	WRAP_NOTHING, /* every transfer moves nothing */
	WRAP_EINTR,  /* every second call of the class is interrupted */
	WRAP_VANISH, /* from the nth write to the disk with this path on, whatever is done to it gives ENXIO */
};

struct wrap {
	_Atomic bool armed;
	enum wrap_mode mode;
	enum wrap_class class;
	unsigned nth;
	int error;
	bool lasting;
	const char *path;
	_Atomic unsigned calls; /* of the class (VANISH: writes to the disk) since it was armed */
	_Atomic int flags;      /* of the last open() */
	_Atomic unsigned hits;  /* how often something was done */
};
extern struct wrap wrap;

/*
 * Calls fn with its nth allocation failing, for every n until none is the nth. Fails the test unless it says each time
 * that memory is wanting, and unless it goes well in the end. Returns how many allocations there are.
 */
struct dyn_err;
unsigned wrap_starve(int (*fn)(void *arg, struct dyn_err *err), void *arg);

#endif
