/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "ldm/ondisk.h"

static struct disk_log_page *page_at(uint8_t *log, uint32_t i)
{
	return (struct disk_log_page *)(log + (size_t)i * LDM_SECTOR);
}

static const struct disk_log_page *page_at_const(const uint8_t *log, uint32_t i)
{
	return (const struct disk_log_page *)(log + (size_t)i * LDM_SECTOR);
}

/* Pages in use, 0 when the log is not one. */
static uint32_t n_pages(const uint8_t *log)
{
	const struct disk_log_page *first = page_at_const(log, 0);
	uint32_t n = be32_get(first->pages);

	if (n < 1 || n > LDM_LOG_SECTORS)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct disk_log_page *p = page_at_const(log, i);
		if (memcmp(p->magic, "KLOG", sizeof(p->magic)) != 0 || be32_get(p->pages) != n ||
		    be32_get(p->index) != i)
			return 0;
	}
	return n;
}

static int n_live(const struct disk_log_page *p)
{
	int n = 0;

	while (n < LOG_ENTRIES && p->entries[n].status)
		n++;
	return n;
}

int ldm_log_check(const uint8_t *log, struct dyn_err *err)
{
	uint32_t n = n_pages(log);

	if (!n)
		return dyn_fail(err, -EBADMSG, "the database's kernel log (KLOG) is damaged");
	for (uint32_t i = 0; i < n; i++) {
		const struct disk_log_page *p = page_at_const(log, i);
		for (int k = 0; k < n_live(p); k++)
			if (p->entries[k].status > LDM_LOG_APP_DIRTY)
				return dyn_fail(err, -EBADMSG,
						"the database's kernel log (KLOG) has an unknown entry, %u",
						p->entries[k].status);
	}
	return 0;
}

void ldm_log_new(uint8_t *log)
{
	memset(log, 0, LOG_BYTES);
	for (uint32_t i = 0; i < 2; i++) {
		struct disk_log_page *p = page_at(log, i);
		memcpy(p->magic, "KLOG", sizeof(p->magic));
		p->sequence = be32_of(i == 0 ? 1 : 0);
		p->pages = be32_of(2);
		p->index = be32_of(i);
	}
}

int ldm_log_commit(uint8_t *log, uint64_t from, uint64_t to, struct dyn_err *err)
{
	struct disk_log_entry *commit = NULL, *free_entry = NULL, *e;
	uint32_t n = n_pages(log);

	for (uint32_t i = 0; i < n; i++) {
		struct disk_log_page *p = page_at(log, i);
		int live = n_live(p);
		for (int k = 0; k < live; k++)
			if (p->entries[k].status == LDM_LOG_COMMIT)
				commit = &p->entries[k];
		if (live < LOG_ENTRIES && !free_entry)
			free_entry = &p->entries[live];
	}
	e = commit ? commit : free_entry;
	if (!e)
		return dyn_fail(err, n ? -ENOSPC : -EBADMSG, "the database's kernel log (KLOG) is %s",
				n ? "full" : "damaged");
	*e = (struct disk_log_entry){ .status = LDM_LOG_COMMIT, .first = be64_of(from), .second = be64_of(to) };
	return 0;
}

static bool newer(const struct disk_log_entry *e, uint64_t tid)
{
	return e->status == LDM_LOG_COMMIT && be64_get(e->second) > tid;
}

bool ldm_log_has_newer(const uint8_t *log, uint64_t tid)
{
	uint32_t n = n_pages(log);

	for (uint32_t i = 0; i < n; i++) {
		const struct disk_log_page *p = page_at_const(log, i);
		for (int k = 0; k < n_live(p); k++)
			if (newer(&p->entries[k], tid))
				return true;
	}
	return false;
}

void ldm_log_forget(uint8_t *log, uint64_t tid)
{
	uint32_t n = n_pages(log);

	for (uint32_t i = 0; i < n; i++) {
		struct disk_log_page *p = page_at(log, i);
		int live = n_live(p), kept = 0;
		for (int k = 0; k < live; k++)
			if (!newer(&p->entries[k], tid))
				p->entries[kept++] = p->entries[k];
		if (kept < live)
			memset(&p->entries[kept], 0, (size_t)(live - kept) * sizeof(p->entries[0]));
	}
}

size_t ldm_db_log(const struct ldm_db *db, struct ldm_log_entry *out, size_t cap)
{
	uint32_t pages = n_pages(db->log);
	size_t n = 0;

	for (uint32_t i = 0; i < pages; i++) {
		const struct disk_log_page *p = page_at_const(db->log, i);
		int live = n_live(p);
		for (int k = 0; k < live; k++, n++)
			if (n < cap)
				out[n] = (struct ldm_log_entry){ p->entries[k].status, be64_get(p->entries[k].first),
								 be64_get(p->entries[k].second) };
	}
	return n;
}
