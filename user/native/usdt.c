// SPDX-License-Identifier: GPL-2.0-only
/* Static probes: notes of type stapsdt, as <sys/sdt.h> (SystemTap 2 and later, version 3 of the
 * note) writes them: address, base, semaphore, then provider, name and arguments as strings.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "native/cursor.h"
#include "native/place.h"

#define NOTE_NAME "stapsdt"
#define NOTE_TYPE 3
#define MAX_NAMED 8 /* probes that a message lists */

struct usdt_note {
	uint64_t vaddr, base, semaphore;
	const char *provider, *name, *args;
};

struct usdt_search {
	struct lp_module *m;
	const struct lp_location *at;
	struct lp_places *ret;
	uint64_t base;	    /* where .stapsdt.base is; 0: nowhere */
	struct lp_buf near; /* probes of that provider, or of that name */
	size_t n_near, n_notes;
};

static bool parse_note(const struct lp_module *m, const uint8_t *desc, size_t len,
		       struct usdt_note *ret)
{
	struct lp_cursor c = { desc, desc + len, false };
	const unsigned int size = gelf_getclass(m->elf) == ELFCLASS32 ? 4 : 8;

	ret->vaddr = lp_cursor_uint(&c, size);
	ret->base = lp_cursor_uint(&c, size);
	ret->semaphore = lp_cursor_uint(&c, size);
	ret->provider = lp_cursor_str(&c);
	ret->name = lp_cursor_str(&c);
	ret->args = lp_cursor_str(&c);
	return !c.bad;
}

static int add_probe(struct usdt_search *s, const struct usdt_note *note, struct lp_err *err)
{
	/* prelink moves code without touching notes; the base section moved with it */
	const uint64_t moved = s->base && note->base ? s->base - note->base : 0;
	struct lp_place p;
	int r = lp_place_init(&p, s->m, note->vaddr + moved, NULL, 0, err);

	if (r < 0)
		return lp_err_wrap(err, r, "usdt %s:%s", note->provider, note->name);
	if (note->semaphore && lp_module_offset(s->m, note->semaphore + moved, &p.semaphore) < 0)
		return lp_err_set(err, EINVAL, "usdt %s:%s: its semaphore is not in the file",
				  note->provider, note->name);
	p.usdt_args = lp_arena_strdup(&s->m->arena, note->args);
	return !p.usdt_args || lp_vec_push(s->ret, p) < 0 ? lp_err_nomem(err) : 0;
}

static int take_note(struct usdt_search *s, const struct usdt_note *note, struct lp_err *err)
{
	const bool provider = !strcmp(note->provider, s->at->provider);
	const bool name = !strcmp(note->name, s->at->name);

	s->n_notes++;
	if (provider && name)
		return add_probe(s, note, err);
	if ((provider || name) && s->n_near < MAX_NAMED) {
		lp_auto(lp_free) char *text = NULL;

		if (asprintf(&text, "%s:%s", note->provider, note->name) < 0)
			return lp_err_nomem(err);
		if (s->near.data && strstr(s->near.data, text))
			return 0;
		lp_buf_fmt(&s->near, "%s%s", s->n_near++ ? ", " : "", text);
	}
	return 0;
}

static int read_notes(struct usdt_search *s, Elf_Data *data, struct lp_err *err)
{
	size_t offset = 0, name, desc;
	GElf_Nhdr nh;
	int r = 0;

	while (r == 0 && (offset = gelf_getnote(data, offset, &nh, &name, &desc)) > 0) {
		const char *bytes = data->d_buf;
		struct usdt_note note;

		if (nh.n_type == NOTE_TYPE && nh.n_namesz == sizeof(NOTE_NAME) &&
		    !memcmp(bytes + name, NOTE_NAME, sizeof(NOTE_NAME)) &&
		    parse_note(s->m, (const uint8_t *)bytes + desc, nh.n_descsz, &note))
			r = take_note(s, &note, err);
	}
	return r;
}

static int not_found(const struct usdt_search *s, struct lp_err *err)
{
	const char *provider = s->at->provider, *name = s->at->name;

	if (s->near.failed)
		return lp_err_nomem(err);
	if (s->n_near)
		return lp_err_set(err, ENOENT, "no static probe %s:%s in %s; there is %s", provider,
				  name, s->m->path, s->near.data);
	return lp_err_set(err, ENOENT, "no static probe %s:%s in %s%s", provider, name, s->m->path,
			  s->n_notes ? "" : ": it has none at all");
}

int lp_resolve_usdt(struct lp_module *m, const struct lp_location *at, struct lp_places *ret,
		    struct lp_err *err)
{
	struct usdt_search s = { .m = m, .at = at, .ret = ret };
	Elf_Data *notes = NULL;
	size_t names;
	GElf_Shdr sh;
	int r = 0;

	if (elf_getshdrstrndx(m->elf, &names) == 0)
		for (Elf_Scn *scn = NULL; (scn = elf_nextscn(m->elf, scn));) {
			const char *name = gelf_getshdr(scn, &sh)
						   ? elf_strptr(m->elf, names, sh.sh_name)
						   : NULL;

			if (name && !strcmp(name, ".stapsdt.base"))
				s.base = sh.sh_addr;
			else if (name && !strcmp(name, ".note.stapsdt") && sh.sh_type == SHT_NOTE)
				notes = elf_getdata(scn, NULL);
		}
	if (notes)
		r = read_notes(&s, notes, err);
	if (r == 0 && ret->len == 0)
		r = not_found(&s, err);
	lp_buf_done(&s.near);
	return r;
}
