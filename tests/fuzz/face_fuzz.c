/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * face_fuzz.c - the shell's language: a script of any bytes is read line by line, parsed, completed and explained. What a
 * line means must not depend on the case of its words, and its arguments lie within the line.
 */
#include <ctype.h>
#include <locale.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "ui/shell/grammar.h"
#include "ui/shell/input.h"

static void offered(void *arg, const char *word)
{
	size_t *n = arg;

	++*n;
	fuzz_must(word[0] != '\0');
}

static void look_at(const struct shell_call *call)
{
	for (size_t i = 0; i < SHELL_MAX_ARGS && call->command->args[i].type != SHELL_ARG_END; i++) {
		const struct shell_value *v = &call->args[i];

		fuzz_must(!v->text || (v->text >= call->buf && v->text + strlen(v->text) < call->buf + sizeof(call->buf)));
		fuzz_must(v->given || !call->command->args[i].required);
		if (call->command->args[i].name)
			fuzz_must(shell_arg(call, call->command->args[i].name)->given == v->given);
	}
}

static void understand(const char *line)
{
	struct shell_call call, other;
	char upper[SHELL_MAX_LINE], usage[1024];
	enum shell_parse how = shell_parse(line, &call);
	size_t n = 0;

	if (how == SHELL_PARSE_OK)
		look_at(&call);
	if (call.command && how >= SHELL_PARSE_OK) {
		shell_usage(call.command, usage, sizeof(usage));
		fuzz_must_be_clean(usage);
	}
	shell_complete(line, offered, &n);
	for (n = 0; n + 1 < sizeof(upper) && line[n]; n++)
		upper[n] = (char)toupper((unsigned char)line[n]);
	upper[n] = '\0';
	fuzz_must(shell_parse(upper, &other) == how && other.command == call.command);
}

int fuzz_shell(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char line[SHELL_MAX_LINE];
	struct input *in;
	enum input_result r;

	if (fd < 0)
		fd = memfd_create("script", MFD_CLOEXEC);
	fuzz_must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	fuzz_must(lseek(fd, 0, SEEK_SET) == 0);
	in = input_new(fd, false, -1);
	fuzz_must(in != NULL);
	while ((r = input_line(in, "", false, line, sizeof(line))) == INPUT_LINE || r == INPUT_TOO_LONG)
		if (r == INPUT_LINE)
			understand(line);
	fuzz_must(r == INPUT_END || r == INPUT_ERROR);
	input_free(in);
	return 0;
}
