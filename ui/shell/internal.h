/* SPDX-License-Identifier: GPL-3.0-or-later */
/* internal.h - what the shell's own files share. */
#ifndef UI_SHELL_INTERNAL_H
#define UI_SHELL_INTERNAL_H

#include <stdio.h>

#include "dynadisk.h"
#include "ui/shell/grammar.h"
#include "ui/shell/input.h"

/* Which disk, partition or volume commands act on, by what stays the same when numbers move. */
struct shell_focus {
	bool set;
	char guid[37];
	char path[256], model[96], serial[96]; /* of the disk; for a volume without GUID, of the disk it begins on */
	uint64_t offset;                       /* first byte of a partition, or of a volume without GUID */
};

/* What is selected. DiskPart's rules: selecting one thing selects what it lies on, and forgets the rest. */
struct shell_selection {
	struct shell_focus disk, partition, volume;
};

/* A drive letter given (or, letter 0, taken away) in this session. */
struct shell_letter {
	struct shell_focus of;
	char letter;
};

/* Letters that live until the shell ends, over those that the disks themselves suggest. */
struct shell_letters {
	struct shell_letter *list;
	size_t n;
};

struct shell {
	struct dyn_session *session;
	struct dyn_model *model;
	struct shell_selection sel;
	struct shell_letters letters;
	struct shell_letters offline; /* volumes taken off line: what is on the list, whatever its letter */
	FILE *out;
	struct input *input;
	int sigfd;
	bool interactive;    /* a person types: prompts, asks before data is destroyed */
	bool out_tty;        /* progress is drawn in place */
	bool done;           /* EXIT, or nothing can go on */
	bool preview;        /* plans are shown, not carried out */
	bool preview_next;   /* ... for the next command */
	unsigned *told;      /* ids of finished jobs whose end was said */
	size_t n_told;
	size_t n_ended;      /* finished jobs at the last scan */
	int signal;          /* SIGINT or SIGTERM that ends the shell, 0 none */
	bool job_failed;     /* a rebuild of this run did not come to its end */
	const struct dyn_plan *applying; /* while dyn_apply() runs */
	bool percent;        /* the command running ends with "100 percent completed" */
	bool drawn;          /* ... and a line with its progress is on the terminal */
};

/* ---- replies (shell.c). A reply begins with one empty line. */
/* One line for each range of a volume. */
void shell_say_ranges(struct shell *sh, const struct dyn_range *r, size_t n);
void shell_say(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What was named does not exist: the sentence, and which disks cannot be read, as it may be on one of them. */
void shell_say_invalid(struct shell *sh, const char *sentence);
/* "Virtual Disk Service error:", DiskPart's text for it if it has one (vds, else NULL), and our words. SHELL_FAILED. */
enum shell_result shell_refuse(struct shell *sh, const char *vds, const struct dyn_err *err);
/* New model; focus follows what it was on. SHELL_FATAL after saying why when the disks cannot be scanned at all. */
enum shell_result shell_rescan(struct shell *sh);
/* A line of input after the prompt; see input.h. */
enum input_result shell_ask(struct shell *sh, const char *prompt, bool remember, char *dst, size_t n);
enum shell_result shell_execute(struct shell *sh, const char *line);
/* The list of all commands. (help.c) */
void shell_help_all(struct shell *sh);

/* ---- focus.c: pure; DYN_NONE when there is none */
void shell_focus_disk(struct shell_focus *f, const struct dyn_model *m, size_t disk);
void shell_focus_volume(struct shell_focus *f, const struct dyn_model *m, size_t volume);
size_t shell_focused_disk(const struct shell_focus *f, const struct dyn_model *m);
size_t shell_focused_volume(const struct shell_focus *f, const struct dyn_model *m);
/* Index into the partitions[] of *disk, which is the selected one. */
size_t shell_focused_partition(const struct shell_selection *sel, const struct dyn_model *m, size_t *disk);
/* The volume that begins where f's did, whatever its GUID is now. */
size_t shell_volume_in_place(const struct shell_focus *f, const struct dyn_model *m);
/* DYN_NONE forgets what was selected. */
void shell_select_disk(struct shell_selection *sel, const struct dyn_model *m, size_t disk);
void shell_select_partition(struct shell_selection *sel, const struct dyn_model *m, size_t disk, size_t part);
void shell_select_volume(struct shell_selection *sel, const struct dyn_model *m, size_t volume);
/* The disk a volume lies on when it is one only, else DYN_NONE. */
size_t shell_only_disk(const struct dyn_model *m, size_t volume);
/* What a DISK or VOLUME value means. *several: how many volumes carry that letter. l NULL: only the disks' own letters. */
size_t shell_find_disk(const struct dyn_model *m, const char *text);
size_t shell_find_volume(const struct shell_letters *l, const struct dyn_model *m, const char *text, size_t *several);

/* ---- letters.c */
/* The letter of a volume, or 0. */
char shell_letter(const struct shell_letters *l, const struct dyn_model *m, size_t volume);
/* The first letter from C on that no volume has, or 0. */
char shell_free_letter(const struct shell_letters *l, const struct dyn_model *m);
/* letter 0: none from now on. 0, or -ENOMEM. */
int shell_set_letter(struct shell_letters *l, const struct dyn_model *m, size_t volume, char letter);
/* What was set for a volume: its place in the list or DYN_NONE; and forgets it, once the volume is gone. */
size_t shell_letter_entry(const struct shell_letters *l, const struct dyn_model *m, size_t volume);
void shell_drop_letter(struct shell_letters *l, size_t entry);
void shell_letters_clear(struct shell_letters *l);

/* ---- what commands need; NULL model objects never reach them. These say what is missing and return false. (change.c) */
bool shell_need_disk(struct shell *sh, size_t *disk);
bool shell_need_partition(struct shell *sh, size_t *disk, size_t *part);
bool shell_need_volume(struct shell *sh, size_t *volume);

/* ---- show.c */
/* The row of a volume, with its letter of this session and the mark when it is the selected one. */
void shell_say_volume(struct shell *sh, size_t volume);

/* ---- change.c */
/* Whether the disk's database or a half on it is out of date; and the command that brings it up to date. */
bool shell_is_stale(const struct dyn_model *m, size_t disk);
enum shell_result shell_bring_up_to_date(struct shell *sh, size_t disk, bool insist, const char *success);
/* A refusal in our own words. SHELL_FAILED. */
enum shell_result shell_say_no(struct shell *sh, const char *what, const char *way_out);

/* ---- online.c */
/* Whether OFFLINE VOLUME was said of it. */
bool shell_is_set_offline(const struct shell *sh, size_t volume);
/* As shell_need_volume(), for what changes the volume: SHELL_SYNTAX when none is selected, SHELL_FAILED when it is off line. */
enum shell_result shell_need_online_volume(struct shell *sh, size_t *volume);

/* ---- format.c: DiskPart's tables, one line each, '\n' included */
/* Text cut and padded to exactly `columns` character cells. */
void shell_fit(char *dst, size_t n, const char *text, unsigned columns);
void shell_disk_header(FILE *out);
/* recorded_size: a missing disk shows what it held (detail volume) instead of 0 B (list disk). */
void shell_disk_row(FILE *out, const struct dyn_disk *d, bool focus, bool recorded_size);
void shell_volume_header(FILE *out);
void shell_volume_row(FILE *out, const struct dyn_volume *v, char letter, bool focus);
void shell_partition_header(FILE *out);
void shell_partition_row(FILE *out, const struct dyn_partition *p, bool focus);
/* "Disk ID: {GUID}" or "Disk ID: 1A2B3C4D" */
void shell_disk_id(const char *id, char *dst, size_t n);
/* Text wrapped at 79 columns, every line indented by so many blanks. */
void shell_wrap(FILE *out, unsigned indent, const char *text);
/* Whether Windows hides the partition, by its type or attributes (DETAIL PARTITION). */
bool shell_is_hidden(enum dyn_table table, const struct dyn_partition *p);
/* A stream that writes to `to` with every character outside ASCII as '?'. NULL: no memory. */
FILE *shell_ascii_stream(FILE *to);

/* ---- change.c */
/* Shows the plan in preview; else asks a person where data is destroyed, applies it, rescans and prints `success`.
 * Frees the plan. */
enum shell_result shell_carry_out(struct shell *sh, struct dyn_plan *plan, const char *success);
/* What every plan maker's result goes through: shell_refuse() for rc < 0, else shell_carry_out(). */
enum shell_result shell_finish(struct shell *sh, int rc, struct dyn_plan *plan, const struct dyn_err *err,
			       const char *success);

/* ---- jobs.c */
/* Waits until a job reports something, a signal comes (sh->signal, true) or ms have passed. */
bool shell_nap(struct shell *sh, int ms);
/* Rescans when rebuilds have ended since the last scan; a person is told how they ended. */
void shell_note_ended(struct shell *sh);
/* Lets this shell's rebuild of a volume end, saying so, where there is one; *volume is its place in the new model.
 * Otherwise says why the command cannot go on. A paused rebuild is not waited for. */
enum shell_result shell_await_rebuild(struct shell *sh, size_t *volume);
/* Says which rebuilds wait for a RESUME, and which another process runs. */
void shell_tell_paused(struct shell *sh);
/* Waits for running rebuilds at the end; SIGINT and SIGTERM leave them paused, which is said. */
enum shell_result shell_leave(struct shell *sh);

#endif
