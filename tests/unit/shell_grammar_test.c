/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "ui/shell/commands.h"
#include "ui/shell/grammar.h"

/* "VERB NOUN name=value flag" of what was understood, or the kind of failure. */
static const char *understood(const char *line)
{
	static char text[256];
	struct shell_call call;
	size_t n = 0;

	switch (shell_parse(line, &call)) {
	case SHELL_PARSE_EMPTY:
		return "empty";
	case SHELL_PARSE_UNKNOWN:
		return "unknown";
	case SHELL_PARSE_BAD:
		snprintf(text, sizeof(text), "bad %s", call.command ? call.command->verb : "-");
		return text;
	case SHELL_PARSE_OK:
		break;
	}
	n = (size_t)snprintf(text, sizeof(text), "%s%s%s", call.command->verb, call.command->noun ? " " : "",
			     call.command->noun ? call.command->noun : "");
	for (size_t i = 0; i < SHELL_MAX_ARGS; i++) {
		const struct shell_arg_spec *a = &call.command->args[i];

		if (!call.args[i].given)
			continue;
		if (a->type == SHELL_ARG_FLAG)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", a->name);
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%s", a->name ? a->name : "", call.args[i].text);
	}
	return text;
}

static void lines_are_understood(void **state)
{
	static const struct {
		const char *line, *meaning;
	} cases[] = {
		{ "list disk", "LIST DISK" },
		{ "LIST Volume", "LIST VOLUME" },
		{ "  lis\tdis  ", "LIST DISK" },
		{ "lis par", "LIST PARTITION" },
		{ "sel vol c", "SELECT VOLUME =c" },
		{ "select volume=C:", "SELECT VOLUME =C:" },
		{ "select volume = 3", "SELECT VOLUME =3" },
		{ "select disk", "SELECT DISK" },
		{ "select disk m0", "SELECT DISK =m0" },
		{ "select disk=/dev/sdb", "SELECT DISK =/dev/sdb" },
		{ "select disk=\"./my disk.img\"", "SELECT DISK =./my disk.img" },
		{ "det vol", "DETAIL VOLUME" },
		{ "break disk M0 nokeep", "BREAK DISK=M0 NOKEEP" },
		{ "break disk=m0 noerr nokeep", "BREAK DISK=m0 NOKEEP NOERR" },
		{ "bre nok dis 1", "BREAK DISK=1 NOKEEP" },
		{ "add disk=1 align=64", "ADD DISK=1 ALIGN=64" },
		{ "del disk override", "DELETE DISK OVERRIDE" },
		{ "con dyn", "CONVERT DYNAMIC" },
		{ "convert gpt noerr", "CONVERT GPT NOERR" },
		{ "rebuild rate=50", "REBUILD RATE =50" },
		{ "rebuild resume volume=h", "REBUILD RESUME VOLUME=h" },
		{ "wait", "WAIT" },
		{ "wait timeout=5 volume=c", "WAIT VOLUME=c TIMEOUT=5" },
		{ "rem it's a = \"remark", "REM =it's a = \"remark" },
		{ "preview add disk=1", "PREVIEW =add disk=1" },
		{ "? break", "? =break" },
		{ "create partition efi size=350", "CREATE =partition efi size=350" },
		{ "att disk clear readonly", "ATTRIBUTES =disk clear readonly" },
		{ "", "empty" },
		{ " \t ", "empty" },
		{ "lst disk", "unknown" },
		{ "li disk", "unknown" }, /* two letters are too few */
		{ "re", "unknown" },
		{ "det", "unknown" },     /* detail or detach */
		{ "det vdisk", "unknown" },
		{ "=", "unknown" },
		{ "list", "bad LIST" },
		{ "list foo", "bad LIST" },
		{ "list=disk", "bad LIST" },
		{ "listdisk", "unknown" },
		{ "list disk 1", "bad LIST" },
		{ "exit now", "bad EXIT" },
		{ "add", "bad ADD" },
		{ "add disk", "bad ADD" },
		{ "add disk=", "bad ADD" },
		{ "add disk==1", "bad ADD" },
		{ "add disk=1x", "bad ADD" },
		{ "add disk=M", "bad ADD" },
		{ "add disk=1 disk=2", "bad ADD" },
		{ "add disk=1 noerr noerr", "bad ADD" },
		{ "add disk=1 noerr=1", "bad ADD" },
		{ "add 1", "bad ADD" },
		{ "select volume cd", "bad SELECT" },
		{ "select disk=1 2", "bad SELECT" },
		{ "select disk=\"1", "bad SELECT" },
		{ "rebuild rate", "bad REBUILD" },
		{ "rebuild rate=4294967296", "bad REBUILD" },
		{ "rebuild rate=99999999999999999999", "bad REBUILD" },
		{ "rebuild rate=-1", "bad REBUILD" },
		{ "rebuild", "bad REBUILD" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(understood(cases[i].line), cases[i].meaning);
}

static void numbers_are_read(void **state)
{
	struct shell_call call;

	(void)state;
	assert_int_equal(shell_parse("wait timeout 4294967295", &call), SHELL_PARSE_OK);
	assert_u64(shell_arg(&call, "TIMEOUT")->number, UINT32_MAX);
	assert_false(shell_arg(&call, "VOLUME")->given);
	assert_false(shell_flag(&call, "NOERR"));
}

static void overlong_lines_are_refused(void **state)
{
	char line[2 * SHELL_MAX_LINE];
	struct shell_call call;

	(void)state;
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(shell_parse(line, &call), SHELL_PARSE_BAD);
	for (size_t i = 0; i < SHELL_MAX_LINE - 1; i++)
		line[i] = i % 2 ? ' ' : 'a'; /* as many words as fit */
	line[SHELL_MAX_LINE - 1] = '\0';
	assert_int_equal(shell_parse(line, &call), SHELL_PARSE_UNKNOWN);
	memset(line, '"', SHELL_MAX_LINE - 1);
	assert_int_not_equal(shell_parse(line, &call), SHELL_PARSE_OK);
}

/* Lines of words of the language and of nonsense, never twice the same run of the parser: it must stay in its buffer. */
static void any_line_is_survived(void **state)
{
	static const char *const bits[] = { " ", "=", "\"", "\t", "disk", "sel", "break", "noerr", "m0", "1", "99999999999", "c:", "rem",
					    "wait", "timeout", "preview", "\303\266", "\x01", "?", "rebuild", "rate", "volume" };
	uint32_t seed = 1;
	size_t good = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		char line[256] = "";
		struct shell_call call;

		for (int n = 0; n < 12; n++) {
			seed = seed * 1664525 + 1013904223;
			strcat(line, bits[(seed >> 16) % (sizeof(bits) / sizeof(bits[0]))]);
			if (seed & 0x8000)
				strcat(line, " ");
		}
		if (shell_parse(line, &call) != SHELL_PARSE_OK)
			continue;
		good++;
		for (size_t i = 0; i < SHELL_MAX_ARGS; i++)
			if (call.args[i].text) {
				assert_true(call.args[i].text >= call.buf && call.args[i].text < call.buf + sizeof(call.buf));
				assert_non_null(memchr(call.args[i].text, '\0', (size_t)(call.buf + sizeof(call.buf) - call.args[i].text)));
			}
	}
	assert_true(good > 100);
}

static void every_command_is_reachable(void **state)
{
	(void)state;
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		char line[64], shorter[64];
		struct shell_call call;
		size_t n = 0;

		snprintf(line, sizeof(line), "%s %s", c->verb, c->noun ? c->noun : "");
		shell_parse(line, &call);
		assert_ptr_equal(call.command, c);
		assert_non_null(c->run);
		for (const struct shell_command *other = shell_commands; other->verb; other++)
			n += !strcmp(other->verb, c->verb) && (!other->noun || !c->noun || !strcmp(other->noun, c->noun));
		assert_int_equal(n, 1);
		assert_true(!c->help || strlen(c->help) <= 61); /* a line of help is at most 79 columns */
		if (!c->help || !c->noun)
			continue;
		snprintf(shorter, sizeof(shorter), "%.3s %.3s", c->verb, c->noun);
		shell_parse(shorter, &call);
		assert_ptr_equal(call.command, c);
	}
}

static void usage_shows_the_arguments(void **state)
{
	struct shell_call call;
	char text[128];

	(void)state;
	shell_parse("break disk=0", &call);
	shell_usage(call.command, text, sizeof(text));
	assert_string_equal(text, "BREAK DISK=<N> [NOKEEP] [NOERR]");
	shell_parse("select disk", &call);
	shell_usage(call.command, text, sizeof(text));
	assert_string_equal(text, "SELECT DISK[=<N>]");
	shell_usage(call.command, text, 8);
	assert_string_equal(text, "SELECT ");
}

static void collect(void *arg, const char *word)
{
	strcat(arg, word);
	strcat(arg, " ");
}

static const char *completed(const char *line)
{
	static char text[1024];

	text[0] = '\0';
	shell_complete(line, collect, text);
	return text;
}

static void words_are_completed(void **state)
{
	(void)state;
	assert_string_equal(completed("de"), "DELETE DETAIL ");
	assert_string_equal(completed("li"), "LIST ");
	assert_string_equal(completed("list "), "DISK PARTITION VOLUME ");
	assert_string_equal(completed("sel v"), "VOLUME ");
	assert_string_equal(completed("break "), "DISK NOKEEP NOERR ");
	assert_string_equal(completed("break disk=1 no"), "NOKEEP NOERR ");
	assert_string_equal(completed("break disk="), "");
	assert_string_equal(completed("xyz "), "");
	assert_non_null(strstr(completed(""), "ADD BREAK CONVERT DELETE DETAIL EXIT HELP LIST "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_understood),       cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(overlong_lines_are_refused), cmocka_unit_test(any_line_is_survived),
		cmocka_unit_test(every_command_is_reachable), cmocka_unit_test(usage_shows_the_arguments),
		cmocka_unit_test(words_are_completed),
	};
	return cmocka_run_group_tests_name("shell grammar", tests, NULL, NULL);
}
