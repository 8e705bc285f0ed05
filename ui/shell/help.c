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

/* Whether the words ask about c: all its verb's commands, those of a noun, or one. */
static bool is_asked(const struct shell_command *c, const struct shell_call *about, size_t words)
{
	if (strcmp(c->verb, about->command->verb))
		return false;
	if (words < 2 || !about->command->noun)
		return true;
	if (!c->noun || strcmp(c->noun, about->command->noun))
		return false;
	return words < 3 || !about->command->kind || !c->kind || !strcmp(c->kind, about->command->kind);
}

/* The command, or one of the commands, that the text begins to name; its words are counted. */
static bool find_topic(const char *text, struct shell_call *about, size_t *words)
{
	*words = 0;
	for (const char *p = text; *p;) {
		p += strspn(p, " \t");
		*words += *p != '\0';
		p += strcspn(p, " \t");
	}
	switch (shell_parse(text, about)) {
	case SHELL_PARSE_OK:
		return true;
	case SHELL_PARSE_BAD:
		break;
	default:
		return false;
	}
	if (about->command && about->command->noun && *words > 1) {
		/* "create partition": a noun that is clear without its kind */
		const char *noun = text + strspn(text, " \t");
		size_t n;

		noun += strcspn(noun, " \t");
		noun += strspn(noun, " \t");
		n = strcspn(noun, " \t");
		for (const struct shell_command *c = shell_commands; c->verb; c++)
			if (!strcmp(c->verb, about->command->verb) && c->noun && n >= 3 && !strncasecmp(c->noun, noun, n)) {
				about->command = c;
				*words = *words > 2 && c->kind ? 2 : *words;
				return true;
			}
		*words = 1;
	}
	return about->command != NULL;
}

enum shell_result cmd_help(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *topic = shell_arg(call, NULL);
	struct shell_call about;
	size_t words, n = 0;

	if (!topic->given || shell_parse(topic->text, &about) == SHELL_PARSE_EMPTY) {
		shell_help_all(sh);
		return SHELL_OK;
	}
	if (!find_topic(topic->text, &about, &words)) {
		shell_say(sh, "\nThere is no command of that name. HELP lists them.\n");
		return SHELL_SYNTAX;
	}
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		char usage[256];

		if (!c->help || !is_asked(c, &about, words))
			continue;
		n++;
		shell_say(sh, "\n");
		shell_usage(c, usage, sizeof(usage));
		shell_wrap(sh->out, 0, usage);
		shell_wrap(sh->out, 4, c->help);
		if (c->more)
			shell_wrap(sh->out, 4, c->more);
	}
	if (n == 0)
		about.command->run(sh, &about); /* its answer says it all */
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
