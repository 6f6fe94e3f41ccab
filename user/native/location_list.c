// SPDX-License-Identifier: GPL-2.0-only
/* Location lists with view numbers (gcc's DW_AT_GNU_locviews): where several lines begin at one
 * address, an entry of the list may hold for only some of them. Source: "Location View Numbering"
 * (dwarfstd.org issue 170427.1) and gcc's dwarf2out.
 */
#include <dwarf.h>
#include <string.h>

#include "native/location_impl.h"
#include "native/scope_die.h"

#define ENTRIES_MAX (1u << 16)

struct views {
	const uint8_t *at, *end; /* NULL: none */
};

static bool next_uleb(struct views *v, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; v->at < v->end && shift < 64; shift += 7) {
		uint8_t byte = *v->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static Elf_Data *section(Dwarf *dwarf, const char *name)
{
	Elf *elf = dwarf_getelf(dwarf);
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		const char *have =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (have && !strcmp(have, name) && !(shdr.sh_flags & SHF_COMPRESSED))
			return elf_getdata(scn, NULL);
	}
	return NULL;
}

static struct views views_of(Dwarf_Die *die)
{
	struct views v = { 0 };
	Dwarf_Attribute mem;
	Dwarf_Half version;
	Dwarf_Word offset;

	if (!die || !lp_die_attr(die, DW_AT_GNU_locviews, &mem) ||
	    dwarf_formudata(&mem, &offset) != 0 ||
	    dwarf_cu_info(mem.cu, &version, NULL, NULL, NULL, NULL, NULL, NULL) != 0)
		return v;

	Elf_Data *data =
		section(dwarf_cu_getdwarf(mem.cu), version < 5 ? ".debug_loc" : ".debug_loclists");
	if (data && offset < data->d_size) {
		v.at = (const uint8_t *)data->d_buf + offset;
		v.end = (const uint8_t *)data->d_buf + data->d_size;
	}
	return v;
}

/* Is address a of view v before address b of view w? */
static bool before(uint64_t a, uint64_t v, uint64_t b, uint64_t w)
{
	return a < b || (a == b && v < w);
}

int lp_location_find(const struct lp_loc_at *at, Dwarf_Die *die, Dwarf_Attribute *attr,
		     Dwarf_Op **ret, size_t *ret_n)
{
	struct views views = views_of(die);
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;

	if (!views.at)
		return dwarf_getlocation_addr(attr, at->vaddr, ret, ret_n, 1);
	for (size_t i = 0; i < ENTRIES_MAX; i++) {
		uint64_t from, to;

		offset = dwarf_getlocations(attr, offset, &base, &start, &end, ret, ret_n);
		if (offset <= 0)
			return (int)offset;
		if (!next_uleb(&views, &from) || !next_uleb(&views, &to))
			return -1;
		if (!before(at->vaddr, at->view, start, from) &&
		    before(at->vaddr, at->view, end, to))
			return 1;
	}
	return -1;
}
