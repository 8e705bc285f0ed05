/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell.c - the loop: read a line, find the command, run it; what all commands use to answer. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ui/report/report.h"
#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/shell/shell.h"

void shell_say(struct shell *sh, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(sh->out, fmt, ap);
	va_end(ap);
}

/* The sentence on a line of its own, with its full stop. */
static void say_sentence(struct shell *sh, const char *text)
{
	size_t n = strlen(text);

	if (n)
		shell_say(sh, "%s%s\n", text, strchr(".!?:", text[n - 1]) ? "" : ".");
}

enum shell_result shell_refuse(struct shell *sh, const char *vds, const struct dyn_err *err)
{
	shell_say(sh, "\nVirtual Disk Service error:\n");
	if (vds)
		shell_say(sh, "%s\n\n", vds);
	say_sentence(sh, *err->what ? err->what : strerror(-err->code));
	say_sentence(sh, err->way_out);
	return SHELL_FAILED;
}

enum shell_result shell_rescan(struct shell *sh)
{
	struct dyn_model *m;
	struct dyn_err err = { 0 };
	int r = dyn_scan(sh->session, &m, &err);

	if (r < 0) {
		shell_refuse(sh, NULL, &err);
		sh->done = true;
		return SHELL_FATAL;
	}
	dyn_model_unref(sh->model);
	sh->model = m;
	return SHELL_OK;
}

enum shell_result shell_execute(struct shell *sh, const char *line)
{
	struct shell_call call;
	enum shell_result r;

	switch (shell_parse(line, &call)) {
	case SHELL_PARSE_EMPTY:
		return SHELL_OK;
	case SHELL_PARSE_UNKNOWN:
		shell_help_all(sh); /* what DiskPart answers to a word it does not know */
		return SHELL_SYNTAX;
	case SHELL_PARSE_BAD:
		shell_say(sh, "\nThe arguments specified for this command are not valid.\n");
		if (call.command)
			shell_say(sh, "For more information on the command type: HELP %s\n", call.command->verb);
		return SHELL_SYNTAX;
	case SHELL_PARSE_OK:
		break;
	}
	shell_note_ended(sh);
	if (sh->preview_next && call.command->run != cmd_rem) {
		sh->preview_next = false;
		sh->preview = true;
	}
	r = call.command->run(sh, &call);
	sh->preview = sh->percent = false;
	/* syntax errors, and commands with nothing to act on, stop a script even so */
	return r == SHELL_FAILED && shell_flag(&call, "NOERR") ? SHELL_OK : r;
}

/* ------------------------------------------------------------------- loop */

enum input_result shell_ask(struct shell *sh, const char *prompt, bool remember, char *dst, size_t n)
{
	if (sh->interactive && !sh->out_tty) /* replies go to a file or a pipe: no line editor shows the prompt */
		shell_say(sh, "%s", prompt);
	fflush(sh->out);
	return input_line(sh->input, prompt, remember, dst, n);
}

static enum shell_result say_input_error(struct shell *sh, const char *what)
{
	if (errno == EILSEQ)
		shell_say(sh, "\n%s is UTF-16 text. Save the script as UTF-8 or ANSI and run it again.\n", what);
	else
		shell_say(sh, "\nReading %s failed: %s.\n", what, strerror(errno));
	return SHELL_OPEN;
}

static enum shell_result loop(struct shell *sh, const char *source)
{
	char line[SHELL_MAX_LINE];
	enum shell_result r = SHELL_OK;

	while (!sh->done) {
		if (sh->interactive) {
			shell_note_ended(sh);
			shell_say(sh, "\n");
		}
		switch (shell_ask(sh, "DISKPART> ", true, line, sizeof(line))) {
		case INPUT_LINE:
			r = shell_execute(sh, line);
			break;
		case INPUT_TOO_LONG:
			shell_say(sh, "\nThe line is too long.\n");
			r = SHELL_SYNTAX;
			break;
		case INPUT_INTERRUPTED:
			if (sh->interactive)
				continue;
			sh->signal = SIGINT;
			break;
		case INPUT_TERMINATED:
			sh->signal = SIGTERM;
			break;
		case INPUT_END:
			shell_say(sh, "\nLeaving DiskPart...\n");
			return sh->interactive ? SHELL_OK : r;
		case INPUT_ERROR:
			return say_input_error(sh, source);
		}
		/* a signal that came while a command ran waits in the descriptor: a script must not go on to the next */
		if (sh->signal || (!sh->interactive && shell_nap(sh, 0)))
			return SHELL_FATAL;
		if (r != SHELL_OK && !sh->interactive)
			return r;
	}
	return r == SHELL_FATAL || !sh->interactive ? r : SHELL_OK;
}

/* Signals arrive through a descriptor, so that none can fall between two writes of a plan. */
static int open_signals(bool interactive)
{
	sigset_t set;

	if (interactive)
		signal(SIGQUIT, SIG_IGN); /* Ctrl-\ by a slip would end it with the terminal's echo switched off */
	signal(SIGHUP, SIG_IGN); /* a lost terminal ends the input; the rebuild goes on */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void say_banner(struct shell *sh, const struct shell_options *opt)
{
	char host[256] = "";

	if (!opt->host_name && gethostname(host, sizeof(host) - 1) < 0)
		snprintf(host, sizeof(host), "localhost");
	shell_say(sh, "\ndynadisk %s\n\nOn computer: %s\n", dyn_version(), opt->host_name ? opt->host_name : host);
}

/* A change that was cut off: what happened, and what RECOVER would do about it. */
static void say_interrupted(struct shell *sh)
{
	for (size_t i = 0; i < sh->model->n_groups; i++) {
		const struct dyn_group *g = &sh->model->groups[i];
		struct dyn_plan *plan = NULL;
		struct dyn_err err = { 0 };

		if (!g->interrupted)
			continue;
		shell_say(sh, g->import_cut ? "\nAn import of other disks into the disk group %s was cut off half-way.\n" :
					      "\nA change to the disk group %s was cut off half-way.\n", g->name);
		if (dyn_plan_recover(sh->session, sh->model, i, &plan, &err) == 0)
			shell_say(sh, "RECOVER, with one of its disks selected, does this: %s.\n", dyn_plan_step(plan, 0)->words);
		else
			shell_say(sh, "RECOVER cannot do it now: %s. %s\n%s", err.what, err.way_out,
				  err.code == -ENODEV ? "RECOVER OVERRIDE insists.\n" : "");
		dyn_plan_free(plan);
	}
}

/* What brings people here, before they have to ask for it. */
static void say_health(struct shell *sh)
{
	char line[1024];

	if (report_health(sh->model, line, sizeof(line)) == REPORT_HEALTHY)
		return;
	shell_say(sh, "\n");
	say_sentence(sh, line);
	for (size_t i = 0; i < sh->model->n_volumes; i++)
		if (sh->model->volumes[i].layout == DYN_LAYOUT_MIRROR &&
		    sh->model->volumes[i].status == DYN_VOLUME_FAILED_REDUNDANCY) {
			shell_say(sh, "HELP REPAIR tells how a mirror is repaired.\n");
			break;
		}
}

static int run(struct shell *sh, const struct shell_options *opt, const char *source)
{
	struct pollfd p = { .fd = sh->sigfd, .events = POLLIN };
	enum shell_result r, end;

	if (opt->delay && poll(&p, 1, (int)(opt->delay > 86400 ? 86400 : opt->delay) * 1000) > 0)
		return SHELL_FATAL;
	if (sh->interactive)
		say_banner(sh, opt);
	r = shell_rescan(sh);
	if (r != SHELL_OK)
		return r;
	if (sh->interactive)
		say_health(sh);
	say_interrupted(sh);
	shell_tell_paused(sh);
	r = loop(sh, source);
	end = shell_leave(sh);
	if (r == SHELL_OK || (sh->signal && end != SHELL_OK))
		r = end; /* that a rebuild was left paused says more than that a signal came */
	if (r == SHELL_OK && sh->job_failed && !sh->interactive)
		r = SHELL_FAILED;
	return r;
}

int shell_run(struct dyn_session *s, const struct shell_options *opt)
{
	bool from_file = opt->script && strcmp(opt->script, "-");
	struct shell sh = { .session = s, .out = stdout, .sigfd = -1 };
	int fd = from_file ? open(opt->script, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO, r = SHELL_FATAL;

	if (fd < 0) {
		fprintf(stderr, "dynadisk: cannot open the script %s: %s\n", opt->script, strerror(errno));
		return SHELL_OPEN;
	}
	sh.interactive = !opt->script && isatty(STDIN_FILENO);
	sh.out_tty = isatty(STDOUT_FILENO);
	if (strcmp(nl_langinfo(CODESET), "UTF-8"))
		sh.out = shell_ascii_stream(stdout);
	sh.sigfd = open_signals(sh.interactive);
	if (sh.out && sh.sigfd >= 0)
		sh.input = input_new(fd, sh.interactive && sh.out_tty, sh.sigfd);
	if (opt->hook)
		opt->hook->sh = &sh;
	if (sh.input)
		r = run(&sh, opt, from_file ? opt->script : "the input");
	else
		fprintf(stderr, "dynadisk: the shell cannot start: %s\n", strerror(errno));
	input_free(sh.input);
	dyn_model_unref(sh.model);
	free(sh.told);
	shell_letters_clear(&sh.letters);
	shell_letters_clear(&sh.offline);
	if (opt->hook)
		opt->hook->sh = NULL;
	if (sh.out && sh.out != stdout)
		fclose(sh.out);
	fflush(stdout);
	if (sh.sigfd >= 0)
		close(sh.sigfd);
	if (from_file)
		close(fd);
	return r;
}
