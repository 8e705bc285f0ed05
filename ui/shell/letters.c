/* SPDX-License-Identifier: GPL-3.0-or-later */
/* letters.c - drive letters. Linux has none: the disks suggest some, ASSIGN and REMOVE change them for this session. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"

/* The volume an entry means now. A partition that was converted has a GUID of its own since, at the old place. */
static size_t volume_of(const struct shell_letter *e, const struct dyn_model *m)
{
	size_t volume = shell_focused_volume(&e->of, m);

	return volume != DYN_NONE ? volume : shell_volume_in_place(&e->of, m);
}

size_t shell_letter_entry(const struct shell_letters *l, const struct dyn_model *m, size_t volume)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (volume_of(&l->list[i], m) == volume)
			return i;
	return DYN_NONE;
}

char shell_letter(const struct shell_letters *l, const struct dyn_model *m, size_t volume)
{
	size_t i = shell_letter_entry(l, m, volume);

	return i != DYN_NONE ? l->list[i].letter : m->volumes[volume].letter;
}

char shell_free_letter(const struct shell_letters *l, const struct dyn_model *m)
{
	for (char c = 'C'; c <= 'Z'; c++) {
		bool used = false;

		for (size_t i = 0; i < m->n_volumes && !used; i++)
			used = toupper((unsigned char)shell_letter(l, m, i)) == c;
		if (!used)
			return c;
	}
	return 0;
}

int shell_set_letter(struct shell_letters *l, const struct dyn_model *m, size_t volume, char letter)
{
	size_t i = shell_letter_entry(l, m, volume);
	struct shell_letter *more, *e = i != DYN_NONE ? &l->list[i] : NULL;

	if (!e) {
		more = realloc(l->list, (l->n + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->list = more;
		e = &more[l->n++];
	}
	shell_focus_volume(&e->of, m, volume);
	e->letter = letter;
	return 0;
}

void shell_drop_letter(struct shell_letters *l, size_t entry)
{
	if (entry < l->n)
		l->list[entry] = l->list[--l->n];
}

void shell_letters_clear(struct shell_letters *l)
{
	free(l->list);
	memset(l, 0, sizeof(*l));
}

/* ---------------------------------------------------------------- commands */

/* Sets it unless this is a preview. */
static enum shell_result change_letter(struct shell *sh, size_t volume, char letter, const char *success)
{
	struct dyn_err err = { .code = -ENOMEM };

	if (sh->preview) {
		shell_say(sh, "\nOnly this session's letters would change. Nothing was written.\n");
		return SHELL_OK;
	}
	if (shell_set_letter(&sh->letters, sh->model, volume, letter))
		return shell_refuse(sh, NULL, &err);
	shell_say(sh, "\n%s\n", success);
	return SHELL_OK;
}

static enum shell_result no_mounts(struct shell *sh)
{
	shell_say(sh, "\nMOUNT is not available here: drive letters stand for volumes in this session only, nothing is mounted.\n");
	return SHELL_FAILED;
}

enum shell_result cmd_assign(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, "LETTER");
	struct dyn_err err = { 0 };
	size_t volume, holder, several;
	char letter;

	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (shell_flag(call, "MOUNT"))
		return no_mounts(sh);
	letter = v->given ? (char)toupper((unsigned char)v->text[0]) : shell_free_letter(&sh->letters, sh->model);
	holder = v->given ? shell_find_volume(&sh->letters, sh->model, v->text, &several) : DYN_NONE;
	if (!letter || (holder != DYN_NONE && (holder != volume || several > 1))) {
		snprintf(err.what, sizeof(err.what), "The specified drive letter is not free to be assigned.");
		return shell_refuse(sh, NULL, &err);
	}
	return change_letter(sh, volume, letter, "DiskPart successfully assigned the drive letter or mount point.");
}

enum shell_result cmd_remove(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, "LETTER");
	struct dyn_err err = { 0 };
	size_t volume;
	char letter;

	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (shell_flag(call, "MOUNT"))
		return no_mounts(sh);
	letter = (char)toupper((unsigned char)shell_letter(&sh->letters, sh->model, volume));
	if (letter && (!v->given || toupper((unsigned char)v->text[0]) == letter))
		return change_letter(sh, volume, 0, "DiskPart successfully removed the drive letter or mount point.");
	if (shell_flag(call, "ALL")) /* all of none is done */
		return change_letter(sh, volume, 0, "DiskPart successfully removed the drive letter or mount point.");
	if (letter)
		snprintf(err.what, sizeof(err.what), "The volume has the letter %c, not that one.", letter);
	else
		snprintf(err.what, sizeof(err.what), "The volume has no drive letter or mount point.");
	return shell_refuse(sh, NULL, &err);
}
