/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help.c - HELP, PREVIEW and the commands that only say something. */
#include <string.h>
#include <strings.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"

/* ------------------------------------------------------------------- help */

void shell_help_all(struct shell *sh)
{
	const char *last = "";

	shell_say(sh, "\ndynadisk %s\n\n", dyn_version());
	for (const struct shell_topic *t = shell_topics; t->verb; t++)
		shell_say(sh, "%-11s - %s\n", t->verb, t->help);
	shell_say(sh, "\nRefused, each with the reason:");
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		bool listed = !strcmp(last, c->verb) || c->run == cmd_notice || c->run == cmd_help;

		for (const struct shell_topic *t = shell_topics; t->verb && !listed; t++)
			listed = !strcmp(t->verb, c->verb);
		if (!listed)
			shell_say(sh, " %s", c->verb);
		last = c->verb;
	}
	shell_say(sh, "\n\nHELP and a command explains it. Words may be cut to three letters: SEL VOL C.\n");
}

/* Whether the first `words` words of `about` are those of c. */
static bool is_asked(const struct shell_command *c, const struct shell_command *about, size_t words)
{
	if (strcmp(c->verb, about->verb))
		return false;
	if (words > 1 && (!c->noun || strcmp(c->noun, about->noun)))
		return false;
	return words < 3 || !strcmp(c->kind, about->kind);
}

/* The word that tells a command from the others asked about: its kind once the noun is given, else its noun. */
static const char *next_word(const struct shell_command *c, bool nouns)
{
	return nouns ? c->noun : c->kind;
}

/* "PARTITION   - EFI, EXTENDED, ...": a noun of several commands, with their kinds. */
static void say_kinds(struct shell *sh, const struct shell_command *first, const struct shell_command *about)
{
	char text[256];
	size_t n = (size_t)snprintf(text, sizeof(text), "%-11s - ", first->noun);

	for (const struct shell_command *c = first; c->verb && n < sizeof(text); c++)
		if (is_asked(c, about, 1) && c->noun && !strcmp(c->noun, first->noun))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", c == first ? "" : ", ", c->kind);
	shell_say(sh, "%s.\n", text);
}

/* What DiskPart answers to HELP CREATE: the words that can follow, each on a line. */
static void say_family(struct shell *sh, const struct shell_command *about, size_t words)
{
	bool nouns = words < 2;
	const char *last = "";

	shell_say(sh, "\n");
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		const char *word = is_asked(c, about, words) ? next_word(c, nouns) : NULL;

		if (!word || !strcmp(last, word))
			continue;
		last = word;
		if (nouns && c->kind)
			say_kinds(sh, c, about);
		else
			shell_say(sh, "%-11s - %s\n", word, c->help ? c->help : "Refused; its HELP says why.");
	}
	shell_say(sh, "\nHELP %s", about->verb);
	shell_say(sh, "%s%s and one of these words explains it.\n", nouns ? "" : " ", nouns ? "" : about->noun);
}

static void say_command(struct shell *sh, const struct shell_command *c)
{
	char usage[256];

	shell_say(sh, "\n");
	shell_usage(c, usage, sizeof(usage));
	shell_wrap(sh->out, 0, usage);
	shell_wrap(sh->out, 4, c->help);
	if (c->more)
		shell_wrap(sh->out, 4, c->more);
}

enum shell_result cmd_help(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *topic = shell_arg(call, NULL);
	const struct shell_command *about;
	struct shell_call answer;
	size_t words, n = 0;

	if (!topic->given || shell_parse(topic->text, &answer) == SHELL_PARSE_EMPTY) {
		shell_help_all(sh);
		return SHELL_OK;
	}
	about = shell_topic(topic->text, &words);
	if (!about) {
		shell_say(sh, "\nThere is no command of that name. HELP lists them.\n");
		return SHELL_SYNTAX;
	}
	for (const struct shell_command *c = shell_commands; c->verb; c++)
		n += is_asked(c, about, words);
	answer = (struct shell_call){ .command = about };
	if (n > 1)
		say_family(sh, about, words);
	else if (about->help)
		say_command(sh, about);
	else
		about->run(sh, &answer); /* it says it all */
	return SHELL_OK;
}

/* ---------------------------------------------------------------- preview */

enum shell_result cmd_preview(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *line = shell_arg(call, NULL);
	enum shell_result r;

	if (!line->given) {
		sh->preview_next = true;
		shell_say(sh, "\nThe next command is only shown, not carried out.\n");
		return SHELL_OK;
	}
	sh->preview = true;
	r = shell_execute(sh, line->text);
	sh->preview = false;
	return r;
}

/* ------------------------------------------------------------------ answers */

enum shell_result cmd_rem(struct shell *sh, const struct shell_call *call)
{
	(void)sh;
	(void)call;
	return SHELL_OK;
}

enum shell_result cmd_exit(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	shell_say(sh, "\nLeaving DiskPart...\n");
	sh->done = true;
	return SHELL_OK;
}

/* Whether NOERR stands among the words. */
static bool has_noerr(const char *words)
{
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " \t");

		if (n == 5 && !strncasecmp(p, "NOERR", n))
			return true;
		p += n;
		p += strspn(p, " \t");
	}
	return false;
}

enum shell_result cmd_repair(struct shell *sh, const struct shell_call *call)
{
	shell_say(sh, "\nREPAIR rebuilds RAID-5 volumes, which are only shown here.\n"
		      "To repair a mirror: SELECT VOLUME=<its letter>, BREAK DISK=<lost disk> NOKEEP,\n"
		      "SELECT DISK=<lost disk>, DELETE DISK, SELECT VOLUME=<its letter>,\n"
		      "ADD DISK=<new disk>, and WAIT.\n");
	return has_noerr(shell_arg(call, NULL)->text) ? SHELL_OK : SHELL_FAILED;
}

enum shell_result cmd_refused(struct shell *sh, const struct shell_call *call)
{
	shell_say(sh, "\n");
	shell_wrap(sh->out, 0, call->command->more);
	return has_noerr(shell_arg(call, NULL)->text) ? SHELL_OK : SHELL_FAILED;
}

enum shell_result cmd_notice(struct shell *sh, const struct shell_call *call)
{
	shell_say(sh, "\n");
	shell_wrap(sh->out, 0, call->command->more);
	return SHELL_OK;
}
