/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's second thread: one thing at a time, waited for or not. */
#include "tests/unit/unit.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ui/tui/engine.h"

struct gate {
	sem_t begun, go_on;
	int done;
};

static void pass(void *arg)
{
	struct gate *g = arg;

	sem_post(&g->begun);
	sem_wait(&g->go_on);
	g->done++;
}

static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static void work_is_waited_for(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct engine *e = engine_start(fd);
	struct gate g = { .done = 0 };

	(void)state;
	sem_init(&g.begun, 0, 0);
	sem_init(&g.go_on, 0, 0);
	assert_true(engine_wait(e, 0)); /* nothing to do */
	for (int i = 1; i <= 3; i++) {
		eventfd_t n;

		engine_begin(e, pass, &g);
		sem_wait(&g.begun);
		assert_false(engine_wait(e, 0));
		assert_false(engine_wait(e, 20));
		assert_false(is_readable(fd, 0));
		assert_int_equal(g.done, i - 1);
		sem_post(&g.go_on);
		assert_true(engine_wait(e, i == 1 ? -1 : 20000));
		assert_int_equal(g.done, i);
		assert_true(is_readable(fd, 20000)); /* it wakes who does not wait for it */
		assert_int_equal(eventfd_read(fd, &n), 0);
		assert_true(engine_wait(e, 0));
	}
	engine_stop(e);
	close(fd);
	sem_destroy(&g.begun);
	sem_destroy(&g.go_on);
}

/* What was begun before the thread was ready, or right before the end, is done. */
static void nothing_begun_is_lost(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		int fd = eventfd(0, EFD_NONBLOCK);
		struct engine *e = engine_start(fd);
		struct gate g = { .done = 0 };

		sem_init(&g.begun, 0, 0);
		sem_init(&g.go_on, 0, 1);
		engine_begin(e, pass, &g);
		assert_true(engine_wait(e, -1));
		assert_int_equal(g.done, 1);
		engine_stop(e);
		close(fd);
		sem_destroy(&g.begun);
		sem_destroy(&g.go_on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_waited_for),
		cmocka_unit_test(nothing_begun_is_lost),
	};

	return cmocka_run_group_tests_name("tui_engine", tests, NULL, NULL);
}
