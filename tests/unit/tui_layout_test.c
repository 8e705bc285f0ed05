/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main screen as text, from hand-made models: no terminal, no curses. */
#include "tests/unit/unit.h"

#include <locale.h>

#include "tests/unit/tui_models.h"
#include "ui/tui/advice.h"
#include "ui/tui/paint.h"

struct shot {
	struct view view;
	struct layout layout;
	struct canvas canvas;
	char *text;
};

static void shoot(struct shot *s, int rows, int cols)
{
	free(s->text);
	layout_free(&s->layout);
	canvas_resize(&s->canvas, rows, cols);
	layout_make(&s->layout, &s->view, rows, cols);
	paint_main(&s->canvas, &s->view, &s->layout);
	s->text = canvas_as_text(&s->canvas);
}

static void drop(struct shot *s)
{
	free(s->text);
	layout_free(&s->layout);
	canvas_free(&s->canvas);
}

static void start(struct shot *s, const struct dyn_model *m)
{
	*s = (struct shot){ 0 };
	view_start(&s->view, m);
	snprintf(s->view.host, sizeof(s->view.host), "rescue");
}

static void broken_mirror_80x24(void **state)
{
	static const char want[] =
		" Action  View  Help            dynadisk on rescue            3 disks, 1 missing\n"
		"  Volumes\n"
		"  Volume     Layout    Type    FS    Status                     Capacity % Free\n"
		"> C: Windows Mirror    Dynamic NTFS  Failed Redundancy ! (Boot)  1862 GB\n"
		"  EFI        Partition Basic   FAT32 Healthy (System)             350 MB\n"
		"\n"
		"\n"
		"  Disks\n"
		"+-----------------+=========+##################################################+\n"
		"| Disk 0          | EFI     | C: Windows                                       |\n"
		"| Dynamic  GPT    | 350 MB  | 1862 GB NTFS                                     |\n"
		"| 1863 GB Online  | Healthy | Failed Redundancy ! (Boot)                       |\n"
		"+-----------------+............................................................+\n"
		"| Disk 1          | Unallocated                                                |\n"
		"| Not Initialized | 1863 GB                                                    |\n"
		"| 1863 GB         |                                                            |\n"
		"+-----------------+############################################################+\n"
		"| Disk M0         | C: Windows                                                 |\n"
		"| Dynamic         | 1862 GB NTFS                                               |\n"
		"| Missing !       | Missing !                                                  |\n"
		"+-----------------+------------------------------------------------------------+\n"
		" .. Unallocated   == Primary partition   ## Mirrored volume\n"
		"\n"
		"\n";
	struct shot s;

	(void)state;
	start(&s, model_broken_mirror());
	shoot(&s, 24, 80);
	assert_string_equal(s.text, want);
	assert_int_equal(s.canvas.cursor_y, 3); /* the cursor rests on the selected row */
	assert_int_equal(s.canvas.cursor_x, 0);
	drop(&s);
}

/* Both halves of the selected mirror carry the lit role, wherever their disks are. */
static void halves_light_up_together(void **state)
{
	struct shot s;
	int lit = 0;

	(void)state;
	start(&s, model_broken_mirror());
	shoot(&s, 24, 80);
	for (size_t i = 0; i < s.layout.n_boxes; i++) {
		const struct layout_box *b = &s.layout.boxes[i];
		const struct dyn_disk *d = &s.view.m->disks[b->disk];
		enum role role = (enum role)canvas_at(&s.canvas, b->area.y, b->area.x + 1)->role;

		if (b->region == DYN_NONE)
			continue;
		assert_true((role == ROLE_LIT) == (d->regions[b->region].volume == 0));
		lit += role == ROLE_LIT;
	}
	assert_int_equal(lit, 2);
	drop(&s);
}

static void free_space_comes_later(void **state)
{
	const uint64_t bytes[2] = { 1154 * GB, VIEW_FREE_UNKNOWN };
	struct shot s;

	(void)state;
	start(&s, model_broken_mirror());
	s.view.free_bytes = bytes;
	shoot(&s, 24, 80);
	assert_non_null(strstr(s.text, "1862 GB   62 %\n"));
	drop(&s);
}

static void rebuild_bar(void **state)
{
	struct shot s;

	(void)state;
	start(&s, model_broken_mirror());
	s.view.n_jobs = 1;
	s.view.jobs[0] = (struct view_job){ job_copying(), DYN_NONE };
	shoot(&s, 24, 80);
	assert_non_null(strstr(s.text, " Regenerating C: on Disk M0  [#############-----------------]    46%   212 MB/s\n"
				       " 875 GB of 1862 GB  1 h 18 min left  0 errors        p pause  l limit  c cancel\n"));
	assert_non_null(strstr(s.text, "Regenerating (46%)"));
	assert_non_null(strstr(s.text, "| Disk M0 ")); /* the bar takes no disk off the screen */
	s.view.jobs[0].job.state = DYN_JOB_PAUSED;
	s.view.jobs[0].found = 0;
	shoot(&s, 24, 80);
	assert_non_null(strstr(s.text, "p resumes  c cancels"));
	assert_non_null(strstr(s.text, "Paused (46%)"));
	drop(&s);
}

/* Whatever the size: no crash, every line inside, frames closed; small ones are a list, tiny ones say so. */
static void any_size(void **state)
{
	static const int sizes[][2] = { { 24, 80 }, { 20, 60 }, { 50, 132 }, { 8, 30 }, { 10, 40 }, { 1, 1 }, { 14, 50 },
					{ 24, 79 }, { 23, 80 }, { 100, 300 }, { 2, 200 }, { 200, 2 } };

	(void)state;
	for (size_t m = 0; m < 5; m++) {
		struct shot s;

		start(&s, m == 0 ? model_broken_mirror() : m == 1 ? model_many_disks(40) : m == 2 ? model_many_regions(12) :
			  m == 3 ? model_many_regions(90) : model_empty());
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			for (int pane = 0; pane < 2; pane++) {
				view_switch_pane(&s.view);
				shoot(&s, sizes[i][0], sizes[i][1]);
				assert_in_range(s.canvas.cursor_y, 0, s.canvas.rows - 1);
				assert_in_range(s.canvas.cursor_x, 0, s.canvas.cols - 1);
				for (size_t b = 0; b < s.layout.n_boxes; b++) {
					const struct rect *a = &s.layout.boxes[b].area;

					assert_true(a->x >= 0 && a->w > 0 && a->x + a->w < s.canvas.cols);
					assert_true(a->y > 0 && a->y + a->h < s.canvas.rows);
				}
			}
		}
		shoot(&s, 8, 30);
		assert_non_null(strstr(s.text, "too small"));
		shoot(&s, 20, 60);
		assert_true(s.layout.mode == LAYOUT_LIST);
		drop(&s);
	}
}

/* Columns of a disk's boxes add up to the width; small regions keep room for their words; 90 regions still have a way in. */
static void shares(void **state)
{
	struct view v = { 0 };
	int w[128], sum = 0, shown = 0;

	(void)state;
	view_start(&v, model_broken_mirror());
	layout_share(&v, 0, 60, w, 3);
	assert_int_equal(w[0], 0); /* reserved areas are not drawn */
	assert_true(w[1] >= 9);    /* "Healthy" */
	assert_int_equal(w[1] + 1 + w[2], 60);
	view_start(&v, model_many_regions(90));
	view_select_disk(&v, 0, 80);
	layout_share(&v, 0, 60, w, 90);
	for (int i = 0; i < 90; i++) {
		sum += w[i];
		shown += w[i] > 0;
	}
	assert_int_equal(sum + shown - 1, 60);
	assert_true(w[80] > 0);
}

static void forty_disks_scroll(void **state)
{
	struct shot s;

	(void)state;
	start(&s, model_many_disks(40));
	shoot(&s, 24, 80);
	assert_non_null(strstr(s.text, "1-4 of 40"));
	view_switch_pane(&s.view);
	view_move(&s.view, MOVE_LAST);
	shoot(&s, 24, 80);
	assert_non_null(strstr(s.text, "|>") ? s.text : NULL);
	assert_non_null(strstr(s.text, "Disk 39"));
	assert_null(strstr(s.text, "| Disk 0 "));
	view_move(&s.view, MOVE_PAGE_UP);
	view_move(&s.view, MOVE_FIRST);
	shoot(&s, 24, 80);
	assert_non_null(strstr(s.text, "Disk 0 "));
	drop(&s);
}

static void moving_in_the_picture(void **state)
{
	struct view v = { 0 };

	(void)state;
	view_start(&v, model_broken_mirror());
	view_switch_pane(&v);
	assert_true(v.disk == 0 && v.region == 2 && v.volume == 0);
	view_move(&v, MOVE_LEFT);
	assert_true(v.region == 1 && v.volume == 1);
	view_move(&v, MOVE_LEFT); /* past the reserved area, to the disk */
	assert_true(v.region == DYN_NONE && view_target(&v).kind == TARGET_DISK);
	view_move(&v, MOVE_LEFT);
	assert_true(v.disk == 0 && v.region == DYN_NONE);
	view_move(&v, MOVE_DOWN);
	assert_true(v.disk == 1 && v.region == DYN_NONE);
	view_move(&v, MOVE_RIGHT);
	assert_true(v.region == 0 && view_target(&v).kind == TARGET_DISK); /* unallocated space is the disk's */
	view_select_disk(&v, 0, 2);
	view_move(&v, MOVE_LAST);
	assert_true(v.disk == 2 && v.volume == 0); /* the same volume's other half */
	view_switch_pane(&v);
	assert_true(view_target(&v).kind == TARGET_VOLUME && view_target(&v).volume == 0);
}

/* A new model with the same disks keeps the place; a vanished selection falls back without pointing outside. */
static void selection_survives_a_rescan(void **state)
{
	struct view v = { 0 };

	(void)state;
	view_start(&v, model_broken_mirror());
	view_select_volume(&v, 1);
	view_set_model(&v, model_broken_mirror());
	assert_u64(v.volume, 1);
	view_set_model(&v, model_many_disks(2));
	assert_true(v.volume < 2 && v.disk < 2);
	view_set_model(&v, model_empty());
	assert_true(view_target(&v).kind == TARGET_NOTHING);
	view_move(&v, MOVE_DOWN);
	view_switch_pane(&v);
}

static void one_useful_sentence(void **state)
{
	struct view v = { 0 };
	struct repair r;
	char s[512];

	(void)state;
	view_start(&v, model_broken_mirror());
	assert_int_equal(advice(&v, s, sizeof(s)), ROLE_WARN);
	assert_string_equal(s, "C: lost the second half; the data is still there. r repairs it.");
	assert_u64(repairs(&v, &r, 1), 1);
	assert_true(r.kind == REPAIR_MIRROR && r.index == 0);
	view_start(&v, model_many_disks(2));
	assert_int_equal(advice(&v, s, sizeof(s)), ROLE_GOOD);
	assert_string_equal(s, "All volumes are healthy.");
	assert_u64(repairs(&v, &r, 1), 0);
	view_start(&v, model_empty());
	advice(&v, s, sizeof(s));
	assert_non_null(strstr(s, "No disks were found"));
}

static void find(void **state)
{
	struct view v = { 0 };

	(void)state;
	view_start(&v, model_broken_mirror());
	assert_true(view_find(&v, "611299"));
	assert_true(v.disk == 1 && view_target(&v).kind == TARGET_DISK);
	assert_true(view_find(&v, "efi"));
	assert_u64(v.volume, 1);
	assert_false(view_find(&v, "nothing like it"));
	assert_u64(v.volume, 1);
}

static void clicks(void **state)
{
	const struct layout_box *b;
	struct shot s;
	int pane;

	(void)state;
	start(&s, model_broken_mirror());
	shoot(&s, 24, 80);
	assert_int_equal(layout_row_at(&s.layout, 4, 10, &pane), 1);
	assert_int_equal(pane, 0);
	assert_int_equal(layout_row_at(&s.layout, 2, 10, &pane), -1); /* the column titles */
	b = layout_box_at(&s.layout, 14, 5);
	assert_true(b && b->disk == 1 && b->region == DYN_NONE);
	b = layout_box_at(&s.layout, 8, 60); /* the strip above */
	assert_true(b && b->disk == 0 && b->region == 2);
	assert_null(layout_box_at(&s.layout, 23, 60));
	drop(&s);
}

static void text_is_clipped_and_measured(void **state)
{
	struct canvas c = { 0 };
	char *row;

	(void)state;
	canvas_resize(&c, 3, 10);
	assert_int_equal(canvas_text(&c, 0, 7, 99, ROLE_NORMAL, "abcdef"), 6);
	assert_int_equal(canvas_text(&c, 1, 2, 3, ROLE_NORMAL, "abcdef"), 3);
	canvas_text(&c, -1, 0, 9, ROLE_NORMAL, "x");
	canvas_text(&c, 99, 0, 9, ROLE_NORMAL, "x");
	row = canvas_row(&c, 0);
	assert_string_equal(row, "       abc");
	free(row);
	row = canvas_row(&c, 1);
	assert_string_equal(row, "  abc");
	free(row);
	assert_int_equal(text_width("D\xc3\xa4ten"), 5);
	assert_int_equal(canvas_text(&c, 2, 0, 3, ROLE_NORMAL, "a\xff\x1b[2J"), 3); /* a stray byte and an escape do no harm */
	assert_int_equal(canvas_at(&c, 2, 1)->ch, '?');
	assert_int_equal(canvas_at(&c, 2, 2)->ch, '?');
	assert_int_equal(canvas_wrap(&c, 0, 0, 5, 0, 0, ROLE_NORMAL, "one two three\nfour"), 4);
	assert_int_equal(canvas_wrap(&c, 0, 0, 4, 0, 0, ROLE_NORMAL, "abcdefghij"), 3);
	canvas_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_mirror_80x24),
		cmocka_unit_test(halves_light_up_together),
		cmocka_unit_test(free_space_comes_later),
		cmocka_unit_test(rebuild_bar),
		cmocka_unit_test(any_size),
		cmocka_unit_test(shares),
		cmocka_unit_test(forty_disks_scroll),
		cmocka_unit_test(moving_in_the_picture),
		cmocka_unit_test(selection_survives_a_rescan),
		cmocka_unit_test(one_useful_sentence),
		cmocka_unit_test(find),
		cmocka_unit_test(clicks),
		cmocka_unit_test(text_is_clipped_and_measured),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("tui_layout", tests, NULL, NULL);
}
