// SPDX-License-Identifier: GPL-2.0-only
/* Labels whose addresses are taken are kept in data, as whole words: in place, or, where the loader
 * writes them, as what a relocation adds to the load bias.
 */
#include <errno.h>
#include <string.h>

#include "native/arrive.h"

#define CHUNK 65536

void lp_labels_free(struct lp_labels *l)
{
	if (!l)
		return;
	lp_vec_done(&l->at);
	free(l);
}
LP_CLEANUP(struct lp_labels *, lp_labels_free)

static int add(struct lp_module *m, struct lp_labels *l, uint64_t word)
{
	return lp_code_find(m, word) ? lp_vec_push(&l->at, word) : 0;
}

/* Words of a section in the file. */
static int add_words(struct lp_module *m, struct lp_labels *l, const GElf_Shdr *sh)
{
	lp_auto(lp_free) uint64_t *words = malloc(CHUNK);
	const uint64_t first = (sh->sh_addr + 7) & ~7ull, end = sh->sh_addr + sh->sh_size;

	if (!words)
		return -ENOMEM;
	for (uint64_t at = first; at < end; at += CHUNK) {
		const size_t want = end - at < CHUNK ? end - at : CHUNK;
		const size_t n = lp_module_bytes(m, at, words, want) / sizeof(*words);

		for (size_t i = 0; i < n; i++)
			if (words[i] && add(m, l, words[i]) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* What relocations without a symbol, or with one in the module, add. */
static int add_addends(struct lp_module *m, struct lp_labels *l, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Rela rela;

	if (!data || !sh->sh_entsize)
		return 0;
	for (size_t i = 0; i < sh->sh_size / sh->sh_entsize; i++)
		if (gelf_getrela(data, (int)i, &rela) && GELF_R_SYM(rela.r_info) == 0 &&
		    add(m, l, (uint64_t)rela.r_addend) < 0)
			return -ENOMEM;
	return 0;
}

const struct lp_labels *lp_labels_of(struct lp_module *m)
{
	lp_auto(lp_labels_free) struct lp_labels *l = NULL;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	int r = 0;

	if (m->index->labels)
		return m->index->labels;
	l = calloc(1, sizeof(*l));
	while (l && r == 0 && (scn = elf_nextscn(m->elf, scn)) != NULL) {
		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC))
			continue;
		if (sh.sh_type == SHT_RELA)
			r = add_addends(m, l, scn, &sh);
		else if (sh.sh_type == SHT_PROGBITS && !(sh.sh_flags & SHF_EXECINSTR))
			r = add_words(m, l, &sh);
	}
	if (!l || r < 0)
		return NULL;
	if (l->at.len > 0)
		qsort(l->at.data, l->at.len, sizeof(*l->at.data), lp_compare_u64);
	return m->index->labels = lp_take(l);
}
