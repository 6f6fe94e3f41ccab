// SPDX-License-Identifier: GPL-2.0-only
#include "native/mention.h"

#include <ctype.h>
#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "native/abbrevs.h"
#include "native/cursor.h"
#include "native/index.h"
#include "native/lines.h"
#include "native/names.h"
#include "native/naming.h"
#include "native/skim.h"
#include "native/tables.h"
#include "native/unpacked.h"

#define SCANS_MAX     2 /* of .debug_info: what libdw makes of it serves all further names */
#define INLINE_MAX    3 /* characters that fit where a 4-byte offset would be */
#define INLINE_MAX_64 7

struct lp_mentions {
	struct lp_tables main, debug;
	bool is_open; /* they are */
	bool is_reopened;
	bool odd;     /* anything may be there */
	bool unclear; /* the same, but for what an index of the file says */
	struct lp_names_known functions, others;
	unsigned int scans;
	struct lp_naming *naming; /* of the name last asked for */
	char *file;		  /* the last one asked for, and the answer */
	bool may_have_file;
};

/* What an abbreviation table says of the places of names. */
struct forms {
	uint64_t tags; /* of what is meant */
	bool inline_name, indexed_name, inline_producer, far, unknown;
};

void lp_mentions_free(struct lp_mentions *s)
{
	if (!s)
		return;
	lp_tables_close(&s->main);
	lp_tables_close(&s->debug);
	lp_naming_free(s->naming);
	free(s->file);
	free(s);
}

/* None is made here: most modules of a process know nothing of what is looked for. */
static bool open_unpacked(struct lp_tables *f, int fd, const char *path)
{
	const int copy = lp_unpacked_open_default(fd, path, false);

	return lp_tables_open(f, copy >= 0 ? copy : fcntl(fd, F_DUPFD_CLOEXEC, 0), copy >= 0);
}

static void judge(struct lp_mentions *s, const struct lp_tables *f, bool is_open)
{
	s->odd = !is_open || f->odd;
	s->unclear = s->odd || f->addresses;
}

static void find_files(struct lp_module *m, struct lp_mentions *s)
{
	judge(s, &s->main, open_unpacked(&s->main, m->fd, m->path));
	if (s->unclear || s->main.has_dwarf)
		return;
	const int debug = lp_module_debug_fd(m);
	const char *path = NULL;
	if (debug >= 0) {
		judge(s, &s->debug, open_unpacked(&s->debug, debug, m->path));
		return;
	}
	/* has libdwfl look for the debug file, which it does where the program has no .symtab */
	dwfl_module_getsymtab(m->dwfl_module);
	dwfl_module_info(m->dwfl_module, NULL, NULL, NULL, NULL, NULL, NULL, &path);
	if (path)
		judge(s, &s->debug,
		      lp_tables_open(&s->debug, open(path, O_RDONLY | O_CLOEXEC), false));
	else
		s->unclear = s->odd = s->main.sections[LP_TABLE_SYMBOLS] != NULL;
}

/* What was found out before. */
static struct lp_mentions *known_mentions(struct lp_module *m)
{
	struct lp_module_index *index = lp_module_index_get(m);

	if (index && !index->mentions) {
		index->mentions = calloc(1, sizeof(*index->mentions));
		if (index->mentions)
			index->mentions->main.fd = index->mentions->debug.fd = -1;
	}
	return index ? index->mentions : NULL;
}

static struct lp_tables *file_with_dwarf(struct lp_mentions *s)
{
	return s->main.has_dwarf ? &s->main : &s->debug;
}

static void close_files(struct lp_mentions *s)
{
	lp_tables_close(&s->main);
	lp_tables_close(&s->debug);
	lp_naming_free(lp_take(s->naming));
	s->is_open = false;
}

static struct lp_mentions *mentions_of(struct lp_module *m)
{
	struct lp_mentions *s = known_mentions(m);

	/* a copy was made since then */
	if (s && s->is_open && m->copy && !file_with_dwarf(s)->is_copy && !s->is_reopened) {
		close_files(s);
		s->is_reopened = true;
	}
	if (s && !s->is_open) {
		s->is_open = true;
		find_files(m, s);
	}
	return s;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Is what ends at `end` in a mangled name? There anything can follow a word. */
static bool is_in_mangled(const char *table, const char *end)
{
	const char *start = memrchr(table, '\0', (size_t)(end - table));

	start = start ? start + 1 : table;
	return memmem(start, (size_t)(end - start), "_Z", 2) ||
	       memmem(start, (size_t)(end - start), "_R", 2);
}

/* Strings can share their ends, so what stands before the word says nothing. */
static bool mentions(struct lp_tables *f, enum lp_table table, const char *word, size_t len)
{
	struct lp_span s;

	if (!lp_tables_read(f, table, &s))
		return true;

	const char *all = (const char *)s.data, *end = all + s.len;
	for (const char *p = all; (p = memmem(p, (size_t)(end - p), word, len)); p++)
		if (p + len == end || !is_word(p[len]) || is_in_mangled(all, p + len))
			return true;
	return false;
}

/* Where names can begin that are the word or begin with it: strings can share their ends. true: there
 * are others.
 */
static bool find_names(struct lp_tables *f, enum lp_table strings, const char *word, size_t len,
		       struct lp_skim *ret)
{
	struct lp_span s;

	if (!lp_tables_read(f, strings, &s))
		return true;

	const char *all = (const char *)s.data, *end = all + s.len;
	for (const char *p = all; (p = memmem(p, (size_t)(end - p), word, len)); p++) {
		if (is_in_mangled(all, p + len))
			return true;
		if (p + len < end && is_word(p[len]))
			continue;
		if ((p > all && p[-1] && !is_word(p[-1])) || lp_skim_add(ret, (uint64_t)(p - all)))
			return true;
	}
	return false;
}

/* Has a symbol, of whatever kind, that name? Its names are the table after. */
static bool names_symbol(struct lp_tables *f, enum lp_table symbols, const char *word, size_t len)
{
	lp_auto(lp_skim_done) struct lp_skim names = { 0 };
	GElf_Sym sym;

	if (find_names(f, symbols + 1, word, len, &names))
		return true;
	if (!names.names.len)
		return false;

	Elf_Data *data = f->sections[symbols] ? elf_getdata(f->sections[symbols], NULL) : NULL;
	if (!data)
		return true;
	for (int i = 0; gelf_getsym(data, i, &sym); i++)
		if (lp_skim_has(&names, sym.st_name))
			return true;
	return false;
}

static bool names_any_symbol(struct lp_tables *f, const char *word, size_t len)
{
	return names_symbol(f, LP_TABLE_SYMBOLS, word, len) ||
	       names_symbol(f, LP_TABLE_DYNAMIC_SYMBOLS, word, len);
}

/* Is one of these the name of a function? */
static bool names_function(struct lp_mentions *s, struct lp_tables *f, const struct lp_skim *names)
{
	struct lp_span abbrev;

	if (!names->names.len)
		return false;
	if (!f->sections[LP_TABLE_INFO] || s->scans++ >= SCANS_MAX)
		return true;
	return !lp_tables_read(f, LP_TABLE_ABBREV, &abbrev) ||
	       lp_skim_names_function(names, f->elf, f->sections[LP_TABLE_INFO], abbrev);
}

static void note_form(uint64_t tag, uint64_t attr, uint64_t form, void *arg)
{
	struct forms *f = arg;
	const bool is_meant = tag < 64 && (f->tags & LP_SKIM_TAG(tag));
	const bool is_name = is_meant && (attr == DW_AT_name || attr == DW_AT_linkage_name ||
					  attr == DW_AT_MIPS_linkage_name);

	if (tag == DW_TAG_compile_unit && attr == DW_AT_producer)
		f->inline_producer |= form != DW_FORM_strp;
	if (is_meant && form == DW_FORM_ref_addr &&
	    (attr == DW_AT_specification || attr == DW_AT_abstract_origin))
		f->far = true;
	if (!is_name)
		return;
	switch (form) {
	case DW_FORM_string:
		f->inline_name = true;
		break;
	case DW_FORM_strp:
		break;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
		f->indexed_name = true;
		break;
	default:
		f->unknown = true;
	}
}

/* Have all units 4-byte offsets? */
static bool has_short_offsets(struct lp_span aranges)
{
	struct lp_cursor c = { aranges.data, aranges.data + aranges.len, false };

	while (lp_cursor_left(&c) > 0 && !c.bad) {
		const uint64_t length = lp_cursor_uint(&c, 4);

		if (length == 0xffffffff)
			return false;
		lp_cursor_skip(&c, length);
	}
	return aranges.len > 0 && !c.bad;
}

/* Those are many: they are read without being kept, where they need not be decompressed. */
static bool has_text(struct lp_tables *f, const char *text)
{
	struct lp_naming_file file = { .fd = f->fd };

	return lp_tables_place(f, LP_TABLE_STR, &file.str, &file.str_len)
		       ? lp_naming_has_text(&file, text)
		       : mentions(f, LP_TABLE_STR, text, strlen(text));
}

/* How long a name can be that is in .debug_info itself. */
static size_t longest_inline(struct lp_tables *f, uint64_t tags, struct lp_names_known *ret)
{
	static const char unmerged[] = "-fno-merge-debug-strings";
	struct lp_span abbrev, aranges;
	struct forms forms = { .tags = tags };

	if (!lp_tables_read(f, LP_TABLE_ABBREV, &abbrev))
		return SIZE_MAX;
	forms.unknown |= !lp_abbrevs_each(abbrev, true, note_form, &forms);
	ret->indexed = forms.indexed_name;
	ret->far = forms.far;
	if (forms.unknown)
		return SIZE_MAX;
	if (!forms.inline_name)
		return 0;
	/* a producer that has even its own name there, as Go's, or was told to, has all there */
	if (forms.inline_producer || has_text(f, unmerged))
		return SIZE_MAX;
	return lp_tables_read(f, LP_TABLE_ARANGES, &aranges) && has_short_offsets(aranges)
		       ? INLINE_MAX
		       : INLINE_MAX_64;
}

static const struct lp_names_known *know_forms(struct lp_mentions *s, uint64_t tags)
{
	const bool functions = tags == LP_NAMING_FUNCTIONS;
	struct lp_names_known *n = functions ? &s->functions : &s->others;

	if (!n->tried && !lp_digest_forms(&file_with_dwarf(s)->digest, &s->functions, &s->others)) {
		n->tried = true;
		n->inline_max = longest_inline(file_with_dwarf(s),
					       functions ? tags : LP_NAMING_ANYTHING, n);
	}
	return n;
}

static bool place_naming(struct lp_mentions *s, struct lp_naming_file *ret)
{
	struct lp_tables *f = file_with_dwarf(s);

	*ret = (struct lp_naming_file){ .fd = f->fd, .digest = &f->digest };
	return lp_tables_place(f, LP_TABLE_INFO, &ret->info, &ret->info_len) &&
	       lp_tables_place(f, LP_TABLE_STR, &ret->str, &ret->str_len) &&
	       lp_tables_read(f, LP_TABLE_ABBREV, &ret->abbrevs);
}

bool lp_naming_file_of(struct lp_module *m, struct lp_naming_file *ret,
		       struct lp_names_known *ret_functions, struct lp_names_known *ret_others)
{
	struct lp_mentions *s = mentions_of(m);

	if (!s || s->unclear || !place_naming(s, ret))
		return false;
	*ret_functions = *know_forms(s, LP_NAMING_FUNCTIONS);
	*ret_others = *know_forms(s, LP_NAMING_ANYTHING);
	return true;
}

static struct lp_naming *make_naming(struct lp_mentions *s, const struct lp_name_pattern *p,
				     uint64_t tags, bool declared)
{
	struct lp_tables *f = file_with_dwarf(s);
	struct lp_naming_file file;

	if (!place_naming(s, &file) || (s->unclear && declared))
		return NULL;
	file.inline_max = SIZE_MAX;
	if (!s->unclear) {
		const struct lp_names_known *n = know_forms(s, tags);

		file.inline_max = n->indexed ? SIZE_MAX : n->inline_max;
		file.far = n->far;
	}
	if (declared)
		file.digest = NULL;
	else if (!lp_tables_read(f, LP_TABLE_NAMES, &file.names) ||
		 (file.names.len > 0 && !lp_tables_read(f, LP_TABLE_STR, &file.str_data)))
		return NULL;
	return lp_naming_new(&file, p, tags);
}

static const struct lp_naming *naming_of(struct lp_module *m, const struct lp_name_pattern *p,
					 uint64_t tags, bool declared)
{
	struct lp_mentions *s = mentions_of(m);

	if (!s || s->odd)
		return NULL;
	if (!s->naming || s->naming->tags != tags || strcmp(s->naming->name, p->text) != 0 ||
	    (s->naming->partial && declared)) {
		lp_naming_free(s->naming);
		s->naming = make_naming(s, p, tags, declared);
	}
	return s->naming && s->naming->known ? s->naming : NULL;
}

const struct lp_naming *lp_naming_of(struct lp_module *m, const struct lp_name_pattern *p,
				     uint64_t tags)
{
	return naming_of(m, p, tags, false);
}

const struct lp_naming *lp_naming_declared_of(struct lp_module *m, const struct lp_name_pattern *p,
					      uint64_t tags)
{
	return naming_of(m, p, tags, true);
}

/* Part of the name that is in the strings as it is. 0: there is none that one could rely on. */
static size_t literal(const struct lp_name_pattern *p, const char **ret)
{
	size_t n = 0;

	/* a glob also fits what demanglers write: "std" stands there as "St" */
	if (p->glob || strstr(p->text, "operator"))
		return 0;
	*ret = p->linkage ? p->text : p->last;
	while (is_word((*ret)[n]))
		n++;
	return n;
}

bool lp_may_name_function(struct lp_module *m, const char *name)
{
	struct lp_mentions *s = mentions_of(m);
	lp_auto(lp_skim_done) struct lp_skim names = { 0 };
	struct lp_name_pattern pattern;
	const char *word;

	lp_name_pattern_init(&pattern, name);
	const size_t len = literal(&pattern, &word);
	if (!s || s->unclear || len == 0 || names_any_symbol(&s->main, word, len) ||
	    names_any_symbol(&s->debug, word, len))
		return true;

	const struct lp_naming *naming = lp_naming_of(m, &pattern, LP_NAMING_FUNCTIONS);
	if (naming && naming->units.len == 0)
		naming = lp_naming_declared_of(m, &pattern, LP_NAMING_FUNCTIONS);
	if (naming)
		return naming->units.len > 0;
	struct lp_tables *f = file_with_dwarf(s);
	if (find_names(f, LP_TABLE_STR, word, len, &names))
		return true;
	const struct lp_names_known *known = know_forms(s, LP_NAMING_FUNCTIONS);
	return len <= known->inline_max || (known->indexed && names.names.len > 0) ||
	       names_function(s, f, &names);
}

/* The strings that names of DIEs are in are much, and hardly ever needed for those of files. */
static int init_table(struct lp_tables *f, struct lp_line_sections *s, uint64_t at,
		      struct lp_linetable *ret)
{
	if (lp_linetable_init(ret, s, at, NULL) == 0)
		return 0;
	if (s->str.data || !lp_tables_read(f, LP_TABLE_STR, &s->str))
		return -EBADMSG;
	return lp_linetable_init(ret, s, at, NULL);
}

/* Does a line table list a file of that name? What can't be read may. */
static bool lists_file(struct lp_tables *f, const char *base)
{
	struct lp_line_sections s = { 0 };

	if (!lp_tables_read(f, LP_TABLE_LINE, &s.line) ||
	    !lp_tables_read(f, LP_TABLE_LINE_STR, &s.line_str))
		return true;
	struct lp_cursor c = { s.line.data, s.line.data + s.line.len, false };
	while (lp_cursor_left(&c) > 0) {
		lp_auto(lp_linetable_done) struct lp_linetable t = { 0 };

		if (init_table(f, &s, (uint64_t)(c.p - s.line.data), &t) < 0)
			return true;
		lp_vec_each (&t.files, file)
			if (!strcmp(lp_path_base(file->name), base))
				return true;
		lp_cursor_skip(&c, (uint64_t)(t.program.data + t.program.len - c.p));
	}
	return false;
}

static bool may_have(struct lp_mentions *s, const char *base)
{
	struct lp_tables *f = file_with_dwarf(s);
	const size_t len = strlen(base);

	/* without any, the message says that */
	if (!f->has_dwarf || len == 0)
		return true;
	if (f->digest.tail)
		return lp_digest_lists(&f->digest, base);
	return (mentions(f, LP_TABLE_LINE_STR, base, len) || mentions(f, LP_TABLE_STR, base, len) ||
		mentions(f, LP_TABLE_LINE, base, len)) &&
	       lists_file(f, base);
}

bool lp_may_have_file(struct lp_module *m, const char *file)
{
	struct lp_mentions *s = known_mentions(m);
	lp_auto(lp_free) char *path = strdup(file);

	if (!s || !path)
		return true;
	lp_path_normalise(path);
	if (s->file && !strcmp(s->file, path))
		return s->may_have_file;
	if (!mentions_of(m) || s->unclear)
		return true;
	free(s->file);
	s->file = lp_take(path);
	s->may_have_file = may_have(s, lp_path_base(s->file));
	/* what was decompressed is much, and no longer needed: libdw will have a copy, or all of it */
	if (s->may_have_file && !file_with_dwarf(s)->is_copy)
		close_files(s);
	return s->may_have_file;
}

bool lp_module_is_program(struct lp_module *m)
{
	GElf_Shdr sh;
	GElf_Dyn dyn;

	if (m->type == ET_EXEC)
		return true;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(m->elf, scn));) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_DYNAMIC)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++)
			if (dyn.d_tag == DT_FLAGS_1 && (dyn.d_un.d_val & DF_1_PIE))
				return true;
	}
	return false;
}
