/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow.c - what the dialogs that lead to a plan share. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ui/tui/flow.h"
#include "ui/words.h"

#define MIB ((uint64_t)1 << 20)

static void refusal(const struct dyn_err *err, char *dst, size_t n)
{
	size_t len = strlen(err->what);
	const char *stop = len && strchr(".!?", err->what[len - 1]) ? "" : ".";

	snprintf(dst, n, "%s%s%s%s", err->what, stop, *err->way_out ? " " : "", err->way_out);
	if (*dst >= 'a' && *dst <= 'z')
		*dst = (char)toupper((unsigned char)*dst);
}

bool flow_possible(int rc, struct dyn_plan **p, const struct dyn_err *err, char *reason, size_t n)
{
	if (rc == 0) {
		dyn_plan_free(*p);
		return true;
	}
	refusal(err, reason, n);
	return false;
}

bool flow_need_volume(struct target t, const char *what, char *reason, size_t n)
{
	if (t.kind == TARGET_VOLUME)
		return true;
	snprintf(reason, n, "%s works on a volume; select one first.", what);
	return false;
}

bool flow_need_disk(struct target t, const char *what, char *reason, size_t n)
{
	if (t.kind == TARGET_DISK || t.kind == TARGET_SPACE)
		return true;
	snprintf(reason, n, "%s works on a disk; select one on the left of the picture first (Tab, Left).", what);
	return false;
}

bool flow_need_space(struct target t, const char *what, char *reason, size_t n)
{
	if (t.kind == TARGET_SPACE)
		return true;
	snprintf(reason, n, "%s works on unallocated space; select some in the picture first (Tab, Right).", what);
	return false;
}

bool flow_show(struct console *con, const char *title, int rc, struct dyn_plan *p, const struct dyn_err *err)
{
	if (rc == 0)
		plan_show(con, p, NULL, NULL);
	else
		error_show(con, title, err);
	return rc == 0;
}

/* ---------------------------------------------------------------- partition tables */

enum dyn_table flow_usual_table(const struct dyn_model *m)
{
	size_t n[3] = { 0 };

	for (size_t i = 0; i < m->n_disks; i++) {
		if (m->disks[i].dynamic && (size_t)m->disks[i].table < 3)
			n[m->disks[i].table]++;
	}
	return n[DYN_TABLE_GPT] > n[DYN_TABLE_MBR] ? DYN_TABLE_GPT : DYN_TABLE_MBR;
}

void flow_choose_table(struct console *con, size_t disk, menu_pick pick)
{
	struct menu *m = menu_new("Partition style");
	enum dyn_table usual = flow_usual_table(con->m);
	char text[256], title[160];

	words_disk_title(&con->m->disks[disk], title, sizeof(title));
	snprintf(text, sizeof(text), "Which partition table shall it get?\n%s", title);
	menu_text(m, text);
	for (int i = 0; i < 2; i++) {
		enum dyn_table t = (i == 0) == (usual == DYN_TABLE_MBR) ? DYN_TABLE_MBR : DYN_TABLE_GPT;

		menu_add(m, (int)t, false, 0, t == DYN_TABLE_MBR ? "MBR (Master Boot Record)" : "GPT (GUID Partition Table)",
			 i == 0 ? "suggested" : "",
			 t == DYN_TABLE_MBR ? "MBR: for machines that start with a BIOS; up to 2 TB."
					    : "GPT: for machines that start with UEFI, and for disks larger than 2 TB.");
	}
	menu_show(con, m, pick, NULL);
}

/* ---------------------------------------------------------------- choosing disks */

size_t flow_add_disks(struct console *con, struct menu *m, flow_can_disk can, const char *hint, size_t *only)
{
	size_t n_can = 0;

	for (size_t i = 0; i < con->m->n_disks; i++) {
		const struct dyn_disk *d = &con->m->disks[i];
		char title[160], reason[512] = "", state[64];
		bool ok;

		if (d->status == DYN_DISK_MISSING)
			continue;
		ok = can(con, i, reason, sizeof(reason));
		words_disk_title(d, title, sizeof(title));
		snprintf(state, sizeof(state), "%s", d->blank ? "blank" : words_disk_status(WORDS_TUI, d->status));
		if (ok)
			snprintf(reason, sizeof(reason), "%s%s", hint, d->blank ? " Nothing is on it." : "");
		menu_add(m, (int)i, !ok, 0, title, state, reason);
		if (ok) {
			n_can++;
			*only = i;
		}
	}
	return n_can;
}

bool flow_any_disk(struct console *con, size_t but, flow_can_disk can, char *reason, size_t n)
{
	bool there = false;

	for (size_t i = 0; i < con->m->n_disks; i++) {
		if (i == but || con->m->disks[i].status == DYN_DISK_MISSING)
			continue;
		there = true;
		if (can(con, i, reason, n))
			return true;
	}
	if (!there && *reason == '\0')
		snprintf(reason, n, "There is no second disk.");
	return false;
}

/* ---------------------------------------------------------------- sizes */

void flow_ask_size(struct console *con, const char *title, const char *text, uint64_t most, uint64_t suggested, input_done done)
{
	struct lines l = { 0 };
	char size[24], initial[32];

	con->flow.most = most;
	dyn_text_size(size, sizeof(size), most);
	lines_add(&l, ROLE_DIALOG, 0, "%s", text);
	lines_add(&l, ROLE_DIALOG, 0, "%s", "");
	lines_add(&l, ROLE_DIALOG_STRONG, 0, "Size in MB, at most %llu (%s):", (unsigned long long)(most / MIB), size);
	snprintf(initial, sizeof(initial), "%llu", (unsigned long long)((suggested && suggested < most ? suggested : most) / MIB));
	input_show_lines(con, title, &l, initial, done);
}

bool flow_size(struct console *con, const char *title, const char *text, uint64_t *bytes)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "", 20 }, { "MB", 20 }, { "GB", 30 }, { "TB", 40 } };
	unsigned long long n;
	unsigned shift = 0;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (end == text || errno || strchr(text, '-') || n == 0)
		end = NULL;
	while (end && *end == ' ')
		end++;
	for (size_t i = 0; end && i < sizeof(units) / sizeof(units[0]); i++)
		shift = strcasecmp(end, units[i].name) == 0 ? units[i].shift : shift;
	if (shift == 0) {
		message_show(con, title, "\"%.40s\" is not a size. Type a number of MB, or one with GB or TB behind it.", text);
		return false;
	}
	if (n > con->flow.most >> shift) {
		char most[24];

		dyn_text_size(most, sizeof(most), con->flow.most);
		message_show(con, title, "There is no room for %.40s: it has %s.", text, most);
		return false;
	}
	*bytes = n << shift;
	if (*bytes / MIB == con->flow.most / MIB)
		*bytes = 0; /* what was offered, odd sectors included */
	return true;
}

/* ---------------------------------------------------------------- what came into being */

/* A volume by its identity, or by its place where it has none (FNV-1a). */
static uint64_t volume_key(const struct dyn_volume *v)
{
	char text[96];
	uint64_t h = 14695981039346656037u;
	const struct dyn_extent *e = v->n_plexes && v->plexes[0].n_extents ? &v->plexes[0].extents[0] : NULL;

	snprintf(text, sizeof(text), "%s %zu %llu", v->guid, *v->guid || !e ? 0 : e->disk,
		 (unsigned long long)(*v->guid || !e ? 0 : e->offset));
	for (const char *c = text; *c; c++)
		h = (h ^ (unsigned char)*c) * 1099511628211u;
	return h;
}

#define KNOWN (sizeof(((struct flow *)NULL)->known) / sizeof(uint64_t))

void flow_know_volumes(struct console *con)
{
	con->flow.n_known = 0;
	for (size_t i = 0; i < con->m->n_volumes && i < KNOWN; i++)
		con->flow.known[con->flow.n_known++] = volume_key(&con->m->volumes[i]);
}

size_t flow_new_volume(const struct console *con)
{
	if (con->flow.n_known == KNOWN) /* there may have been more of them */
		return DYN_NONE;
	for (size_t i = 0; i < con->m->n_volumes; i++) {
		bool known = false;

		for (size_t k = 0; k < con->flow.n_known; k++)
			known |= con->flow.known[k] == volume_key(&con->m->volumes[i]);
		if (!known)
			return i;
	}
	return DYN_NONE;
}
