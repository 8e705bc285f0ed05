/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grammar.h - the shell's language as one table: every command with its words, the arguments it takes, its help line and
 * its function. Parsing, abbreviations, help and completion all read this table and nothing else.
 *
 * A line is: VERB [NOUN [KIND]] [ARGUMENT]... in any case; all of these words may be cut to three letters as long as one
 * meaning is left; a value follows its name after a space or '=' ("disk 1", "disk=1", "disk = 1"). Pure: no model,
 * no output.
 */
#ifndef UI_SHELL_GRAMMAR_H
#define UI_SHELL_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shell;
struct shell_call;

enum shell_arg_type {
	SHELL_ARG_END,
	SHELL_ARG_FLAG,       /* a word that is there or not */
	SHELL_ARG_NUMBER,     /* decimal, 0 to 4294967295 */
	SHELL_ARG_LARGE,      /* decimal, 0 to 2^53 */
	SHELL_ARG_HEX,        /* 0x and up to 16 hex digits */
	SHELL_ARG_DISK,       /* a number, "M" and a number, or a path */
	SHELL_ARG_WHICH_DISK, /* as DISK, or SYSTEM or NEXT */
	SHELL_ARG_DISKS,      /* two or more numbers with commas between */
	SHELL_ARG_VOLUME,     /* a number, or a letter with or without ':' */
	SHELL_ARG_LETTER,     /* a letter with or without ':' */
	SHELL_ARG_TEXT,       /* any word, or "words in quotes" */
	SHELL_ARG_REST        /* whatever follows, unparsed */
};

struct shell_arg_spec {
	const char *name; /* NULL: the bare value that follows the noun */
	enum shell_arg_type type;
	bool required;
	const char *value; /* how HELP writes its value: "<N>" */
};

/* What a command came to; also the exit codes of DiskPart's script mode. */
enum shell_result {
	SHELL_OK = 0,
	SHELL_FATAL = 1,
	SHELL_USAGE = 2,
	SHELL_OPEN = 3,   /* the script cannot be read */
	SHELL_FAILED = 4, /* refused, or it did not work out */
	SHELL_SYNTAX = 5  /* not understood, or nothing selected to do it to */
};

typedef enum shell_result (*shell_fn)(struct shell *sh, const struct shell_call *call);

enum { SHELL_MAX_ARGS = 12, SHELL_MAX_LINE = 1024 };

struct shell_command {
	const char *verb, *noun, *kind; /* noun and kind NULL: there is none */
	struct shell_arg_spec args[SHELL_MAX_ARGS];
	const char *help;        /* NULL: a DiskPart command that only gets an answer */
	const char *more;        /* what its arguments mean; or that answer. May be NULL */
	shell_fn run;
};

/* A verb in the list of HELP. */
struct shell_topic {
	const char *verb, *help;
};

struct shell_value {
	bool given;
	const char *text; /* in shell_call.buf */
	uint32_t number;  /* NUMBER */
	uint64_t large;   /* NUMBER, LARGE and HEX */
};

struct shell_call {
	const struct shell_command *command; /* for SHELL_PARSE_BAD: one whose verb was meant, or NULL */
	struct shell_value args[SHELL_MAX_ARGS]; /* parallel to command->args */
	char buf[SHELL_MAX_LINE];
};

enum shell_parse {
	SHELL_PARSE_OK,
	SHELL_PARSE_EMPTY,   /* nothing on the line */
	SHELL_PARSE_UNKNOWN, /* the first word is no command, or could be several */
	SHELL_PARSE_BAD      /* the arguments are not valid */
};

enum shell_parse shell_parse(const char *line, struct shell_call *out);

/* The value given for the argument of that name (NULL: the bare one), or one with given = false. */
const struct shell_value *shell_arg(const struct shell_call *call, const char *name);
bool shell_flag(const struct shell_call *call, const char *name);

/* The table, in the order of help; ends with verb NULL. */
extern const struct shell_command shell_commands[];
/* The verbs of the table that HELP lists, in its order; ends with verb NULL. */
extern const struct shell_topic shell_topics[];

/* The first command that the text begins to name (HELP CREATE VOL), or NULL; *words: how many of its words it names. */
const struct shell_command *shell_topic(const char *text, size_t *words);

/* "BREAK DISK=<N> [NOKEEP] [NOERR]" */
void shell_usage(const struct shell_command *c, char *dst, size_t n);
/* "BREAK", "CREATE PARTITION EFI" */
void shell_words(const struct shell_command *c, char *dst, size_t n);

/*
 * Completion: calls fn for every word that can stand at the end of `line` (its last, maybe empty, word being the start of
 * it). Only words of the table; values are not completed.
 */
void shell_complete(const char *line, void (*fn)(void *arg, const char *word), void *arg);

#endif
