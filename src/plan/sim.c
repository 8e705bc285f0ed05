/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/sim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { SECTOR = 512 };

static int copy_disk(struct sim_disk *d, const struct dyn_disk *pub, const struct model_disk *priv)
{
	d->group = pub->group;
	d->record_id = priv->record_id;
	d->table = &priv->table;
	d->ph = priv->ph;
	d->pairs_used = priv->rebuild_pairs_used;
	d->dynamic = priv->has_ldm;
	d->member = priv->has_ldm && priv->current && priv->join == MODEL_JOIN_NONE &&
		    pub->status != DYN_DISK_FOREIGN;
	snprintf(d->ldm_guid, sizeof(d->ldm_guid), "%s", pub->dynamic ? pub->guid : "");
	return priv->map ? sectmap_clone(priv->map, &d->map) : 0;
}

int sim_begin(struct sim *sim, struct dyn_session *s, struct dyn_model *m, struct dyn_err *err, const char *title_fmt,
	      ...)
{
	char title[128];
	va_list ap;
	int rc;

	va_start(ap, title_fmt);
	dyn_text_vformat(title, sizeof(title), title_fmt, ap);
	va_end(ap);
	memset(sim, 0, sizeof(*sim));
	rc = plan_new(m, &sim->p, err, "%s", title);
	if (rc)
		return rc;
	sim->s = s;
	sim->m = m;
	sim->err = err;
	sim->n_disks = m->n_disks;
	sim->n_groups = m->n_groups;
	sim->reactivating = DYN_NONE;
	sim->disks = calloc(m->n_disks + 1, sizeof(*sim->disks));
	sim->groups = calloc(m->n_groups + 1, sizeof(*sim->groups));
	rc = sim->disks && sim->groups ? 0 : -ENOMEM;
	for (size_t i = 0; !rc && i < m->n_disks; i++)
		rc = copy_disk(&sim->disks[i], &m->disks[i], &m->priv->disks[i]);
	for (size_t i = 0; !rc && i < m->n_groups; i++)
		if (m->priv->groups[i].db)
			rc = ldm_db_clone(m->priv->groups[i].db, &sim->groups[i].db);
	if (rc) {
		sim_finish(sim, rc, NULL);
		return dyn_fail_nomem(err);
	}
	return 0;
}

static bool starts_with(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

/* Does the DiskPart line act on the disk that has the focus? */
static bool needs_disk_focus(const char *lines)
{
	static const char *const verbs[] = { "convert ", "clean", "create partition ", "select partition ", "uniqueid " };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (starts_with(lines, verbs[i]))
			return true;
	return false;
}

/* The steps' DiskPart lines one after the other are to be a script that runs as it stands. */
static int add_disk_focus(struct dyn_plan *p)
{
	size_t focus = DYN_NONE;

	for (size_t i = 0; i < p->n_steps; i++) {
		struct dyn_step *st = &p->steps[i].pub;
		if (needs_disk_focus(st->diskpart) && st->disk != DYN_NONE && st->disk != focus) {
			focus = st->disk;
			st->diskpart = plan_printf(p, "select disk %u\n%s", p->model->disks[focus].number, st->diskpart);
			if (!st->diskpart)
				return -ENOMEM;
		} else if (starts_with(st->diskpart, "select disk ") || starts_with(st->diskpart, "select volume ")) {
			focus = DYN_NONE; /* moved by the step itself */
		}
	}
	return 0;
}

int sim_finish(struct sim *sim, int rc, struct dyn_plan **out)
{
	if (rc == 0)
		rc = add_disk_focus(sim->p);
	if (rc == -ENOMEM && sim->err && sim->err->code != rc)
		dyn_fail_nomem(sim->err);
	for (size_t i = 0; sim->disks && i < sim->n_disks; i++) {
		sectmap_free(sim->disks[i].map);
		table_clear(&sim->disks[i].own_table);
	}
	for (size_t i = 0; sim->groups && i < sim->n_groups; i++)
		ldm_db_free(sim->groups[i].db);
	free(sim->disks);
	free(sim->groups);
	if (rc == 0)
		*out = sim->p;
	else
		dyn_plan_free(sim->p);
	return rc;
}

/* ------------------------------------------------------------ shared refusals */

int sim_need_disk(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d;
	char title[192];

	if (disk >= sim->m->n_disks)
		return dyn_fail(err, -EINVAL, "there is no such disk");
	d = &sim->m->disks[disk];
	model_disk_title(d, title, sizeof(title));
	if (d->status == DYN_DISK_MISSING)
		return dyn_refuse(err, -ENODEV, "Choose a disk that is present.", "%s is missing", d->name);
	if (d->taken_offline)
		return dyn_refuse(err, -ENODEV, "Bring it on line first (ONLINE DISK).", "%s was taken off line", title);
	if (d->status == DYN_DISK_OFFLINE)
		return dyn_refuse(err, -EIO, "Check its cable and power, then rescan.", "%s cannot be read", title);
	if (d->sector_size != SECTOR)
		return dyn_refuse(err, -ENOTSUP, "Use a disk with 512-byte logical sectors.",
				  "%s has %u-byte sectors (4Kn): dynadisk shows such disks but does not write to them",
				  title, d->sector_size);
	if (d->denied)
		return dyn_refuse(err, -EACCES, "Run dynadisk as root, or as a member of the group that may write disks.",
				  "you have no right to write to %s", title);
	if (d->read_only)
		return dyn_refuse(err, -EROFS, "Remove its write protection, then rescan.", "%s is read-only", title);
	if (d->in_use[0])
		return dyn_refuse(err, -EBUSY, "Stop what uses it, then rescan (F5).", "%s is in use: %s", title,
				  d->in_use);
	return 0;
}

int sim_need_known_disk(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d;
	int rc = sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	d = &sim->m->disks[disk];
	if (d->status == DYN_DISK_UNREADABLE)
		return dyn_refuse(err, -EBADMSG, "Rescan, or repair it. If nothing on it is needed, clean it (DiskPart: clean).",
				  "what %s holds is not known: %s", d->name,
				  d->n_damage ? d->damage[0] : "its metadata cannot be used");
	return 0;
}

size_t sim_plex_on(const struct dyn_volume *v, size_t disk)
{
	for (size_t i = 0; i < v->n_plexes; i++)
		for (size_t k = 0; k < v->plexes[i].n_extents; k++)
			if (v->plexes[i].extents[k].disk == disk)
				return i;
	return DYN_NONE;
}

int sim_need_awake(const struct sim *sim, size_t volume, struct dyn_err *err)
{
	char title[96];

	if (!sim->m->volumes[volume].hibernated)
		return 0;
	model_volume_title(&sim->m->volumes[volume], title, sizeof(title));
	return dyn_refuse(err, -EBUSY,
			  "Start that Windows and shut it down with \"shutdown /s /t 0\" (fast startup hibernates, too). If it will "
			  "never be resumed, ntfs-3g's option remove_hiberfile takes the file away.",
			  "%s is in use: a Windows in hibernation (hiberfil.sys)", title);
}

int sim_need_awake_disk(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	int rc = 0;

	for (size_t v = 0; !rc && v < sim->m->n_volumes; v++)
		if (sim_plex_on(&sim->m->volumes[v], disk) != DYN_NONE)
			rc = sim_need_awake(sim, v, err);
	return rc;
}

int sim_need_volume(const struct sim *sim, size_t volume, struct dyn_err *err)
{
	return volume < sim->m->n_volumes ? 0 : dyn_fail(err, -EINVAL, "there is no such volume");
}

int sim_need_group(struct sim *sim, size_t group, struct dyn_err *err)
{
	const struct dyn_group *g;
	int rc = 0;

	if (group >= sim->m->n_groups)
		return dyn_fail(err, -EINVAL, "there is no such disk group");
	g = &sim->m->groups[group];
	if (g->problem[0] || !sim->groups[group].db)
		return dyn_refuse(err, -EUCLEAN,
				  g->interrupted ? "Finish or undo the interrupted change first (Action menu)." :
						   "Its disks are shown, but nothing is written to them.",
				  "The disk group %s must not be changed: %s", g->name, g->problem);
	for (size_t i = 0; !rc && i < sim->m->n_disks; i++) {
		const struct dyn_disk *d = &sim->m->disks[i];
		if (d->group != group || d->status == DYN_DISK_MISSING)
			continue;
		if (sim->disks[i].member)
			rc = sim_need_disk(sim, i, err);
		else if (i != sim->reactivating &&
			 plan_note(sim->p, "%s is left out: its copy of the group's database is out of date or damaged.",
				   d->name))
			rc = dyn_fail_nomem(err);
	}
	if (!rc && g->n_missing * 2 > g->n_disks &&
	    plan_note(sim->p, "Only %zu of the group's %zu disks are here. Windows wants more than half of them to start it.",
		      g->n_disks - g->n_missing, g->n_disks))
		rc = dyn_fail_nomem(err);
	return rc;
}

/* -------------------------------------------------------------------- writing */

int sim_write(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, uint64_t sector, uint32_t n,
	      const char *what, const void *after, bool unknown)
{
	struct sectmap *map = sim->disks[disk].map;
	uint8_t *before = malloc((size_t)n * SECTOR);
	bool known = !unknown && sectmap_has(map, sector, n);
	int rc = before ? sectmap_get(map, sector, n, before) : -ENOMEM;

	if (!rc && !(known && memcmp(before, after, (size_t)n * SECTOR) == 0))
		rc = plan_write(sim->p, st, phase, disk, sector, n, what, known ? before : NULL, after);
	if (!rc)
		rc = sectmap_put(map, sector, n, after);
	free(before);
	return rc;
}

int sim_commit(struct sim *sim, size_t group, struct ldm_txn *t, struct plan_step *st, unsigned *phase,
	       struct dyn_err *err)
{
	struct ldm_commit c = { 0 };
	struct ldm_db *db = NULL;
	int rc = ldm_txn_commit(t, session_filetime(sim->s), &c, err);

	ldm_txn_free(t);
	if (rc)
		return rc;
	/* the image as it develops, so that each write knows what it replaces */
	if (ldm_db_clone(sim->groups[group].db, &db)) {
		ldm_commit_free(&c);
		return dyn_fail_nomem(err);
	}
	for (unsigned k = 0; !rc && k < LDM_PHASES; k++) {
		for (size_t i = 0; !rc && i < c.phases[k].n; i++) {
			const struct ldm_change *ch = &c.phases[k].changes[i];
			uint8_t *at = ch->rel < LDM_LOG_START ? db->config + (size_t)(ch->rel - LDM_CONFIG_START) * SECTOR :
								db->log + (size_t)(ch->rel - LDM_LOG_START) * SECTOR;
			for (size_t d = 0; !rc && d < sim->n_disks; d++)
				if (sim->disks[d].group == group && sim->disks[d].member)
					rc = plan_write(sim->p, st, *phase, d, sim->disks[d].ph.private_start + ch->rel, 1,
							c.phases[k].what, at, ch->bytes);
			memcpy(at, ch->bytes, SECTOR);
		}
		(*phase)++;
	}
	ldm_db_free(db);
	if (rc)
		rc = dyn_fail_nomem(err);
	if (!rc) {
		sim->p->commits |= group < sim->m->n_groups;
		ldm_db_free(sim->groups[group].db);
		sim->groups[group].db = c.after;
		c.after = NULL;
	}
	ldm_commit_free(&c);
	return rc;
}

int sim_build_table(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, const struct table *want,
		    struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	struct table_sectors runs = { 0 };
	int rc = table_build(d->map, want, &runs, err);

	for (size_t i = 0; !rc && i < runs.n; i++) {
		const struct sectmap_run *r = &runs.runs[i];
		if (sim_write(sim, st, (*phase)++, disk, r->sector, r->n_sectors, "partition table", r->bytes, false))
			rc = dyn_fail_nomem(err);
	}
	table_sectors_clear(&runs);
	if (!rc) {
		table_clear(&d->own_table);
		memset(&d->own_table, 0, sizeof(d->own_table));
		rc = table_read(d->map, &d->own_table, err);
		d->table = &d->own_table;
	}
	return rc;
}

/* ------------------------------------------------------------------------ room */

static bool is_container(const struct table *t, const struct table_part *p)
{
	return t->kind == DYN_TABLE_MBR ? p->mbr_type == LDM_MBR_TYPE : strcmp(p->gpt_type, LDM_GPT_DATA) == 0;
}

/* The lowest start >= from of something that occupies [start, end) on the disk and ends after `from`. */
static bool next_taken(const struct sim *sim, size_t disk, uint64_t from, uint64_t *start, uint64_t *end)
{
	const struct sim_disk *d = &sim->disks[disk];
	const struct model_disk *md = &sim->m->priv->disks[disk];
	const struct ldm_record *r = NULL;
	bool found = false;

#define CONSIDER(s, n)                                                      \
	do {                                                                \
		uint64_t s_ = (s), e_ = s_ + (n);                           \
		if (e_ > from && (!found || s_ < *start)) {                 \
			*start = s_;                                        \
			*end = e_;                                          \
			found = true;                                       \
		}                                                           \
	} while (0)
	while ((r = ldm_db_next(sim->groups[d->group].db, LDM_EXTENT, r)))
		if (r->u.extent.disk_id == d->record_id)
			CONSIDER(d->ph.public_start + r->u.extent.start, r->u.extent.size);
	for (size_t i = 0; i < md->n_rebuilds; i++) {
		const struct ldm_rebuild *rb = &md->rebuilds[i].r;
		if (!sim->finishing || strcmp(sim->finishing->volume_guid, rb->volume_guid) != 0)
			CONSIDER(rb->target_start, rb->size);
	}
#undef CONSIDER
	return found;
}

/* Windows 2008 and later: 64 KiB, 1 MiB from 4 GiB on (ldm-format 1.3). */
static uint64_t extent_alignment(const struct sim_disk *d)
{
	return d->map->total_sectors >= (4ull << 30) / SECTOR ? 2048 : 128;
}

static bool fits(uint64_t from, uint64_t to, uint64_t size)
{
	return to > from && to - from >= size;
}

/* Walks the free runs of one container; returns true when `at` was found. */
static bool room_in(const struct sim *sim, size_t disk, const struct table_part *p, uint64_t size, uint64_t align,
		    uint64_t *at, uint64_t *largest)
{
	uint64_t from = p->start, end = p->start + p->size;

	while (from < end) {
		uint64_t start = end, stop = end;
		if (!next_taken(sim, disk, from, &start, &stop) || start > end)
			start = stop = end;
		uint64_t aligned = (from + align - 1) / align * align;
		if (fits(aligned, start, size)) {
			*at = aligned;
			return true;
		}
		if (start > from && start - from > *largest)
			*largest = start - from;
		from = stop > from ? stop : end;
	}
	return false;
}

bool sim_is_free(const struct sim *sim, size_t disk, uint64_t start, uint64_t size)
{
	const struct table *t = sim->disks[disk].table;
	uint64_t s, e;
	bool inside = false;

	for (size_t i = 0; i < t->n; i++)
		inside |= is_container(t, &t->parts[i]) && t->parts[i].start <= start &&
			  start + size <= t->parts[i].start + t->parts[i].size;
	return inside && !(next_taken(sim, disk, start, &s, &e) && s < start + size);
}

int sim_find_room(const struct sim *sim, size_t disk, uint64_t size, uint64_t wish, uint64_t *sector, uint64_t *largest)
{
	const struct sim_disk *d = &sim->disks[disk];
	uint64_t most = 0, align[] = { extent_alignment(d), 1 };

	if (wish && sim_is_free(sim, disk, wish, size)) {
		*sector = wish;
		return 0;
	}
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < d->table->n; i++)
			if (is_container(d->table, &d->table->parts[i]) &&
			    room_in(sim, disk, &d->table->parts[i], size, align[k], sector, &most))
				return 0;
	if (largest)
		*largest = most;
	return -ENOSPC;
}

size_t sim_disk_by_record(const struct sim *sim, size_t group, uint64_t record_id)
{
	for (size_t i = 0; i < sim->n_disks; i++)
		if (sim->disks[i].group == group && sim->disks[i].record_id == record_id && record_id)
			return i;
	return DYN_NONE;
}
