/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - the command line: which face, which disks, with what options. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dynadisk.h"
#include "ui/lab.h"
#include "ui/report/report.h"
#include "ui/shell/shell.h"
#include "ui/tui/tui.h"

enum { EXIT_USAGE = 2, EXIT_CHECK_ERROR = 4 };

enum face { FACE_CONSOLE = 1, FACE_STATUS = 2, FACE_SHELL = 4, FACE_ALL = 7 };

struct arguments {
	enum face face;
	bool ascii, no_color, no_mouse, read_only, json, check;
	const char *state_dir, *log_file, *script;
	unsigned delay, limit; /* seconds; MB/s */
	char **disks;
	size_t n_disks;
};

enum { OPT_ASCII = 256, OPT_NO_COLOR, OPT_NO_MOUSE, OPT_STATE_DIR, OPT_LOG, OPT_CHECK, OPT_SCRIPT, OPT_TIMEOUT, OPT_LIMIT };

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "read-only", no_argument, NULL, 'r' },
	{ "ascii", no_argument, NULL, OPT_ASCII },
	{ "no-color", no_argument, NULL, OPT_NO_COLOR },
	{ "no-mouse", no_argument, NULL, OPT_NO_MOUSE },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "json", no_argument, NULL, 'J' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "script", required_argument, NULL, OPT_SCRIPT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

static void print_help(void)
{
	fputs("Usage:\n"
	      "  dynadisk [OPTIONS] [DISK...]                        the console\n"
	      "  dynadisk status [--json] [--check] [DISK...]        what there is, in what state\n"
	      "  dynadisk shell [--script FILE] [DISK...]            DiskPart's language\n"
	      "  dynadisk lab DIR [--scenario NAME] [--list]         practice disks\n"
	      "\n"
	      "Show Windows dynamic disks and repair their mirrors. DISKs are block devices or\n"
	      "raw image files, numbered in the order given; without any, all disks of the\n"
	      "machine. Nothing is written before its plan was shown.\n"
	      "\n"
	      "Options:\n"
	      " -r, --read-only         refuse to write to any disk\n"
	      "     --ascii             draw with ASCII characters only\n"
	      "     --no-color          no colours (as does the variable NO_COLOR)\n"
	      "     --no-mouse          leave the mouse to the terminal\n"
	      "     --state-dir DIR     where undo files are kept (or the variable DYNADISK_STATE)\n"
	      "     --limit MB          copy at most MB megabytes per second while rebuilding\n"
	      "     --log FILE          append a line for every write operation\n"
	      " -h, --help              show this help\n"
	      " -V, --version           show the version\n"
	      "\n"
	      "status:\n"
	      " -J, --json              one JSON object, sizes in bytes\n"
	      "     --check             one line; exit 0 healthy, 1 degraded or rebuilding,\n"
	      "                         2 failed, 4 the disks could not be read\n"
	      "\n"
	      "shell:\n"
	      "     --script FILE       run the commands in FILE (\"-\": standard input); also /s FILE\n"
	      "     --timeout N         wait N seconds before the first command; also /t N\n"
	      "\n"
	      "See dynadisk(8) and dynadisk-shell(8).\n",
	      stdout);
}

/* One line on stderr, then where help is. */
static int __attribute__((format(printf, 1, 2))) usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("dynadisk: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'dynadisk --help' for more information.\n", stderr);
	return EXIT_USAGE;
}

/* --------------------------------------------------------------- arguments */

static bool parse_number(const char *text, unsigned *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n > 86400)
		return false;
	*out = (unsigned)n;
	return true;
}

/* Which faces an option belongs to. */
static int faces_of(int opt)
{
	switch (opt) {
	case OPT_ASCII:
	case OPT_NO_COLOR:
	case OPT_NO_MOUSE:
		return FACE_CONSOLE;
	case 'J':
	case OPT_CHECK:
		return FACE_STATUS;
	case OPT_SCRIPT:
	case OPT_TIMEOUT:
		return FACE_SHELL;
	default:
		return FACE_ALL;
	}
}

/* Takes one option. 0, or the exit code + 1. */
static int take_option(struct arguments *a, int opt, const char *name)
{
	if (!(faces_of(opt) & (int)a->face))
		return usage_error("the option %s does not belong here", name) + 1;
	switch (opt) {
	case 'h':
		print_help();
		return EXIT_SUCCESS + 1;
	case 'V':
		printf("dynadisk %s\n", dyn_version());
		return EXIT_SUCCESS + 1;
	case 'r':
		a->read_only = true;
		return 0;
	case OPT_ASCII:
		a->ascii = true;
		return 0;
	case OPT_NO_COLOR:
		a->no_color = true;
		return 0;
	case OPT_NO_MOUSE:
		a->no_mouse = true;
		return 0;
	case OPT_STATE_DIR:
		a->state_dir = optarg;
		return 0;
	case OPT_LOG:
		a->log_file = optarg;
		return 0;
	case OPT_LIMIT:
		return parse_number(optarg, &a->limit) ? 0 : usage_error("not a number of MB/s: %s", optarg) + 1;
	case 'J':
		a->json = true;
		return 0;
	case OPT_CHECK:
		a->check = true;
		return 0;
	case OPT_SCRIPT:
		a->script = optarg;
		return 0;
	case OPT_TIMEOUT:
		return parse_number(optarg, &a->delay) ? 0 : usage_error("not a number of seconds: %s", optarg) + 1;
	default:
		return usage_error("unknown option '%s'", name) + 1;
	}
}

/* Takes options from argv[1] on. stop: leave the first other word, and all after it, to the caller. 0, or exit code + 1.
 * *next: the first argument not taken. */
static int take_options(struct arguments *a, int argc, char **argv, bool stop, int *next)
{
	const char *letters = stop ? "+:hVrJ" : ":hVrJ";
	int opt, r;

	optind = 0; /* glibc: begin anew, with other argv and letters */
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1;

		opt = getopt_long(argc, argv, letters, long_options, NULL);
		if (opt == -1)
			break;
		if (opt == '?')
			return usage_error("unknown option '%s'", argv[optind > 1 ? optind - 1 : at]) + 1;
		if (opt == ':')
			return usage_error("option '%s' needs a value", argv[optind - 1]) + 1;
		r = take_option(a, opt, argv[optind > 1 ? optind - 1 : at]);
		if (r)
			return r;
	}
	*next = optind;
	return 0;
}

/* DiskPart's own spelling of the shell's options becomes ours: /s FILE, /t N and /?. */
static void take_slashes(int argc, char **argv)
{
	static char script[] = "--script", timeout[] = "--timeout", help[] = "--help";

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcasecmp(argv[i], "/s"))
			argv[i] = script;
		else if (!strcasecmp(argv[i], "/t"))
			argv[i] = timeout;
		else if (!strcmp(argv[i], "/?"))
			argv[i] = help;
		if (argv[i] == script || argv[i] == timeout)
			i++; /* the value is no option */
	}
}

/* 0, or the exit code + 1. *lab: where `lab` stands in argv, 0 when it does not. */
static int parse(struct arguments *a, int argc, char **argv, int *lab)
{
	int next, r;

	a->face = FACE_ALL;
	r = take_options(a, argc, argv, true, &next);
	if (r)
		return r;
	a->face = FACE_CONSOLE;
	if (next < argc && !(next > 0 && !strcmp(argv[next - 1], "--"))) { /* after "--" every word is a disk */
		const char *verb = argv[next];

		if (!strcmp(verb, "lab")) {
			*lab = next;
			return 0;
		}
		a->face = !strcmp(verb, "status") ? FACE_STATUS : !strcmp(verb, "shell") ? FACE_SHELL : FACE_CONSOLE;
		if (a->face == FACE_SHELL)
			take_slashes(argc - next, argv + next);
		if (a->face == FACE_CONSOLE)
			next--; /* a disk: options may still follow it */
		argv += next;
		argc -= next;
		r = take_options(a, argc, argv, false, &next);
		if (r)
			return r;
	}
	if ((a->json || a->check) && a->face != FACE_STATUS)
		return usage_error("the option %s belongs to status", a->json ? "--json" : "--check") + 1;
	if ((a->script || a->delay) && a->face != FACE_SHELL)
		return usage_error("the option %s belongs to shell", a->script ? "--script" : "--timeout") + 1;
	a->disks = argv + next;
	a->n_disks = (size_t)(argc - next);
	return 0;
}

/* -------------------------------------------------------------------- faces */

/* One line per write operation, in one write(2) each, so that several threads and processes can share the file. */
static void log_line(void *arg, const char *line)
{
	const int *fd = arg;
	char text[1024], when[32];
	struct tm tm;
	time_t now = time(NULL);
	int n;

	if (!localtime_r(&now, &tm) || strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", &tm) == 0)
		when[0] = '\0';
	n = snprintf(text, sizeof(text), "%s dynadisk[%ld]: %s\n", when, (long)getpid(), line);
	if (n >= (int)sizeof(text)) {
		n = (int)sizeof(text) - 1;
		text[n - 1] = '\n';
	}
	if (write(*fd, text, (size_t)n) < 0)
		return; /* a full log disk is no reason to stop a repair half way */
}

/* Opened for appending; never a disk, be it by a slip of the hand. -1 after saying why not. */
static int open_log(const struct arguments *a)
{
	struct stat log, disk;
	int fd = open(a->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	const char *why = fd < 0 || fstat(fd, &log) < 0 ? strerror(errno) : NULL;

	if (!why && S_ISBLK(log.st_mode))
		why = "it is a block device";
	for (size_t i = 0; !why && i < a->n_disks; i++)
		if (stat(a->disks[i], &disk) == 0 && disk.st_dev == log.st_dev && disk.st_ino == log.st_ino)
			why = "it is one of the disks";
	if (!why)
		return fd;
	fprintf(stderr, "dynadisk: cannot write the log %s: %s\n", a->log_file, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

static void print_error(const struct dyn_err *err)
{
	fprintf(stderr, "dynadisk: %s\n", *err->what ? err->what : strerror(-err->code));
	if (*err->way_out)
		fprintf(stderr, "%s\n", err->way_out);
}

static int run_status(struct dyn_session *s, const struct arguments *a)
{
	struct dyn_model *m;
	struct dyn_err err = { 0 };
	char line[1024];
	enum report_health health;
	int r = dyn_scan(s, &m, &err);

	if (r < 0) {
		print_error(&err);
		return a->check ? EXIT_CHECK_ERROR : EXIT_FAILURE;
	}
	health = report_health(m, line, sizeof(line));
	if (a->json)
		r = report_json(m, stdout);
	else if (a->check)
		r = printf("%s\n", line) < 0 || fflush(stdout) ? -EIO : 0;
	else
		r = report_text(m, stdout);
	dyn_model_unref(m);
	if (r < 0) {
		fprintf(stderr, "dynadisk: writing the report failed: %s\n", strerror(-r));
		return a->check ? EXIT_CHECK_ERROR : EXIT_FAILURE;
	}
	return a->check ? (int)health : EXIT_SUCCESS;
}

static int run_console(struct dyn_session *s, const struct arguments *a, struct tui_hook *hook)
{
	const struct tui_options opt = {
		.ascii = a->ascii,
		.no_color = a->no_color,
		.no_mouse = a->no_mouse,
		.read_only = a->read_only,
		.host_name = getenv("DYNADISK_HOSTNAME"),
		.hook = hook,
	};

	return tui_run(s, &opt);
}

static int run(const struct arguments *a, int log_fd)
{
	struct shell_hook hook = { NULL };
	struct tui_hook tui_hook = { NULL };
	const struct dyn_options opt = {
		.state_dir = a->state_dir ? a->state_dir : getenv("DYNADISK_STATE"),
		.read_only = a->read_only,
		.limit = (uint64_t)a->limit * 1000000,
		.log = log_fd >= 0 ? log_line : NULL,
		.log_arg = &log_fd,
		.progress = a->face == FACE_SHELL ? shell_progress : a->face == FACE_CONSOLE ? tui_progress : NULL,
		.progress_arg = a->face == FACE_SHELL ? (void *)&hook : &tui_hook,
	};
	const struct shell_options shell = {
		.script = a->script,
		.delay = a->delay,
		.host_name = getenv("DYNADISK_HOSTNAME"),
		.hook = &hook,
	};
	struct dyn_session *s;
	struct dyn_err err = { 0 };
	int r = dyn_session_open((const char *const *)a->disks, a->n_disks, &opt, &s, &err);

	if (r < 0) {
		print_error(&err);
		return a->face == FACE_STATUS && a->check ? EXIT_CHECK_ERROR : a->face == FACE_SHELL ? EXIT_USAGE : EXIT_FAILURE;
	}
	if (a->face == FACE_STATUS)
		r = run_status(s, a);
	else if (a->face == FACE_SHELL)
		r = shell_run(s, &shell);
	else
		r = run_console(s, a, &tui_hook);
	dyn_session_close(s);
	return r;
}

int main(int argc, char **argv)
{
	struct arguments a = { 0 };
	int r, lab = 0, log_fd = -1;

	if (getauxval(AT_SECURE)) {
		fputs("dynadisk: refusing to run setuid or setgid: use sudo, or the group that owns the disks\n", stderr);
		return EXIT_FAILURE;
	}
	setlocale(LC_ALL, "");
	r = parse(&a, argc, argv, &lab);
	if (r)
		return r - 1;
	optind = 0; /* it reads its own options, from their beginning */
	if (lab)
		return lab_main(argc - lab, argv + lab);
	if (a.log_file) {
		log_fd = open_log(&a);
		if (log_fd < 0)
			return EXIT_FAILURE;
	}
	r = run(&a, log_fd);
	if (log_fd >= 0)
		close(log_fd);
	return r;
}
