/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help.c - what the selected thing's status means and what people do about it, then all keys, from the action table. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/words.h"

static const char *const volume_help[DYN_VOLUME_STATUSES] = {
	[DYN_VOLUME_HEALTHY] = "Everything is as it should be. A mirror has both halves; a disk may fail and the data stays.",
	[DYN_VOLUME_AT_RISK] = "The volume works, but a disk under it reported read or write errors. Make a backup, then replace that "
			       "disk.",
	[DYN_VOLUME_FAILED_REDUNDANCY] = "One half is gone, the data is on the other half and can be used. If the remaining disk fails "
					 "too, the data is lost. Usual way: put in a new disk of at least the same size, press R so "
					 "that it is seen, then r: the lost half is removed, the missing disk deleted, the new disk "
					 "prepared, and the mirror rebuilt. If the old disk was only unplugged, reconnect it first.",
	[DYN_VOLUME_FAILED] = "A disk that this volume needs is missing or unreadable, and there is no second copy. Reconnect the disk "
			      "and press R. Do not initialize anything: that would remove the way back.",
	[DYN_VOLUME_REBUILDING] = "The volume is being copied to a second disk. Until that is done and verified it stays a healthy "
				  "simple volume. Pausing, cancelling or losing power is safe. Windows calls it Regenerating, "
				  "Resynching or Rebuild.",
	[DYN_VOLUME_STALE] = "A half of this mirror is out of date: it was away while the other one changed. Never make it the only "
			     "half. Remove it (Remove Mirror), then add the mirror again.",
	[DYN_VOLUME_UNKNOWN] = "The database has this volume, but its state cannot be told.",
};

static const char *const disk_help[DYN_DISK_STATUSES] = {
	[DYN_DISK_ONLINE] = "The disk is there and readable.",
	[DYN_DISK_ERRORS] = "The disk is readable, but a copy of its metadata is damaged or out of date. The good copies are used. "
			    "Properties (i) names the damaged ones.",
	[DYN_DISK_OFFLINE] = "The disk is there but cannot be read. Check cable and power, then press R.",
	[DYN_DISK_MISSING] = "The group's database knows this disk, but no disk here carries its identity. If it was only unplugged: "
			     "reconnect it, press R. If it is gone for good: repair the volumes that used it (r), then remove it "
			     "(Remove Disk).",
	[DYN_DISK_FOREIGN] = "The disk says it belongs to a group whose database does not know it (any more).",
	[DYN_DISK_UNREADABLE] = "The disk says it is dynamic, but none of the copies of its metadata can be used. Properties (i) says "
				"what was found.",
	[DYN_DISK_NOT_INITIALIZED] = "The disk has no partition table. It can become the new half of a mirror (r or Add Mirror); "
				     "that prepares it.",
};

static void help_target(const struct console *con, struct lines *l)
{
	struct target t = view_target(&con->view);
	char title[128], status[96];
	const char *text = NULL;

	if (t.kind == TARGET_VOLUME) {
		const struct dyn_volume *v = &con->m->volumes[t.volume];

		words_volume_title(v, title, sizeof(title));
		view_volume_status(&con->view, t.volume, status, sizeof(status));
		if ((size_t)v->status < DYN_VOLUME_STATUSES)
			text = volume_help[v->status];
	} else if (t.kind == TARGET_DISK) {
		const struct dyn_disk *d = &con->m->disks[t.disk];

		snprintf(title, sizeof(title), "%s", d->name);
		snprintf(status, sizeof(status), "%s", words_disk_status(WORDS_TUI, d->status));
		if ((size_t)d->status < DYN_DISK_STATUSES)
			text = disk_help[d->status];
	}
	if (text == NULL)
		return;
	lines_add(l, ROLE_DIALOG_STRONG, 0, "Selected: %s   %s", title, status);
	lines_add(l, ROLE_DIALOG, 0, "%s", text);
	lines_add(l, ROLE_DIALOG, 0, "%s", "");
}

void help_text(const struct console *con, struct lines *l)
{
	help_target(con, l);
	lines_add(l, ROLE_DIALOG_STRONG, 0, "Keys");
	lines_add(l, ROLE_DIALOG, 0, "%-20s Move; h j k and, when no rebuild is running, l too", "Arrows");
	lines_add(l, ROLE_DIALOG, 0, "%-20s Pages; also Ctrl-U, Ctrl-D, Space", "PgUp PgDn");
	lines_add(l, ROLE_DIALOG, 0, "%-20s First, last; also g, G", "Home End");
	for (int i = 0; i < ACTIONS; i++) {
		char keys[64] = "", name[16];

		for (int k = 0; k < ACTION_KEYS && actions[i].keys[k]; k++) {
			size_t len = strlen(keys);

			key_label(actions[i].keys[k], name, sizeof(name));
			snprintf(keys + len, sizeof(keys) - len, "%s%s", k ? ", " : "", name);
		}
		if (*keys)
			lines_add(l, ROLE_DIALOG, 0, "%-20s %s", keys, actions[i].label);
	}
	lines_add(l, ROLE_DIALOG, 0, "%-20s Back; with a digit after it, that function key (Esc 9 is F9)", "Esc");
}
