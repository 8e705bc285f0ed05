/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.c - what needs attention, and how bad it is. */
#include <string.h>

#include "ui/report/findings.h"
#include "ui/words.h"

unsigned findings_percent(uint64_t done, uint64_t total)
{
	if (total == 0)
		return 0;
	if (done >= total)
		return 100;
	return (unsigned)((long double)done * 100 / (long double)total);
}

void findings_volume_status(const struct dyn_model *m, const struct dyn_volume *v, char *dst, size_t n)
{
	const char *word = words_volume_status(WORDS_TUI, v->status);
	const struct dyn_job *job = v->job < m->n_jobs ? &m->jobs[v->job] : NULL;

	if (v->status != DYN_VOLUME_REBUILDING || !job)
		snprintf(dst, n, "%s", word);
	else if (job->state == DYN_JOB_UNDECIDED)
		snprintf(dst, n, "%s (waits for a decision)", word);
	else
		snprintf(dst, n, "%s (%s%u%%)", word, job->state == DYN_JOB_PAUSED ? "paused at " : "",
			 findings_percent(job->done, job->total));
}

/* "the half on Disk M0 is missing" for the first plex that is not there or out of date; "" if there is none. */
static void broken_half(const struct dyn_model *m, const struct dyn_volume *v, char *dst, size_t n)
{
	dst[0] = '\0';
	if (v->layout != DYN_LAYOUT_MIRROR)
		return;
	for (size_t i = 0; i < v->n_plexes; i++) {
		const struct dyn_plex *p = &v->plexes[i];

		if (p->status != DYN_PLEX_MISSING && p->status != DYN_PLEX_STALE)
			continue;
		for (size_t k = 0; k < p->n_extents; k++) {
			size_t disk = p->extents[k].disk;

			/* of a half in several pieces, the piece that is gone names it */
			if (disk >= m->n_disks || (p->status == DYN_PLEX_MISSING && m->disks[disk].status != DYN_DISK_MISSING))
				continue;
			snprintf(dst, n, ": the half on %s is %s", m->disks[disk].name,
				 p->status == DYN_PLEX_MISSING ? "missing" : "out of date");
			return;
		}
	}
}

/* What one half does not hold, or what a rebuild cannot read. */
static void unread(const struct dyn_model *m, const struct dyn_volume *v, char *dst, size_t n)
{
	const struct dyn_job *job = v->job < m->n_jobs ? &m->jobs[v->job] : NULL;

	dst[0] = '\0';
	if (v->n_unread)
		snprintf(dst, n, ": one half holds zeros where the other could not be read, first at byte %llu of the volume",
			 (unsigned long long)v->unread[0].offset);
	else if (job && job->state == DYN_JOB_UNDECIDED)
		snprintf(dst, n, ": %llu sector%s of the source could not be read", (unsigned long long)job->errors,
			 job->errors == 1 ? "" : "s");
}

static void walk_volume(const struct dyn_model *m, const struct dyn_volume *v, findings_fn fn, void *arg)
{
	char title[160], status[64], half[64], missing[160], line[480];

	if (v->status == DYN_VOLUME_HEALTHY)
		return;
	words_volume_title(v, title, sizeof(title));
	findings_volume_status(m, v, status, sizeof(status));
	broken_half(m, v, half, sizeof(half));
	unread(m, v, missing, sizeof(missing));
	snprintf(line, sizeof(line), "%s is %s%s%s", title, status, half, missing);
	fn(arg, v->status == DYN_VOLUME_FAILED ? REPORT_FAILED : REPORT_DEGRADED, line);
}

static void walk_disk(const struct dyn_disk *d, findings_fn fn, void *arg)
{
	char line[640];
	bool offline = d->status == DYN_DISK_OFFLINE;

	if (d->status != DYN_DISK_ONLINE && d->status != DYN_DISK_NOT_INITIALIZED) {
		dyn_text_format(line, sizeof(line), "%s%s%s%s is %s", d->name, *d->path ? " (" : "", d->path, *d->path ? ")" : "",
			 words_disk_status(WORDS_TUI, d->status));
		fn(arg, offline ? REPORT_ERROR : REPORT_DEGRADED, line);
	}
	for (size_t i = 0; i < d->n_damage; i++) {
		dyn_text_format(line, sizeof(line), "%s: %s", d->name, d->damage[i]);
		fn(arg, offline ? REPORT_ERROR : REPORT_DEGRADED, line);
	}
}

void findings_walk(const struct dyn_model *m, findings_fn fn, void *arg)
{
	char line[640];

	for (size_t i = 0; i < m->n_volumes; i++)
		walk_volume(m, &m->volumes[i], fn, arg);
	for (size_t i = 0; i < m->n_disks; i++)
		walk_disk(&m->disks[i], fn, arg);
	for (size_t i = 0; i < m->n_groups; i++) {
		const struct dyn_group *g = &m->groups[i];

		if (!*g->problem && !g->interrupted)
			continue;
		snprintf(line, sizeof(line), "Disk group %s: %s", g->name,
			 *g->problem ? g->problem : "a change to it was cut off");
		fn(arg, REPORT_DEGRADED, line);
	}
	if (m->n_disks == 0)
		fn(arg, REPORT_ERROR, "No disks were found");
}
