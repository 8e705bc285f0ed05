/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lab.h - practice disks: image files in the state the guides begin with. */
#ifndef UI_LAB_H
#define UI_LAB_H

/* `dynadisk lab DIR [--scenario NAME]`, `dynadisk lab --list`; argv[0] is "lab". Returns the exit code: 0 done,
 * 1 failed (said on stderr), 2 wrong usage. Needs no root; writes only inside DIR. */
int lab_main(int argc, char **argv);

#endif
