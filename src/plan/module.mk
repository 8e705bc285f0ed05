# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/plan/break.c \
	src/plan/create.c \
	src/plan/initialize.c \
	src/plan/mirror.c \
	src/plan/plan.c src/plan/plan.h \
	src/plan/recover.c \
	src/plan/repair.c \
	src/plan/sim.c src/plan/sim.h \
	src/plan/upgrade.c
