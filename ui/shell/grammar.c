/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grammar.c - the table of commands, and the parser that reads it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ui/shell/commands.h"
#include "ui/shell/grammar.h"

enum { MIN_ABBREVIATION = 3 };

#define FLAG(word) { word, SHELL_ARG_FLAG, false }
#define REST { NULL, SHELL_ARG_REST, false }
/* A DiskPart command this version answers with one sentence; its words may be abbreviated and mistyped freely. */
#define UNAVAILABLE(verb, noun) { verb, noun, { REST }, NULL, cmd_unavailable }

const struct shell_command shell_commands[] = {
	{ "ADD", NULL,
	  { { "DISK", SHELL_ARG_DISK, true }, { "ALIGN", SHELL_ARG_NUMBER, false }, FLAG("NOERR") },
	  "Add a mirror of the selected simple volume on a disk.", cmd_add },
	{ "BREAK", NULL,
	  { { "DISK", SHELL_ARG_DISK, true }, FLAG("NOKEEP"), FLAG("NOERR") },
	  "Split the selected mirror; NOKEEP drops that disk's half.", cmd_break },
	{ "CONVERT", "DYNAMIC", { FLAG("NOERR") }, "Make the selected empty disk dynamic.", cmd_convert_dynamic },
	{ "CONVERT", "GPT", { FLAG("NOERR") }, "Give the selected empty disk a GPT partition table.", cmd_convert_gpt },
	{ "CONVERT", "MBR", { FLAG("NOERR") }, "Give the selected empty disk an MBR partition table.", cmd_convert_mbr },
	{ "DELETE", "DISK", { FLAG("NOERR"), FLAG("OVERRIDE") }, "Delete the selected missing disk from its group.",
	  cmd_delete_disk },
	{ "DETAIL", "DISK", { { 0 } }, "Show the properties of the selected disk.", cmd_detail_disk },
	{ "DETAIL", "VOLUME", { { 0 } }, "Show the properties of the selected volume.", cmd_detail_volume },
	{ "EXIT", NULL, { { 0 } }, "Leave; a rebuild that runs is waited for.", cmd_exit },
	{ "HELP", NULL, { REST }, "List the commands, or explain one.", cmd_help },
	{ "LIST", "DISK", { { 0 } }, "List the disks.", cmd_list_disk },
	{ "LIST", "PARTITION", { { 0 } }, "List the partitions of the selected disk.", cmd_list_partition },
	{ "LIST", "VOLUME", { { 0 } }, "List the volumes.", cmd_list_volume },
	{ "PREVIEW", NULL, { REST }, "Show the plan of a command or of the next one; write nothing.",
	  cmd_preview },
	{ "REBUILD", "CANCEL", { { "VOLUME", SHELL_ARG_VOLUME, false }, FLAG("NOERR") },
	  "Give up a rebuild; the volume stays simple.", cmd_rebuild_cancel },
	{ "REBUILD", "PAUSE", { { "VOLUME", SHELL_ARG_VOLUME, false }, FLAG("NOERR") },
	  "Pause a rebuild, keeping its place.", cmd_rebuild_pause },
	{ "REBUILD", "RATE", { { NULL, SHELL_ARG_NUMBER, true }, FLAG("NOERR") },
	  "Limit rebuilds to so many MB a second; 0: no limit.", cmd_rebuild_rate },
	{ "REBUILD", "RESUME", { { "VOLUME", SHELL_ARG_VOLUME, false }, FLAG("NOERR") },
	  "Go on with a paused rebuild.", cmd_rebuild_resume },
	{ "RECOVER", NULL, { FLAG("NOERR") }, "Finish or undo a change that was cut off in a disk's group.",
	  cmd_recover },
	{ "REM", NULL, { REST }, "A remark; nothing happens.", cmd_rem },
	{ "RESCAN", NULL, { { 0 } }, "Read all disks again.", cmd_rescan },
	{ "SELECT", "DISK", { { NULL, SHELL_ARG_DISK, false } }, "Choose the disk that commands act on.", cmd_select_disk },
	{ "SELECT", "VOLUME", { { NULL, SHELL_ARG_VOLUME, false } }, "Choose the volume that commands act on.",
	  cmd_select_volume },
	{ "WAIT", NULL, { { "VOLUME", SHELL_ARG_VOLUME, false }, { "TIMEOUT", SHELL_ARG_NUMBER, false }, FLAG("NOERR") },
	  "Wait until rebuilds have ended, or for TIMEOUT seconds.", cmd_wait },
	{ "?", NULL, { REST }, NULL, cmd_help },
	{ "REPAIR", NULL, { REST }, NULL, cmd_repair },
	UNAVAILABLE("ACTIVE", NULL), UNAVAILABLE("ASSIGN", NULL), UNAVAILABLE("ATTRIBUTES", NULL),
	UNAVAILABLE("ATTACH", "VDISK"), UNAVAILABLE("AUTOMOUNT", NULL), UNAVAILABLE("CLEAN", NULL),
	UNAVAILABLE("COMPACT", NULL), UNAVAILABLE("CONVERT", "BASIC"), UNAVAILABLE("CREATE", NULL),
	UNAVAILABLE("DELETE", "PARTITION"), UNAVAILABLE("DELETE", "VOLUME"), UNAVAILABLE("DETACH", "VDISK"),
	UNAVAILABLE("DETAIL", "PARTITION"), UNAVAILABLE("DETAIL", "VDISK"), UNAVAILABLE("EXPAND", NULL),
	UNAVAILABLE("EXTEND", NULL), UNAVAILABLE("FILESYSTEMS", NULL), UNAVAILABLE("FORMAT", NULL), UNAVAILABLE("GPT", NULL),
	UNAVAILABLE("IMPORT", NULL), UNAVAILABLE("INACTIVE", NULL), UNAVAILABLE("LIST", "VDISK"), UNAVAILABLE("MERGE", NULL),
	UNAVAILABLE("OFFLINE", NULL), UNAVAILABLE("ONLINE", NULL), UNAVAILABLE("REMOVE", NULL), UNAVAILABLE("RETAIN", NULL),
	UNAVAILABLE("SAN", NULL), UNAVAILABLE("SELECT", "PARTITION"), UNAVAILABLE("SELECT", "VDISK"), UNAVAILABLE("SET", NULL),
	UNAVAILABLE("SHRINK", NULL), UNAVAILABLE("UNIQUEID", NULL),
	{ NULL, NULL, { { 0 } }, NULL, NULL },
};

/* ------------------------------------------------------------------ words */

struct words {
	size_t n;
	char *word[SHELL_MAX_LINE / 2];
	size_t at[SHELL_MAX_LINE / 2]; /* where it begins in the line as typed */
	bool equals[SHELL_MAX_LINE / 2]; /* '=' stood before it */
};

/* Splits buf in place at blanks and '='; "double quotes" keep both. false: a quote is left open, or '=' has no value. */
static bool split(char *buf, const char *line, struct words *w)
{
	const char *p = line;
	char *out = buf;
	bool equals = false;

	w->n = 0;
	for (;;) {
		p += strspn(p, " \t");
		if (*p == '\0')
			return !equals;
		if (*p == '=') {
			if (equals || w->n == 0)
				return false;
			equals = true;
			p++;
			continue;
		}
		w->word[w->n] = out;
		w->at[w->n] = (size_t)(p - line);
		w->equals[w->n++] = equals;
		equals = false;
		for (bool quoted = false; *p && (quoted || !strchr(" \t=", *p)); p++) {
			if (*p == '"')
				quoted = !quoted;
			else
				*out++ = *p;
			if (quoted && p[1] == '\0') {
				*out = '\0';
				return false;
			}
		}
		*out++ = '\0';
	}
}

/* 2: the whole word, 1: an abbreviation of it, 0: no match. */
static int match(const char *typed, const char *word)
{
	size_t n = strlen(typed);

	if (!strcasecmp(typed, word))
		return 2;
	return n >= MIN_ABBREVIATION && !strncasecmp(typed, word, n);
}

/* ---------------------------------------------------------------- parsing */

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

static bool parse_value(const struct shell_arg_spec *spec, const char *text, struct shell_value *v)
{
	uint64_t n = 0;

	v->given = true;
	v->text = text;
	switch (spec->type) {
	case SHELL_ARG_NUMBER:
		if (!all_digits(text) || strlen(text) > 10)
			return false;
		for (; *text; text++)
			n = n * 10 + (uint64_t)(*text - '0');
		v->number = (uint32_t)n;
		return n <= UINT32_MAX;
	case SHELL_ARG_DISK:
		return all_digits(text) || (toupper((unsigned char)text[0]) == 'M' && all_digits(text + 1)) ||
		       strchr(text, '/');
	case SHELL_ARG_VOLUME:
		if (isalpha((unsigned char)text[0]) && (text[1] == '\0' || !strcmp(text + 1, ":")))
			return true;
		return all_digits(text);
	default:
		return false;
	}
}

/* The argument a word names: the only one it can mean, or SHELL_MAX_ARGS. */
static size_t find_arg(const struct shell_command *c, const char *word)
{
	size_t found = SHELL_MAX_ARGS, n = 0;

	for (size_t i = 0; i < SHELL_MAX_ARGS && c->args[i].type != SHELL_ARG_END; i++) {
		int how = c->args[i].name ? match(word, c->args[i].name) : 0;

		if (how == 2)
			return i;
		if (how == 1) {
			found = i;
			n++;
		}
	}
	return n == 1 ? found : SHELL_MAX_ARGS;
}

static bool parse_args(struct shell_call *call, const struct words *w, size_t i)
{
	const struct shell_command *c = call->command;

	if (c->args[0].type != SHELL_ARG_END && !c->args[0].name && c->args[0].type != SHELL_ARG_REST && i < w->n &&
	    (w->equals[i] || find_arg(c, w->word[i]) == SHELL_MAX_ARGS)) {
		if (!parse_value(&c->args[0], w->word[i], &call->args[0]))
			return false;
		i++;
	}
	for (; i < w->n; i++) {
		size_t k = find_arg(c, w->word[i]);

		if (k == SHELL_MAX_ARGS || w->equals[i] || call->args[k].given)
			return false;
		if (c->args[k].type == SHELL_ARG_FLAG) {
			call->args[k].given = true;
			continue;
		}
		if (i + 1 >= w->n || !parse_value(&c->args[k], w->word[i + 1], &call->args[k]))
			return false;
		i++;
	}
	for (size_t k = 0; k < SHELL_MAX_ARGS && c->args[k].type != SHELL_ARG_END; k++)
		if (c->args[k].required && !call->args[k].given)
			return false;
	return true;
}

/* Whether the command can be meant by words 0 and 1, given the best kind of match (exact or not) among all commands. */
static bool is_meant(const struct shell_command *c, const struct words *w, int verb_best, int noun_best)
{
	if (match(w->word[0], c->verb) != verb_best)
		return false;
	if (!c->noun)
		return noun_best == 0;
	return w->n > 1 && !w->equals[1] && noun_best && match(w->word[1], c->noun) == noun_best;
}

/* Finds the one command that the first words mean. *out is set too when only the verb is clear. */
static enum shell_parse find_command(const struct words *w, const struct shell_command **out)
{
	const struct shell_command *found = NULL, *with_verb = NULL;
	int verb_best = 0, noun_best = 0;
	bool one_verb = true;
	size_t n = 0;

	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		int how = match(w->word[0], c->verb);

		if (how > verb_best)
			verb_best = how;
	}
	if (verb_best == 0)
		return SHELL_PARSE_UNKNOWN;
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		int how = match(w->word[0], c->verb) == verb_best && c->noun && w->n > 1 ? match(w->word[1], c->noun) : 0;

		if (how > noun_best)
			noun_best = how;
	}
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		if (match(w->word[0], c->verb) == verb_best) {
			one_verb = one_verb && (!with_verb || !strcmp(with_verb->verb, c->verb));
			with_verb = c;
		}
		if (is_meant(c, w, verb_best, noun_best)) {
			found = c;
			n++;
		}
	}
	if (n == 1) {
		*out = found;
		return SHELL_PARSE_OK;
	}
	*out = one_verb ? with_verb : NULL;
	return one_verb ? SHELL_PARSE_BAD : SHELL_PARSE_UNKNOWN;
}

enum shell_parse shell_parse(const char *line, struct shell_call *out)
{
	struct words w;
	enum shell_parse r;
	size_t used;
	bool whole;

	memset(out, 0, sizeof(*out));
	if (strlen(line) >= sizeof(out->buf))
		return SHELL_PARSE_BAD;
	whole = split(out->buf, line, &w);
	if (w.n == 0)
		return whole ? SHELL_PARSE_EMPTY : SHELL_PARSE_UNKNOWN;
	r = find_command(&w, &out->command);
	if (r != SHELL_PARSE_OK)
		return r;
	used = out->command->noun ? 2 : 1;
	if (out->command->args[0].type == SHELL_ARG_REST) {
		out->args[0].given = w.n > used;
		strcpy(out->buf, w.n > used ? line + w.at[used] : "");
		out->args[0].text = out->buf;
		return SHELL_PARSE_OK;
	}
	return whole && parse_args(out, &w, used) ? SHELL_PARSE_OK : SHELL_PARSE_BAD;
}

const struct shell_value *shell_arg(const struct shell_call *call, const char *name)
{
	static const struct shell_value none = { .text = "" };
	const struct shell_arg_spec *spec = call->command->args;

	for (size_t i = 0; i < SHELL_MAX_ARGS && spec[i].type != SHELL_ARG_END; i++)
		if (name ? spec[i].name && !strcmp(spec[i].name, name) : !spec[i].name)
			return call->args[i].given ? &call->args[i] : &none;
	return &none;
}

bool shell_flag(const struct shell_call *call, const char *name)
{
	return shell_arg(call, name)->given;
}

/* ------------------------------------------------------- help, completion */

void shell_usage(const struct shell_command *c, char *dst, size_t n)
{
	int len = snprintf(dst, n, "%s%s%s", c->verb, c->noun ? " " : "", c->noun ? c->noun : "");

	for (size_t i = 0; i < SHELL_MAX_ARGS && c->args[i].type != SHELL_ARG_END; i++) {
		const struct shell_arg_spec *a = &c->args[i];
		const char *open = a->required ? "" : "[", *close = a->required ? "" : "]";

		if (len < 0 || (size_t)len >= n)
			return;
		if (a->type == SHELL_ARG_REST)
			len += snprintf(dst + len, n - (size_t)len, " [...]");
		else if (a->type == SHELL_ARG_FLAG)
			len += snprintf(dst + len, n - (size_t)len, " [%s]", a->name);
		else if (!a->name)
			len += snprintf(dst + len, n - (size_t)len, "%s=<N>%s", open, close);
		else
			len += snprintf(dst + len, n - (size_t)len, " %s%s=<N>%s", open, a->name, close);
	}
}

/* Every word of the table that begins as `start`, once: fn is not called again for a word equal to the one before. */
static void offer(const char *start, const char *word, const char **last, void (*fn)(void *, const char *), void *arg)
{
	if (!word || strncasecmp(start, word, strlen(start)) || (*last && !strcmp(*last, word)))
		return;
	*last = word;
	fn(arg, word);
}

void shell_complete(const char *line, void (*fn)(void *arg, const char *word), void *arg)
{
	char buf[SHELL_MAX_LINE];
	struct words w;
	const char *last = NULL, *start;
	size_t n = strlen(line), before;
	const struct shell_command *command;

	if (n >= sizeof(buf))
		return;
	(void)split(buf, line, &w);
	before = (n == 0 || strchr(" \t", line[n - 1])) ? w.n : w.n - 1;
	start = before < w.n ? w.word[before] : "";
	if (n && line[n - 1] == '=')
		return;
	if (before == 0) {
		for (const struct shell_command *c = shell_commands; c->verb; c++)
			if (c->help)
				offer(start, c->verb, &last, fn, arg);
		return;
	}
	w.n = before;
	if (find_command(&w, &command) == SHELL_PARSE_OK) {
		for (size_t i = 0; i < SHELL_MAX_ARGS && command->args[i].type != SHELL_ARG_END; i++)
			offer(start, command->args[i].name, &last, fn, arg);
		return;
	}
	for (const struct shell_command *c = shell_commands; before == 1 && c->verb; c++)
		if (c->help && match(w.word[0], c->verb))
			offer(start, c->noun, &last, fn, arg);
}
