/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grammar.c - the parser of lines, usage lines and completion: all of it read from the table of commands. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ui/shell/grammar.h"

enum { MIN_ABBREVIATION = 3 };

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

static bool is_letter(const char *s)
{
	return isalpha((unsigned char)s[0]) && (s[1] == '\0' || !strcmp(s + 1, ":"));
}

static bool is_disk(const char *s)
{
	return all_digits(s) || (toupper((unsigned char)s[0]) == 'M' && all_digits(s + 1)) || strchr(s, '/');
}

/* Digits with single commas between, at least two of them. */
static bool is_list(const char *s)
{
	size_t commas = 0;

	for (const char *p = s; *p; p++) {
		if (*p == ',' && (p == s || p[1] == '\0' || p[1] == ','))
			return false;
		commas += *p == ',';
	}
	return commas && s[strspn(s, "0123456789,")] == '\0';
}

static bool parse_number(const char *text, uint64_t max, uint64_t *n)
{
	*n = 0;
	if (!all_digits(text) || strlen(text) > 16)
		return false;
	for (; *text; text++)
		*n = *n * 10 + (uint64_t)(*text - '0');
	return *n <= max;
}

static bool parse_hex(const char *text, uint64_t *n)
{
	size_t len;

	*n = 0;
	if (strncasecmp(text, "0x", 2))
		return false;
	text += 2;
	len = strspn(text, "0123456789abcdefABCDEF");
	if (len == 0 || len > 16 || text[len])
		return false;
	for (; *text; text++)
		*n = *n << 4 | (uint64_t)(isdigit((unsigned char)*text) ? *text - '0' : (*text | 0x20) - 'a' + 10);
	return true;
}

static bool parse_value(const struct shell_arg_spec *spec, const char *text, struct shell_value *v)
{
	v->given = true;
	v->text = text;
	switch (spec->type) {
	case SHELL_ARG_NUMBER:
		if (!parse_number(text, UINT32_MAX, &v->large))
			return false;
		v->number = (uint32_t)v->large;
		return true;
	case SHELL_ARG_LARGE:
		return parse_number(text, (uint64_t)1 << 53, &v->large);
	case SHELL_ARG_HEX:
		return parse_hex(text, &v->large);
	case SHELL_ARG_DISK:
		return is_disk(text);
	case SHELL_ARG_WHICH_DISK:
		return is_disk(text) || !strcasecmp(text, "SYSTEM") || !strcasecmp(text, "NEXT");
	case SHELL_ARG_DISKS:
		return is_list(text);
	case SHELL_ARG_VOLUME:
		return is_letter(text) || all_digits(text);
	case SHELL_ARG_LETTER:
		return is_letter(text);
	case SHELL_ARG_TEXT:
		return true;
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

/* The place of the bare value, which may stand only where no other argument stood before; or SHELL_MAX_ARGS. */
static size_t find_bare(const struct shell_command *c)
{
	for (size_t k = 0; k < SHELL_MAX_ARGS && c->args[k].type != SHELL_ARG_END; k++)
		if (!c->args[k].name && c->args[k].type != SHELL_ARG_REST)
			return k;
	return SHELL_MAX_ARGS;
}

static bool parse_args(struct shell_call *call, const struct words *w, size_t i)
{
	const struct shell_command *c = call->command;
	size_t bare = find_bare(c);

	if (bare < SHELL_MAX_ARGS && i < w->n && (w->equals[i] || find_arg(c, w->word[i]) == SHELL_MAX_ARGS)) {
		if (!parse_value(&c->args[bare], w->word[i], &call->args[bare]))
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

enum { MAX_WORDS = 3 };

static const char *word_of(const struct shell_command *c, size_t depth)
{
	return depth == 0 ? c->verb : depth == 1 ? c->noun : depth == 2 ? c->kind : NULL;
}

static int match_at(const struct shell_command *c, const struct words *w, size_t depth)
{
	const char *word = word_of(c, depth);

	return word && depth < w->n && !(depth && w->equals[depth]) ? match(w->word[depth], word) : 0;
}

/* Whether the first `depth` words mean the command, given the best kind of match of each (exact or not) among all. */
static bool is_meant(const struct shell_command *c, const struct words *w, const int best[MAX_WORDS], size_t depth)
{
	for (size_t d = 0; d < depth; d++)
		if (best[d] ? match_at(c, w, d) != best[d] : word_of(c, d) != NULL)
			return false;
	return true;
}

/* Fills best[] and returns how many of the words are words of commands. */
static size_t match_words(const struct words *w, int best[MAX_WORDS])
{
	memset(best, 0, MAX_WORDS * sizeof(best[0]));
	for (size_t d = 0; d < MAX_WORDS; d++) {
		for (const struct shell_command *c = shell_commands; c->verb; c++) {
			int how = is_meant(c, w, best, d) ? match_at(c, w, d) : 0;

			if (how > best[d])
				best[d] = how;
		}
		if (best[d] == 0)
			return d;
	}
	return MAX_WORDS;
}

/* Finds the one command that the first words mean. *out is set too when only the verb is clear. */
static enum shell_parse find_command(const struct words *w, const struct shell_command **out)
{
	const struct shell_command *found = NULL, *with_verb = NULL;
	int best[MAX_WORDS];
	bool one_verb = true;
	size_t n = 0;

	if (match_words(w, best) == 0)
		return SHELL_PARSE_UNKNOWN;
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		if (!is_meant(c, w, best, 1))
			continue;
		one_verb = one_verb && (!with_verb || !strcmp(with_verb->verb, c->verb));
		with_verb = c;
		if (is_meant(c, w, best, MAX_WORDS)) {
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
	used = out->command->kind ? 3 : out->command->noun ? 2 : 1;
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

void shell_words(const struct shell_command *c, char *dst, size_t n)
{
	snprintf(dst, n, "%s%s%s%s%s", c->verb, c->noun ? " " : "", c->noun ? c->noun : "", c->kind ? " " : "",
		 c->kind ? c->kind : "");
}

void shell_usage(const struct shell_command *c, char *dst, size_t n)
{
	size_t len;

	shell_words(c, dst, n);
	for (size_t i = 0; i < SHELL_MAX_ARGS && c->args[i].type != SHELL_ARG_END; i++) {
		const struct shell_arg_spec *a = &c->args[i];
		const char *open = a->required ? "" : "[", *close = a->required ? "" : "]";

		len = strlen(dst);
		if (a->type == SHELL_ARG_REST)
			snprintf(dst + len, n - len, " [...]");
		else if (a->type == SHELL_ARG_FLAG)
			snprintf(dst + len, n - len, " [%s]", a->name);
		else if (!a->name)
			snprintf(dst + len, n - len, i ? " %s%s%s" : "%s=%s%s", open, a->value, close);
		else
			snprintf(dst + len, n - len, " %s%s=%s%s", open, a->name, a->value, close);
	}
}

const struct shell_command *shell_topic(const char *text, size_t *words)
{
	const struct shell_command *first = NULL;
	char buf[SHELL_MAX_LINE];
	int best[MAX_WORDS];
	struct words w;

	if (strlen(text) >= sizeof(buf))
		return NULL;
	(void)split(buf, text, &w);
	*words = w.n ? match_words(&w, best) : 0;
	for (const struct shell_command *c = shell_commands; *words && c->verb; c++) {
		if (!is_meant(c, &w, best, *words))
			continue;
		if (first && strcmp(first->verb, c->verb))
			return NULL; /* DET: detail or detach */
		first = first ? first : c;
	}
	return first;
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
	int best[MAX_WORDS];

	if (n >= sizeof(buf))
		return;
	(void)split(buf, line, &w);
	if (w.n == 0 && line[strspn(line, " \t")])
		return; /* it begins with '=': no word can go on from there */
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
	if (match_words(&w, best) != before)
		return;
	for (const struct shell_command *c = shell_commands; c->verb; c++)
		if (c->help && is_meant(c, &w, best, before))
			offer(start, word_of(c, before), &last, fn, arg);
}
