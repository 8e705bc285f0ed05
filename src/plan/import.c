/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import.c - a group that came from another machine (DiskPart "import").
 *
 * A group is complete in itself: its volumes can be read, mirrored and repaired here as they are. What "import" would
 * add is to merge it into another group, and that changes the identity of each of its disks (three headers, database
 * and log of each); no order of these writes leaves the old or the new group after every possible power cut. So it is
 * refused, with what can be done instead.
 */
#include <errno.h>

#include "plan/sim.h"

int dyn_plan_import(struct dyn_session *s, struct dyn_model *m, size_t foreign, size_t into, struct dyn_plan **out,
		    struct dyn_err *err)
{
	const struct dyn_group *f, *g;

	(void)s;
	*out = NULL;
	if (foreign >= m->n_groups || into >= m->n_groups)
		return dyn_fail(err, -EINVAL, "there is no such disk group");
	f = &m->groups[foreign];
	g = &m->groups[into];
	if (foreign == into)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "%s is the group itself", g->name);
	if (f->interrupted)
		return dyn_refuse(err, -EUCLEAN, "Finish or undo the interrupted change of it first.",
				  "a change to the group %s was cut off half-way", f->name);
	if (f->n_missing)
		return dyn_refuse(err, -ENODEV, "Connect its other disks, then rescan.",
				  "%zu of the %zu disks of the group %s are missing", f->n_missing, f->n_disks,
				  f->name);
	return dyn_refuse(
		err, -ENOTSUP,
		"Its volumes can be used and repaired here as they are; Windows imports the group when it next sees "
		"the disks.",
		"the groups %s and %s are not merged: a power cut on the way could leave disks that belong to neither",
		f->name, g->name);
}
