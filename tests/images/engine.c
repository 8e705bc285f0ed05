/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine.c - the engine's operations by script, for shell tests that have other programs judge the disks.
 *
 *   engine IMAGE... < commands       one a line; stops at the first that fails, with what it says
 *
 *   init DISK mbr|gpt                create DISK efi|msr|primary|extended|logical [size=MB] [offset=KB] [align=KB] [id=X]
 *   delete DISK PART [override]      setid DISK PART ID          attributes DISK PART HEX
 *   active DISK PART                 inactive DISK PART          uniqueid DISK [ID]
 *   clean DISK [all]                 clone FROM TO               upgrade DISK
 *   basic DISK                       simple DISK [size=MB]     mirror DISK DISK [size=MB]
 *   add VOLUME DISK                  break VOLUME DISK [nokeep] deletevolume VOLUME
 *   retain VOLUME                    reactivate DISK           deletemissing DISK
 *   recover GROUP                    undo                      the latest change
 *
 * PART is the number DiskPart shows. Every plan is applied with the confirmation it asks for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dynadisk.h"

enum { MAX_WORDS = 8 };

struct tool {
	struct dyn_session *s;
	struct dyn_model *m;
	struct dyn_err err;
	size_t n;
	char *word[MAX_WORDS];
};

static const char *word(const struct tool *t, size_t i)
{
	return i < t->n ? t->word[i] : "";
}

static size_t number(const struct tool *t, size_t i)
{
	return (size_t)strtoull(word(t, i), NULL, 0);
}

/* The value of "name=value" among the words, or NULL. */
static const char *option(const struct tool *t, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < t->n; i++)
		if (strncmp(t->word[i], name, n) == 0 && t->word[i][n] == '=')
			return t->word[i] + n + 1;
	return NULL;
}

static uint64_t amount(const struct tool *t, const char *name, uint64_t unit)
{
	const char *v = option(t, name);

	return v ? strtoull(v, NULL, 10) * unit : 0;
}

static int unknown(struct tool *t)
{
	snprintf(t->err.what, sizeof(t->err.what), "no such command: %s %s", word(t, 0), word(t, 2));
	return -EINVAL;
}

static int create(struct tool *t, struct dyn_plan **p)
{
	static const char *const kinds[] = { "efi", "msr", "primary", "extended", "logical" };
	struct dyn_part_spec spec = { .size = amount(t, "size", 1 << 20), .offset = amount(t, "offset", 1 << 10),
				      .align = amount(t, "align", 1 << 10), .id = option(t, "id") };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], word(t, 2)) != 0)
			continue;
		spec.kind = (enum dyn_part_kind)i;
		return dyn_plan_create_partition(t->s, t->m, number(t, 1), &spec, p, &t->err);
	}
	return unknown(t);
}

static int undo(struct tool *t, struct dyn_plan **p)
{
	struct dyn_undo *list = NULL;
	size_t n = 0;
	int rc = dyn_undo_list(t->s, t->m, &list, &n, &t->err);

	if (!rc && n == 0) {
		snprintf(t->err.what, sizeof(t->err.what), "there is nothing to undo");
		rc = -ENOENT;
	}
	if (!rc)
		rc = dyn_plan_undo(t->s, t->m, list[0].id, p, &t->err);
	free(list);
	return rc;
}

static int dynamic(struct tool *t, struct dyn_plan **p)
{
	uint64_t size = amount(t, "size", 1 << 20);
	size_t a = number(t, 1), b = number(t, 2);
	const char *verb = word(t, 0);

	if (strcmp(verb, "basic") == 0)
		return dyn_plan_to_basic(t->s, t->m, a, p, &t->err);
	if (strcmp(verb, "simple") == 0)
		return dyn_plan_create_simple(t->s, t->m, a, size, 0, p, &t->err);
	if (strcmp(verb, "mirror") == 0)
		return dyn_plan_create_mirror(t->s, t->m, (size_t[]){ a, b }, size, 0, p, &t->err);
	if (strcmp(verb, "add") == 0)
		return dyn_plan_add_mirror(t->s, t->m, a, b, DYN_TABLE_NONE, p, &t->err);
	if (strcmp(verb, "break") == 0)
		return dyn_plan_break(t->s, t->m, a, b, strcmp(word(t, 3), "nokeep") != 0, p, &t->err);
	if (strcmp(verb, "deletevolume") == 0)
		return dyn_plan_delete_volume(t->s, t->m, a, p, &t->err);
	if (strcmp(verb, "deletemissing") == 0)
		return dyn_plan_delete_missing(t->s, t->m, a, p, &t->err);
	if (strcmp(verb, "retain") == 0)
		return dyn_plan_retain(t->s, t->m, a, p, &t->err);
	if (strcmp(verb, "reactivate") == 0)
		return dyn_plan_reactivate(t->s, t->m, a, p, &t->err);
	if (strcmp(verb, "recover") == 0)
		return strcmp(word(t, 2), "override") == 0 ? dyn_plan_recover_anyway(t->s, t->m, a, p, &t->err) :
							     dyn_plan_recover(t->s, t->m, a, p, &t->err);
	if (strcmp(verb, "import") == 0)
		return dyn_plan_import(t->s, t->m, a, b, p, &t->err);
	return unknown(t);
}

static int plan(struct tool *t, struct dyn_plan **p)
{
	enum dyn_table table = strcmp(word(t, 2), "gpt") == 0 ? DYN_TABLE_GPT : DYN_TABLE_MBR;
	size_t disk = number(t, 1), part = number(t, 2) - 1;
	bool override = strcmp(word(t, 3), "override") == 0;
	const char *verb = word(t, 0);

	if (strcmp(verb, "init") == 0)
		return dyn_plan_initialize(t->s, t->m, disk, table, p, &t->err);
	if (strcmp(verb, "create") == 0)
		return create(t, p);
	if (strcmp(verb, "delete") == 0)
		return dyn_plan_delete_partition(t->s, t->m, disk, part, override, p, &t->err);
	if (strcmp(verb, "setid") == 0)
		return dyn_plan_set_id(t->s, t->m, disk, part, word(t, 3), false, p, &t->err);
	if (strcmp(verb, "attributes") == 0)
		return dyn_plan_gpt_attributes(t->s, t->m, disk, part, strtoull(word(t, 3), NULL, 16), p, &t->err);
	if (strcmp(verb, "active") == 0 || strcmp(verb, "inactive") == 0)
		return dyn_plan_set_active(t->s, t->m, disk, part, verb[0] == 'a', p, &t->err);
	if (strcmp(verb, "uniqueid") == 0)
		return dyn_plan_unique_id(t->s, t->m, disk, t->n > 2 ? word(t, 2) : NULL, p, &t->err);
	if (strcmp(verb, "clean") == 0)
		return dyn_plan_clean(t->s, t->m, disk, strcmp(word(t, 2), "all") == 0, p, &t->err);
	if (strcmp(verb, "clone") == 0)
		return dyn_plan_clone_layout(t->s, t->m, disk, number(t, 2), p, &t->err);
	if (strcmp(verb, "upgrade") == 0)
		return dyn_plan_upgrade(t->s, t->m, disk, DYN_TABLE_NONE, DYN_NONE, p, &t->err);
	return strcmp(verb, "undo") == 0 ? undo(t, p) : dynamic(t, p);
}

static int run_line(struct tool *t, char *line)
{
	struct dyn_plan *p = NULL;
	char *save = NULL;
	int rc;

	t->n = 0;
	for (char *w = strtok_r(line, " \t\n", &save); w && t->n < MAX_WORDS; w = strtok_r(NULL, " \t\n", &save))
		t->word[t->n++] = w;
	if (t->n == 0)
		return 0;
	rc = dyn_scan(t->s, &t->m, &t->err);
	if (!rc)
		rc = plan(t, &p);
	if (!rc) {
		rc = dyn_apply(t->s, p, dyn_plan_confirm(p), &t->err);
		if (!rc)
			dyn_jobs_wait(t->s, -1);
		printf("%s\n", dyn_plan_title(p));
		dyn_plan_free(p);
	}
	dyn_model_unref(t->m);
	t->m = NULL;
	if (rc)
		fprintf(stderr, "%s\n%s\n", t->err.what, t->err.way_out);
	return rc;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("ENGINE_SEED"); /* 0: GUIDs that differ from run to run */
	struct dyn_options opt = { .state_dir = getenv("DYNADISK_STATE"), .seed = seed ? strtoull(seed, NULL, 10) : 7,
				   .fixed_time = 1700000000 };
	struct tool t = { 0 };
	char line[512];
	int rc;

	if (argc < 2) {
		fprintf(stderr, "usage: engine IMAGE... < commands\n");
		return 2;
	}
	rc = dyn_session_open((const char *const *)(argv + 1), (size_t)argc - 1, &opt, &t.s, &t.err);
	if (rc) {
		fprintf(stderr, "%s\n", t.err.what);
		return 1;
	}
	while (!rc && fgets(line, sizeof(line), stdin))
		rc = run_line(&t, line);
	dyn_session_close(t.s);
	return rc ? 1 : 0;
}
