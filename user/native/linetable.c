// SPDX-License-Identifier: GPL-2.0-only
#include "native/linetable.h"

#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "native/cursor.h"

/* Fields of one entry of a version 5 table: content type and form. */
#define MAX_FORMATS 32

struct entry_format {
	uint64_t content, form;
};

struct header {
	struct lp_cursor c;
	const struct lp_line_sections *sections;
	unsigned int offset_size;
};

static const char *section_str(struct header *h, struct lp_span section)
{
	const uint64_t offset = lp_cursor_uint(&h->c, h->offset_size);

	if (offset >= section.len) {
		h->c.bad = true;
		return "";
	}
	struct lp_cursor c = { section.data + offset, section.data + section.len, false };
	const char *s = lp_cursor_str(&c);
	h->c.bad |= c.bad;
	return s;
}

/* One attribute of an entry; *ret_str is NULL for a number. */
static uint64_t read_form(struct header *h, uint64_t form, const char **ret_str)
{
	*ret_str = NULL;
	switch (form) {
	case DW_FORM_string:
		*ret_str = lp_cursor_str(&h->c);
		return 0;
	case DW_FORM_line_strp:
		*ret_str = section_str(h, h->sections->line_str);
		return 0;
	case DW_FORM_strp:
		*ret_str = section_str(h, h->sections->str);
		return 0;
	case DW_FORM_udata:
		return lp_cursor_uleb(&h->c);
	case DW_FORM_data1:
		return lp_cursor_uint(&h->c, 1);
	case DW_FORM_data2:
		return lp_cursor_uint(&h->c, 2);
	case DW_FORM_data4:
		return lp_cursor_uint(&h->c, 4);
	case DW_FORM_data8:
		return lp_cursor_uint(&h->c, 8);
	case DW_FORM_data16:
		lp_cursor_skip(&h->c, 16);
		return 0;
	case DW_FORM_block:
		lp_cursor_skip(&h->c, lp_cursor_uleb(&h->c));
		return 0;
	}
	h->c.bad = true;
	return 0;
}

/* Folders or files of version 5; add() gets each. */
static int read_entries(struct header *h, struct lp_linetable *t,
			int (*add)(struct lp_linetable *t, const char *name, uint64_t dir))
{
	struct entry_format formats[MAX_FORMATS];
	const uint64_t n_formats = lp_cursor_uint(&h->c, 1);

	if (n_formats > MAX_FORMATS)
		return -EBADMSG;
	for (uint64_t i = 0; i < n_formats; i++) {
		formats[i].content = lp_cursor_uleb(&h->c);
		formats[i].form = lp_cursor_uleb(&h->c);
	}
	const uint64_t n = lp_cursor_uleb(&h->c);
	if (n > lp_cursor_left(&h->c) || (n > 0 && n_formats == 0))
		return -EBADMSG;

	for (uint64_t i = 0; i < n && !h->c.bad; i++) {
		const char *name = "";
		uint64_t dir = 0;

		for (uint64_t f = 0; f < n_formats; f++) {
			const char *str;
			const uint64_t v = read_form(h, formats[f].form, &str);

			if (formats[f].content == DW_LNCT_path && str)
				name = str;
			else if (formats[f].content == DW_LNCT_directory_index)
				dir = v;
		}
		if (add(t, name, dir) < 0)
			return -ENOMEM;
	}
	return h->c.bad ? -EBADMSG : 0;
}

static int add_dir(struct lp_linetable *t, const char *name, uint64_t dir)
{
	(void)dir;
	return lp_vec_push(&t->dirs, name);
}

static int add_file(struct lp_linetable *t, const char *name, uint64_t dir)
{
	const struct lp_line_file f = { name, dir };

	return lp_vec_push(&t->files, f);
}

/* Before version 5: number 0 is the folder of compilation, and no file has it. */
static int read_old_tables(struct header *h, struct lp_linetable *t)
{
	int r = add_dir(t, "", 0);

	for (const char *s; r == 0 && *(s = lp_cursor_str(&h->c));)
		r = add_dir(t, s, 0);
	if (r == 0)
		r = add_file(t, "", 0);
	for (const char *s; r == 0 && *(s = lp_cursor_str(&h->c));) {
		r = add_file(t, s, lp_cursor_uleb(&h->c));
		lp_cursor_uleb(&h->c); /* time */
		lp_cursor_uleb(&h->c); /* size */
	}
	return r < 0 ? r : h->c.bad ? -EBADMSG : 0;
}

static int read_header(struct header *h, struct lp_linetable *t)
{
	h->offset_size = 4;
	uint64_t length = lp_cursor_uint(&h->c, 4);
	if (length == 0xffffffff) {
		h->offset_size = 8;
		length = lp_cursor_uint(&h->c, 8);
	}
	if (length > lp_cursor_left(&h->c))
		return -EBADMSG;
	h->c.end = h->c.p + length;

	t->version = (uint16_t)lp_cursor_uint(&h->c, 2);
	if (t->version < 2 || t->version > 5)
		return -EBADMSG;
	if (t->version >= 5) {
		lp_cursor_skip(&h->c, 2); /* sizes of addresses and segment selectors */
	}
	length = lp_cursor_uint(&h->c, h->offset_size);
	if (length > lp_cursor_left(&h->c))
		return -EBADMSG;
	t->program = (struct lp_span){ h->c.p + length, lp_cursor_left(&h->c) - length };
	h->c.end = t->program.data;

	t->min_length = (uint8_t)lp_cursor_uint(&h->c, 1);
	if (t->version >= 4 && lp_cursor_uint(&h->c, 1) != 1)
		return -EBADMSG; /* several operations an instruction: VLIW machines only */
	t->default_is_stmt = lp_cursor_uint(&h->c, 1) != 0;
	t->line_base = (int8_t)lp_cursor_uint(&h->c, 1);
	t->line_range = (uint8_t)lp_cursor_uint(&h->c, 1);
	t->opcode_base = (uint8_t)lp_cursor_uint(&h->c, 1);
	if (t->line_range == 0 || t->opcode_base == 0)
		return -EBADMSG;
	t->opcode_lengths = h->c.p;
	lp_cursor_skip(&h->c, t->opcode_base - 1u);
	return h->c.bad ? -EBADMSG : 0;
}

int lp_linetable_init(struct lp_linetable *t, const struct lp_line_sections *s, uint64_t offset,
		      const char *comp_dir)
{
	lp_auto(lp_linetable_done) struct lp_linetable made = { .comp_dir = comp_dir };
	struct header h = { .sections = s };
	int r;

	if (offset >= s->line.len)
		return -EBADMSG;
	h.c = (struct lp_cursor){ s->line.data + offset, s->line.data + s->line.len, false };
	r = read_header(&h, &made);
	if (r < 0)
		return r;
	if (made.version < 5)
		r = read_old_tables(&h, &made);
	else if ((r = read_entries(&h, &made, add_dir)) == 0)
		r = read_entries(&h, &made, add_file);
	if (r < 0)
		return r;
	if (!made.comp_dir && made.version >= 5 && made.dirs.len > 0)
		made.comp_dir = made.dirs.data[0];
	*t = made;
	made = (struct lp_linetable){ 0 };
	return 0;
}

void lp_linetable_done(struct lp_linetable *t)
{
	lp_vec_done(&t->dirs);
	lp_vec_done(&t->files);
}

void lp_path_normalise(char *path)
{
	const bool absolute = path[0] == '/';
	char *out = path + absolute;
	char *const floor = out;
	size_t ups = 0; /* leading ".." that a relative path keeps */

	for (const char *in = path; *in;) {
		in += strspn(in, "/");
		const size_t len = strcspn(in, "/");

		if (len == 2 && in[0] == '.' && in[1] == '.') {
			char *last = memrchr(floor, '/', (size_t)(out - floor));

			if ((size_t)(out - floor) > ups * 3) {
				out = last ? last : floor;
				in += len;
				continue;
			}
			if (absolute) {
				in += len;
				continue;
			}
			ups++;
		} else if (len == 0 || (len == 1 && in[0] == '.')) {
			in += len;
			continue;
		}
		if (out > floor)
			*out++ = '/';
		memmove(out, in, len);
		out += len;
		in += len;
	}
	*out = '\0';
}

char *lp_linetable_path(const struct lp_linetable *t, uint64_t file)
{
	const char *comp_dir = t->comp_dir ? t->comp_dir : "";
	char *path;

	if (file >= t->files.len || !*t->files.data[file].name)
		return NULL;
	const struct lp_line_file *f = &t->files.data[file];
	const char *dir = f->dir < t->dirs.len ? t->dirs.data[f->dir] : "";

	if (f->name[0] == '/')
		comp_dir = dir = "";
	else if (dir[0] == '/')
		comp_dir = "";
	if (asprintf(&path, "%s%s%s%s%s", comp_dir, *comp_dir ? "/" : "", dir, *dir ? "/" : "",
		     f->name) < 0)
		return NULL;
	lp_path_normalise(path);
	return path;
}
