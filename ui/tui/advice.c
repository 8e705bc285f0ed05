/* SPDX-License-Identifier: GPL-3.0-or-later */
/* advice.c - what is wrong, in one sentence, and what to press. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/advice.h"
#include "ui/words.h"

static bool has_missing_half(const struct dyn_volume *v)
{
	if (v->layout != DYN_LAYOUT_MIRROR || v->status != DYN_VOLUME_FAILED_REDUNDANCY)
		return false;
	for (size_t p = 0; p < v->n_plexes; p++) {
		if (v->plexes[p].status == DYN_PLEX_MISSING || v->plexes[p].status == DYN_PLEX_STALE)
			return true;
	}
	return false;
}

size_t repairs(const struct view *v, struct repair *out, size_t max)
{
	const struct dyn_model *m = v->m;
	size_t n = 0;

	for (size_t i = 0; i < m->n_groups && n < max; i++) {
		if (m->groups[i].interrupted)
			out[n++] = (struct repair){ REPAIR_RECOVER, i };
	}
	if (v->volume < m->n_volumes && has_missing_half(&m->volumes[v->volume]) && n < max)
		out[n++] = (struct repair){ REPAIR_MIRROR, v->volume };
	for (size_t i = 0; i < m->n_volumes && n < max; i++) {
		if (i != v->volume && has_missing_half(&m->volumes[i]))
			out[n++] = (struct repair){ REPAIR_MIRROR, i };
	}
	for (size_t i = 0; i < v->n_jobs && n < max; i++) {
		if (v->jobs[i].found != DYN_NONE && !v->jobs[i].job.elsewhere)
			out[n++] = (struct repair){ REPAIR_RESUME, v->jobs[i].found };
	}
	return n;
}

/* The first volume in this state, or NULL; *more: how many others are. */
static const struct dyn_volume *first_in_state(const struct dyn_model *m, enum dyn_volume_status s, size_t *more)
{
	const struct dyn_volume *found = NULL;

	*more = 0;
	for (size_t i = 0; i < m->n_volumes; i++) {
		if (m->volumes[i].status != s)
			continue;
		if (found == NULL)
			found = &m->volumes[i];
		else
			(*more)++;
	}
	return found;
}

static void and_more(char *dst, size_t n, size_t more)
{
	if (more)
		snprintf(dst, n, " and %zu more", more);
	else
		dst[0] = '\0';
}

static bool advise_volume(const struct view *v, char *dst, size_t n, enum role *role)
{
	char title[96], others[32];
	size_t more;
	struct repair r;
	const struct dyn_volume *vol;

	if ((vol = first_in_state(v->m, DYN_VOLUME_FAILED_REDUNDANCY, &more))) {
		words_volume_short(vol, title, sizeof(title));
		and_more(others, sizeof(others), more);
		*role = ROLE_WARN;
		if (repairs(v, &r, 1) && r.kind == REPAIR_MIRROR)
			snprintf(dst, n, "%s%s lost the second half; the data is still there. r repairs it.", title, others);
		else
			snprintf(dst, n, "%s%s lost the protection against a disk failure; the data is still there.", title, others);
		return true;
	}
	if ((vol = first_in_state(v->m, DYN_VOLUME_STALE, &more))) {
		words_volume_short(vol, title, sizeof(title));
		and_more(others, sizeof(others), more);
		*role = ROLE_WARN;
		snprintf(dst, n, "%s%s has a half that is out of date. Enter shows what can be done, ? explains.", title, others);
		return true;
	}
	return false;
}

static bool advise_job(const struct view *v, char *dst, size_t n, enum role *role)
{
	for (size_t i = 0; i < v->n_jobs; i++) {
		const struct view_job *j = &v->jobs[i];
		bool resumes = j->found != DYN_NONE && !j->job.elsewhere;

		if (j->job.state == DYN_JOB_UNDECIDED) {
			*role = ROLE_WARN;
			snprintf(dst, n, "%llu sectors of %s cannot be read. p: try again, finish with zeros there, or cancel.",
				 (unsigned long long)j->job.errors, j->job.volume_title);
			return true;
		}
		if (!resumes && j->job.state != DYN_JOB_PAUSED)
			continue;
		*role = ROLE_WARN;
		snprintf(dst, n, "The rebuild of %s is paused at %u%%. p %s it.", j->job.volume_title, view_job_percent(&j->job),
			 resumes ? "resumes" : "continues");
		return true;
	}
	if (v->n_jobs) {
		*role = ROLE_NORMAL;
		snprintf(dst, n, "%s is being mirrored; until that is done it stays a simple volume.", v->jobs[0].job.volume_title);
		return true;
	}
	return false;
}

static bool advise_disk(const struct view *v, char *dst, size_t n, enum role *role)
{
	const struct dyn_model *m = v->m;

	for (size_t i = 0; i < m->n_disks; i++) {
		const struct dyn_disk *d = &m->disks[i];

		*role = ROLE_WARN;
		if (d->status == DYN_DISK_MISSING && d->n_regions == 0) {
			snprintf(dst, n, "%s is missing and nothing is on it any more. Enter on it offers to remove it.", d->name);
			return true;
		}
		if (d->status == DYN_DISK_MISSING) {
			snprintf(dst, n, "%s is missing. Reconnect it and press R, or see what it held.", d->name);
			return true;
		}
		if (d->taken_offline) {
			snprintf(dst, n, "%s was taken off line. Enter on it offers to bring it back.", d->name);
			return true;
		}
		if (d->status == DYN_DISK_UNREADABLE || d->status == DYN_DISK_OFFLINE || d->status == DYN_DISK_ERRORS) {
			snprintf(dst, n, "%s: %s. %s", d->name, d->n_damage ? d->damage[0] : words_disk_status(WORDS_TUI, d->status),
				 d->status == DYN_DISK_ERRORS ? "Enter on it offers a repair." : "i shows the details.");
			return true;
		}
	}
	return false;
}

enum role advice(const struct view *v, char *dst, size_t n)
{
	const struct dyn_model *m = v->m;
	enum role role = ROLE_GOOD;
	const struct dyn_volume *vol;
	char title[96], others[32];
	size_t more;

	for (size_t i = 0; i < m->n_groups; i++) {
		if (m->groups[i].interrupted) {
			snprintf(dst, n, m->groups[i].import_cut ? "An import into group %s was cut off half-way. r finishes it." :
				 "A change to group %s was cut off half-way. r finishes it or takes it back.", m->groups[i].name);
			return ROLE_BAD;
		}
	}
	if (advise_volume(v, dst, n, &role) || advise_job(v, dst, n, &role))
		return role;
	if ((vol = first_in_state(m, DYN_VOLUME_FAILED, &more))) {
		words_volume_short(vol, title, sizeof(title));
		and_more(others, sizeof(others), more);
		snprintf(dst, n, "%s%s cannot be read: a disk it needs is gone. Reconnect it and press R.", title, others);
		return ROLE_BAD;
	}
	for (size_t i = 0; i < m->n_groups; i++) {
		if (*m->groups[i].problem) {
			snprintf(dst, n, "Group %s must not be changed: %s", m->groups[i].name, m->groups[i].problem);
			return ROLE_WARN;
		}
	}
	if (advise_disk(v, dst, n, &role))
		return role;
	if ((vol = first_in_state(m, DYN_VOLUME_AT_RISK, &more))) {
		words_volume_short(vol, title, sizeof(title));
		if (vol->n_unread)
			snprintf(dst, n, "%s: one half holds zeros where the other could not be read. i lists the places.", title);
		else
			snprintf(dst, n, "%s lies on a disk that reports errors. Make a backup now.", title);
		return ROLE_WARN;
	}
	if (m->n_disks == 0)
		snprintf(dst, n, "No disks were found. R looks again; reading them needs root.");
	else if (m->n_volumes == 0)
		snprintf(dst, n, "There are no volumes on these disks.");
	else
		snprintf(dst, n, "All volumes are healthy.");
	return m->n_volumes ? ROLE_GOOD : ROLE_NORMAL;
}
