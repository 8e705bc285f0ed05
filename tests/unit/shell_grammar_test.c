/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "ui/shell/commands.h"
#include "ui/shell/grammar.h"

/* "VERB NOUN name=value flag" of what was understood, or the kind of failure. */
static const char *understood(const char *line)
{
	static char text[512];
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
	shell_words(call.command, text, sizeof(text));
	n = strlen(text);
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
	{ "create partition efi size=350", "CREATE PARTITION EFI SIZE=350" },
	{ "cre par pri siz=32125 id=27 off=1024", "CREATE PARTITION PRIMARY SIZE=32125 OFFSET=1024 ID=27" },
	{ "Create Partition PRIMARY", "CREATE PARTITION PRIMARY" },
	{ "create partition msr size 128", "CREATE PARTITION MSR SIZE=128" },
	{ "create part ext", "CREATE PARTITION EXTENDED" },
	{ "create part log align=64 noerr", "CREATE PARTITION LOGICAL ALIGN=64 NOERR" },
	{ "create partition primary offset=9007199254740992", "CREATE PARTITION PRIMARY OFFSET=9007199254740992" },
	{ "create volume simple size=10 disk=1", "CREATE VOLUME SIMPLE SIZE=10 DISK=1" },
	{ "create volume mirror disk=0,1 size=7", "CREATE VOLUME MIRROR DISK=0,1 SIZE=7" },
	{ "create volume stripe disk=0,1", "CREATE VOLUME STRIPE =disk=0,1" },
	{ "create volume raid size=1 disk=0,1,2", "CREATE VOLUME RAID =size=1 disk=0,1,2" },
	{ "create vdisk file=c:\\x.vhd", "CREATE VDISK =file=c:\\x.vhd" },
	{ "format quick fs=fat32 label=EFI", "FORMAT FS=fat32 LABEL=EFI QUICK" },
	{ "format fs=ntfs quick label=\"two words\"", "FORMAT FS=ntfs LABEL=two words QUICK" },
	{ "format label=\"\"", "FORMAT LABEL=" },
	{ "FORMAT RECOMMENDED OVERRIDE NOWAIT NOERR", "FORMAT RECOMMENDED OVERRIDE NOWAIT NOERR" },
	{ "format unit=64K revision=2.01 compress duplicate", "FORMAT REVISION=2.01 UNIT=64K COMPRESS DUPLICATE" },
	{ "assign", "ASSIGN" },
	{ "assign letter=t", "ASSIGN LETTER=t" },
	{ "ass let T:", "ASSIGN LETTER=T:" },
	{ "assign mount=c:\\data", "ASSIGN MOUNT=c:\\data" },
	{ "remove all dismount", "REMOVE ALL DISMOUNT" },
	{ "remove letter=s noerr", "REMOVE LETTER=s NOERR" },
	{ "rem all", "REM =all" },
	{ "att disk clear readonly", "ATTRIBUTES DISK CLEAR READONLY" },
	{ "attributes volume", "ATTRIBUTES VOLUME" },
	{ "attach vdisk", "ATTACH VDISK" },
	{ "set id=de94bba4-06d1-4d40-a16a-bfd50179d6ac override",
	  "SET ID=de94bba4-06d1-4d40-a16a-bfd50179d6ac OVERRIDE" },
	{ "gpt attributes=0x8000000000000001", "GPT ATTRIBUTES=0x8000000000000001" },
	{ "gpt att 0X1", "GPT ATTRIBUTES=0X1" },
	{ "uniqueid disk", "UNIQUEID DISK" },
	{ "uni dis id=1a2b3c4d", "UNIQUEID DISK ID=1a2b3c4d" },
	{ "clean", "CLEAN" },
	{ "cle all", "CLEAN ALL" },
	{ "con bas", "CONVERT BASIC" },
	{ "select partition 1", "SELECT PARTITION =1" },
	{ "sel part=12", "SELECT PARTITION =12" },
	{ "select disk=system", "SELECT DISK =system" },
	{ "select disk next", "SELECT DISK =next" },
	{ "det par", "DETAIL PARTITION" },
	{ "det dis", "DETAIL DISK" },
	{ "delete partition override noerr", "DELETE PARTITION NOERR OVERRIDE" },
	{ "del vol", "DELETE VOLUME" },
	{ "online disk noerr", "ONLINE DISK NOERR" },
	{ "off vol", "OFFLINE VOLUME" },
	{ "active", "ACTIVE" },
	{ "ina noerr", "INACTIVE NOERR" },
	{ "ret", "RETAIN" },
	{ "rec", "RECOVER" },
	{ "men noerr", "MEND NOERR" },
	{ "imp", "IMPORT" },
	{ "fil", "FILESYSTEMS" },
	{ "extend size=10", "EXTEND =size=10" },
	{ "san policy=OnlineAll", "SAN =policy=OnlineAll" },
	{ "undo", "UNDO" },
	{ "undo list", "UNDO LIST" },
	{ "undo 3 noerr", "UNDO =3 NOERR" },
	{ "ver vol=c", "VERIFY VOLUME=c" },
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
	{ "create", "bad CREATE" },
	{ "create partition", "bad CREATE" },
	{ "create partition efi primary", "bad CREATE" },
	{ "create partition vfat", "bad CREATE" },
	{ "create partition efi size", "bad CREATE" },
	{ "create partition efi size=1m", "bad CREATE" },
	{ "create partition efi id=07", "bad CREATE" },
	{ "create partition primary offset=9007199254740993", "bad CREATE" },
	{ "create volume mirror", "bad CREATE" },
	{ "create volume mirror disk=0", "bad CREATE" },
	{ "create volume mirror disk=0,", "bad CREATE" },
	{ "create volume mirror disk=,1", "bad CREATE" },
	{ "create volume mirror disk=0,,1", "bad CREATE" },
	{ "create volume mirror disk=0,x", "bad CREATE" },
	{ "format fs=", "bad FORMAT" },
	{ "format ntfs", "bad FORMAT" },
	{ "format no", "bad FORMAT" },
	{ "assign letter=tt", "bad ASSIGN" },
	{ "assign letter=1", "bad ASSIGN" },
	{ "assign t", "bad ASSIGN" },
	{ "remove letter", "bad REMOVE" },
	{ "gpt attributes=1", "bad GPT" },
	{ "gpt attributes=0x", "bad GPT" },
	{ "gpt attributes=0xg", "bad GPT" },
	{ "gpt attributes=0x12345678123456789", "bad GPT" },
	{ "gpt", "bad GPT" },
	{ "set", "bad SET" },
	{ "set id", "bad SET" },
	{ "clean disk", "bad CLEAN" },
	{ "convert", "bad CONVERT" },
	{ "convert basic now", "bad CONVERT" },
	{ "select partition c", "bad SELECT" },
	{ "select disk=last", "bad SELECT" },
	{ "uniqueid", "bad UNIQUEID" },
	{ "online", "bad ONLINE" },
	{ "add disk=next", "bad ADD" },
	{ "undo x", "bad UNDO" },
	{ "undo -1", "bad UNDO" },
};

static void lines_are_understood(void **state)
{
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
	assert_int_equal(shell_parse("gpt attributes=0xC000000000000001", &call), SHELL_PARSE_OK);
	assert_u64(shell_arg(&call, "ATTRIBUTES")->large, 0xC000000000000001);
	assert_int_equal(shell_parse("create partition primary size=32125 offset=8589934592", &call), SHELL_PARSE_OK);
	assert_u64(shell_arg(&call, "SIZE")->large, 32125);
	assert_u64(shell_arg(&call, "OFFSET")->large, 8589934592);
	assert_u64(shell_arg(&call, "ALIGN")->large, 0);
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
					    "wait", "timeout", "preview", "\303\266", "\x01", "?", "rebuild", "rate", "volume",
					    "create", "partition", "efi", "size", "format", "fs", "ntfs", "gpt", "0x1", "0,1", "undo",
					    "list" };
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

		shell_words(c, line, sizeof(line));
		shell_parse(line, &call);
		assert_ptr_equal(call.command, c);
		assert_non_null(c->run);
		for (const struct shell_command *other = shell_commands; other->verb; other++)
			n += !strcmp(other->verb, c->verb) && (!other->noun || !c->noun || !strcmp(other->noun, c->noun)) &&
			     (!other->kind || !c->kind || !strcmp(other->kind, c->kind));
		assert_int_equal(n, 1);
		assert_true(!c->help || strlen(c->help) <= 75); /* with its indent at most 79 columns */
		assert_true(c->help || c->more || c->run == cmd_help || c->run == cmd_repair);
		if (!c->help || !c->noun)
			continue;
		snprintf(shorter, sizeof(shorter), "%.3s %.3s %.3s", c->verb, c->noun, c->kind ? c->kind : "");
		shell_parse(shorter, &call);
		assert_ptr_equal(call.command, c);
	}
}

/* HELP lists each verb that has commands once, in the order of the table, on lines of 79 columns. */
static void every_verb_has_its_line(void **state)
{
	(void)state;
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		size_t n = 0;

		for (const struct shell_topic *t = shell_topics; t->verb; t++)
			n += !strcmp(t->verb, c->verb);
		assert_int_equal(n, c->help || c->run == cmd_notice ? 1 : n);
		assert_true(n <= 1);
	}
	for (const struct shell_topic *t = shell_topics; t->verb; t++) {
		assert_true(strlen(t->verb) <= 11);
		assert_true(strlen(t->help) <= 65);
	}
}

/* The words and depth that HELP understands, whatever arguments the command would need. */
static void topics_are_found(void **state)
{
	static const struct {
		const char *text, *command;
		size_t words;
	} topics[] = {
		{ "create", "CREATE PARTITION EFI", 1 },	 { "cre vol", "CREATE VOLUME MIRROR", 2 },
		{ "create volume mirror", "CREATE VOLUME MIRROR", 3 }, { "create volume stripe disk=0,1", "CREATE VOLUME STRIPE", 3 },
		{ "rebuild rate", "REBUILD RATE", 2 },	 { "break disk=m0 nokeep", "BREAK", 1 },
		{ "create nonsense", "CREATE PARTITION EFI", 1 }, { "list vdi", "LIST VDISK", 2 },
		{ "?", "?", 1 },				 { "off", "OFFLINE DISK", 1 },
		{ "det vdisk", NULL, 0 },			 { "att", NULL, 0 },
		{ "xyz", NULL, 0 },				 { "", NULL, 0 },
		{ "= list", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		size_t words;
		const struct shell_command *c = shell_topic(topics[i].text, &words);
		char text[64];

		assert_int_equal(c != NULL, topics[i].command != NULL);
		if (!c)
			continue;
		shell_words(c, text, sizeof(text));
		assert_string_equal(text, topics[i].command);
		assert_int_equal(words, topics[i].words);
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
	shell_parse("create volume mirror disk=0,1", &call);
	shell_usage(call.command, text, sizeof(text));
	assert_string_equal(text, "CREATE VOLUME MIRROR DISK=<N>,<N> [SIZE=<N>] [ALIGN=<N>] [NOERR]");
	shell_parse("undo", &call);
	shell_usage(call.command, text, sizeof(text));
	assert_string_equal(text, "UNDO [LIST] [<N>] [NOERR]");
	shell_parse("select disk", &call);
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
	assert_string_equal(completed("=x"), "");
	assert_string_equal(completed(" ="), "");
	assert_string_equal(completed("li"), "LIST ");
	assert_string_equal(completed("list "), "DISK PARTITION VOLUME ");
	assert_string_equal(completed("sel v"), "VOLUME ");
	assert_string_equal(completed("create "), "PARTITION VOLUME ");
	assert_string_equal(completed("create part "), "EFI EXTENDED LOGICAL MSR PRIMARY ");
	assert_string_equal(completed("create partition e"), "EFI EXTENDED ");
	assert_string_equal(completed("cre vol "), "MIRROR SIMPLE ");
	assert_string_equal(completed("create partition efi s"), "SIZE ");
	assert_string_equal(completed("conv"), "CONVERT ");
	assert_string_equal(completed("conv d"), "DYNAMIC ");
	assert_string_equal(completed("break "), "DISK NOKEEP NOERR ");
	assert_string_equal(completed("break disk=1 no"), "NOKEEP NOERR ");
	assert_string_equal(completed("break disk="), "");
	assert_string_equal(completed("xyz "), "");
	assert_non_null(strstr(completed(""), "ACTIVE ADD ASSIGN ATTRIBUTES BREAK CLEAN CONVERT CREATE DELETE DETAIL EXIT "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_understood),       cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(overlong_lines_are_refused), cmocka_unit_test(any_line_is_survived),
		cmocka_unit_test(every_command_is_reachable), cmocka_unit_test(every_verb_has_its_line),
		cmocka_unit_test(usage_shows_the_arguments),  cmocka_unit_test(topics_are_found),
		cmocka_unit_test(words_are_completed),
	};
	return cmocka_run_group_tests_name("shell grammar", tests, NULL, NULL);
}
