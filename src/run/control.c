/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/control.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/job.h"

enum { PACKET = 256, PATIENCE_MS = 1000, ASK_MS = 100, RETRY_MS = 500, MAX_DOORS = 64 };

static const char *const verbs[] = {
	[DYN_CONTROL_ASK] = "ask",       [DYN_CONTROL_PAUSE] = "pause",   [DYN_CONTROL_CONTINUE] = "continue",
	[DYN_CONTROL_CANCEL] = "cancel", [DYN_CONTROL_FINISH] = "finish", [DYN_CONTROL_LIMIT] = "limit",
};

/* The name of a job's socket. The last thing a path leads to is what the data lie on, whatever alias was given. */
static int address(const char *sys_root, const char *path, const char *volume_guid, struct sockaddr_un *a, socklen_t *len)
{
	struct model_id ids[MODEL_IDS];
	size_t n = model_identity(sys_root, path, ids, MODEL_IDS);
	int used;

	if (n == 0)
		return -ENOENT;
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	used = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "dynadisk/rebuild/%c%jx.%jx/%s", ids[n - 1].block ? 'b' : 'f',
			(uintmax_t)ids[n - 1].dev, ids[n - 1].block ? (uintmax_t)0 : (uintmax_t)ids[n - 1].ino, volume_guid);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)used);
	return 0;
}

static void set_patience(int fd, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static bool peer_uid(int fd, uid_t *uid)
{
	struct ucred c;
	socklen_t n = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0 || n != sizeof(c))
		return false;
	*uid = c.uid;
	return true;
}

/* ------------------------------------------------------------------ server */

struct door {
	struct job *j;
	unsigned id;
	int fd; /* -1: its name is taken for the moment */
};

struct doors {
	struct dyn_session *s;
	size_t n;
	struct door d[MAX_DOORS];
};

static int open_door(const struct dyn_session *s, const struct job *j)
{
	struct sockaddr_un a;
	socklen_t len;
	int fd;

	if (address(s->sys_root, j->target_path, j->pub.volume_guid, &a, &len))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 8) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Closes the doors of jobs that ended, makes those of new ones. True when one could not be opened yet. */
static bool refresh(struct doors *x)
{
	struct run_state *rs = x->s->run;
	bool missing = false;
	size_t kept = 0;

	pthread_mutex_lock(&rs->lock);
	for (size_t i = 0; i < x->n; i++) {
		if (job_is_live(x->d[i].j))
			x->d[kept++] = x->d[i];
		else if (x->d[i].fd >= 0)
			close(x->d[i].fd);
	}
	x->n = kept;
	for (size_t i = 0; i < rs->n_jobs && x->n < MAX_DOORS; i++) {
		bool known = !job_is_live(rs->jobs[i]);
		for (size_t k = 0; k < x->n && !known; k++)
			known = x->d[k].j == rs->jobs[i];
		if (!known)
			x->d[x->n++] = (struct door){ rs->jobs[i], rs->jobs[i]->pub.id, -1 };
	}
	pthread_mutex_unlock(&rs->lock);
	for (size_t i = 0; i < x->n; i++) {
		if (x->d[i].fd < 0)
			x->d[i].fd = open_door(x->s, x->d[i].j);
		missing |= x->d[i].fd < 0;
	}
	return missing;
}

static int obey(struct dyn_session *s, unsigned id, const char *verb, uint64_t number)
{
	if (strcmp(verb, verbs[DYN_CONTROL_ASK]) == 0)
		return 0;
	if (strcmp(verb, verbs[DYN_CONTROL_PAUSE]) == 0)
		return dyn_job_pause(s, id);
	if (strcmp(verb, verbs[DYN_CONTROL_CONTINUE]) == 0)
		return dyn_job_continue(s, id);
	if (strcmp(verb, verbs[DYN_CONTROL_CANCEL]) == 0)
		return dyn_job_cancel(s, id);
	if (strcmp(verb, verbs[DYN_CONTROL_FINISH]) == 0)
		return dyn_job_finish(s, id);
	if (strcmp(verb, verbs[DYN_CONTROL_LIMIT]) == 0)
		return dyn_job_limit(s, id, number);
	return -EINVAL;
}

static struct dyn_job snapshot(struct dyn_session *s, const struct job *j)
{
	struct dyn_job pub;

	pthread_mutex_lock(&s->run->lock);
	pub = j->pub;
	pthread_mutex_unlock(&s->run->lock);
	return pub;
}

static void answer(struct dyn_session *s, const struct door *d, int fd)
{
	char request[PACKET], reply[PACKET], verb[16];
	uint64_t number;
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
	struct dyn_job j;
	int rc = -EPROTO;

	if (n <= 0)
		return;
	request[n] = '\0';
	if (sscanf(request, "dynadisk 1 %15s %" SCNu64, verb, &number) == 2)
		rc = obey(s, d->id, verb, number);
	j = snapshot(s, d->j);
	if (rc)
		n = snprintf(reply, sizeof(reply), "no %d", -rc);
	else
		n = snprintf(reply, sizeof(reply),
			     "ok %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d", (int)j.state,
			     j.done, j.total, j.rate, j.limit, j.seconds_left, j.errors, j.inhibits);
	(void)send(fd, reply, (size_t)n, MSG_NOSIGNAL);
}

/* What it sent is taken from it, unread, so that the answer arrives. */
static void refuse(struct dyn_session *s, uid_t uid, int fd)
{
	char request[PACKET], reply[16];
	int n = snprintf(reply, sizeof(reply), "no %d", EACCES);

	session_log(s, "control of a rebuild refused: user %ld", (long)uid);
	if (recv(fd, request, sizeof(request), 0) > 0)
		(void)send(fd, reply, (size_t)n, MSG_NOSIGNAL);
}

static void serve(struct dyn_session *s, const struct door *d)
{
	int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
	uid_t uid = (uid_t)-1;

	if (fd < 0)
		return;
	if (peer_uid(fd, &uid) && (uid == 0 || uid == geteuid())) {
		set_patience(fd, PATIENCE_MS);
		answer(s, d, fd);
	} else {
		set_patience(fd, ASK_MS);
		refuse(s, uid, fd);
	}
	close(fd);
}

static void *serve_all(void *arg)
{
	struct doors x = { .s = arg };
	struct run_state *rs = x.s->run;
	struct pollfd p[MAX_DOORS + 1];
	bool stop = false;

	while (!stop) {
		bool missing = refresh(&x);
		size_t n = x.n;
		uint64_t news;

		p[0] = (struct pollfd){ .fd = rs->control_fd, .events = POLLIN };
		for (size_t i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){ .fd = x.d[i].fd, .events = POLLIN };
		if (poll(p, n + 1, missing ? RETRY_MS : -1) < 0)
			continue;
		if (p[0].revents && read(rs->control_fd, &news, sizeof(news)) < 0)
			news = 0; /* somebody was quicker */
		for (size_t i = 0; i < n; i++)
			if (p[i + 1].revents & POLLIN)
				serve(x.s, &x.d[i]);
		pthread_mutex_lock(&rs->lock);
		stop = rs->control_ends;
		pthread_mutex_unlock(&rs->lock);
	}
	for (size_t i = 0; i < x.n; i++)
		if (x.d[i].fd >= 0)
			close(x.d[i].fd);
	return NULL;
}

void control_wake(struct run_state *rs)
{
	uint64_t one = 1;

	if (write(rs->control_fd, &one, sizeof(one)) < 0)
		return; /* full, and therefore readable */
}

void control_start(struct dyn_session *s)
{
	struct run_state *rs = s->run;
	sigset_t all, old;

	if (rs->control_runs)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rs->control_runs = pthread_create(&rs->control, NULL, serve_all, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void control_stop(struct dyn_session *s)
{
	struct run_state *rs = s->run;

	if (!rs->control_runs)
		return;
	pthread_mutex_lock(&rs->lock);
	rs->control_ends = true;
	pthread_mutex_unlock(&rs->lock);
	control_wake(rs);
	pthread_join(rs->control, NULL);
	rs->control_runs = false;
	rs->control_ends = false;
}

/* ------------------------------------------------------------------ client */

static int talk(int fd, enum dyn_control what, uint64_t number, struct dyn_job *out)
{
	char packet[PACKET];
	int n = snprintf(packet, sizeof(packet), "dynadisk 1 %s %" PRIu64, verbs[what], number), state, inhibits, code;
	struct dyn_job j;
	ssize_t got;

	if (send(fd, packet, (size_t)n, MSG_NOSIGNAL) < 0)
		return -errno;
	got = recv(fd, packet, sizeof(packet) - 1, 0);
	if (got <= 0)
		return got < 0 && errno == EAGAIN ? -ETIMEDOUT : got < 0 ? -errno : -EACCES;
	packet[got] = '\0';
	if (sscanf(packet, "no %d", &code) == 1)
		return code > 0 && code < 4096 ? -code : -EPROTO;
	j = *out;
	if (sscanf(packet, "ok %d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %d", &state, &j.done,
		   &j.total, &j.rate, &j.limit, &j.seconds_left, &j.errors, &inhibits) != 8 ||
	    state < 0 || state >= DYN_JOB_STATES || j.done > j.total)
		return -EPROTO;
	j.state = (enum dyn_job_state)state;
	j.inhibits = inhibits != 0;
	*out = j;
	return 0;
}

/* Could this user be running a rebuild of that disk? Root, we, and whom an image file belongs to. */
static bool may_run(const char *path, uid_t uid)
{
	struct stat st;

	return uid == 0 || uid == geteuid() || (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == uid);
}

static int reach(struct dyn_session *s, const struct dyn_model *m, const struct dyn_job *j, int patience, int *fd)
{
	struct sockaddr_un a;
	socklen_t len;
	uid_t uid = 0;
	int rc = address(s->sys_root, m->disks[j->target].path, j->volume_guid, &a, &len);

	if (rc)
		return rc;
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	set_patience(*fd, patience);
	if (connect(*fd, (struct sockaddr *)&a, len) < 0)
		rc = -errno;
	else if (!peer_uid(*fd, &uid) || !may_run(m->disks[j->target].path, uid))
		rc = -EACCES; /* somebody else has taken the name: nothing it says is worth anything */
	if (rc)
		close(*fd);
	return rc;
}

int dyn_job_control(struct dyn_session *s, const struct dyn_model *m, size_t job, enum dyn_control what, uint64_t limit,
		    struct dyn_job *out, struct dyn_err *err)
{
	struct dyn_job j;
	int rc, fd = -1;

	if (job >= m->n_jobs || m->jobs[job].target >= m->n_disks || (unsigned)what > DYN_CONTROL_LIMIT)
		return dyn_fail(err, -EINVAL, "there is no such rebuild");
	j = m->jobs[job];
	rc = reach(s, m, &j, what == DYN_CONTROL_ASK ? ASK_MS : PATIENCE_MS, &fd);
	if (!rc) {
		rc = talk(fd, what, limit, &j);
		close(fd);
	}
	if (!rc && out)
		*out = j;
	if (rc == -EACCES || rc == -EPERM)
		return dyn_refuse(err, rc, "Use root, or the user who started it.", "the rebuild of %s belongs to another user",
				  j.volume_title);
	if (rc)
		return dyn_refuse(err, rc, "Look again (rescan): it may have ended. Otherwise use the dynadisk that runs it.",
				  "the dynadisk that runs the rebuild of %s does not do that: %s", j.volume_title, strerror(-rc));
	return 0;
}
