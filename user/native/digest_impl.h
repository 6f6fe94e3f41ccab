/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/digest_impl.h - how a digest stands in the file: read in digest.c, made in digest_write.c and
 * digest_names.c. All in this machine's byte order, each part at a multiple of 8 in the file, the tail at its end.
 */
#ifndef LP_NATIVE_DIGEST_IMPL_H
#define LP_NATIVE_DIGEST_IMPL_H

#include "base/vec.h"
#include "native/digest.h"
#include "native/index.h"

#define LP_DIGEST_MAGIC                                                                            \
	"logpoint dig 2" /* another one whenever anything here means something else */
#define LP_DIGEST_ALIGNMENT 8

/* A filter: bits for each name, and how many of them one name sets. */
#define LP_DIGEST_BITS	 20
#define LP_DIGEST_PROBES 8

#define LP_DIGEST_UNIT_CODE    0x1u
#define LP_DIGEST_UNIT_PARTIAL 0x2u
#define LP_DIGEST_UNIT_GO      0x4u

#define LP_DIGEST_NAMES 0x1u /* there are filters */
#define LP_DIGEST_FAR	0x2u /* they have declarations, and references to other units */
#define LP_DIGEST_NEAR	0x4u /* no variable is more of one in another unit */

/* Where names end up that have nothing before them; that can have anything. */
#define LP_DIGEST_NO_SCOPE  0
#define LP_DIGEST_ANY_SCOPE 1

struct lp_digest_unit {
	uint64_t die, line_table;
	uint64_t comp_dir;   /* offset in one of lp_digest_strings */
	uint64_t first_file; /* in the table of files */
	uint32_t n_files;
	uint16_t comp_dir_in; /* which of them, from 1 on; 0: there is no folder */
	uint16_t flags;
};
_Static_assert(sizeof(struct lp_digest_unit) == 40, "as it stands in the file");
_Static_assert(sizeof(struct lp_owned_range) == 32, "as it stands in the file");
_Static_assert(sizeof(struct lp_range) == 16, "as it stands in the file");

/* What a unit's folder can stand in, as comp_dir_in counts them. */
#define LP_DIGEST_STRINGS 3
extern const char *const lp_digest_strings[LP_DIGEST_STRINGS];

/* The filter of a unit, of whatever kind it is. */
struct lp_digest_filter {
	uint64_t start, end; /* of the unit, in .debug_info */
	uint64_t at;	     /* in the file */
	uint64_t words;	     /* of 64 bits; 0: it can have anything */
	uint64_t sum;
};
_Static_assert(sizeof(struct lp_digest_filter) == 40, "as it stands in the file");

/* A part of it. */
struct lp_digest_table {
	uint64_t at, n; /* in the file, and how many items there are */
};

enum {
	LP_DIGEST_CODE,	  /* struct lp_range: executable parts, by which it was told what is code */
	LP_DIGEST_UNITS,  /* struct lp_digest_unit */
	LP_DIGEST_RANGES, /* struct lp_owned_range */
	LP_DIGEST_FILES, /* uint32_t: lp_file_hash() and LP_FILE_HAS_ROWS, of units one after the other */
	LP_DIGEST_FILTERS, /* struct lp_digest_filter */
	LP_DIGEST_TABLES
};

struct lp_digest_forms {
	uint64_t inline_max;
	uint32_t indexed, far;
};

struct lp_digest_tail {
	struct lp_digest_table tables[LP_DIGEST_TABLES];
	uint64_t sums[LP_DIGEST_TABLES];
	struct lp_digest_forms functions, others;
	uint64_t flags;
	char magic[16];
	uint64_t sum; /* of all before */
};
_Static_assert(sizeof(struct lp_digest_tail) == 184, "as it stands in the file");

static inline uint64_t lp_digest_mix(uint64_t h)
{
	h = (h ^ h >> 32) * UINT64_C(0x9fb21c651e98df25);
	return h ^ h >> 29;
}

/* Of whole words: it tells damage, not a forgery. */
static inline uint64_t lp_digest_sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum[2] = { len, ~len }, w[2];

	for (; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
		memcpy(w, p, sizeof(w));
		sum[0] = (sum[0] ^ w[0]) * UINT64_C(0x9e3779b97f4a7c15);
		sum[1] = (sum[1] ^ w[1]) * UINT64_C(0xc2b2ae3d27d4eb4f);
		sum[0] ^= sum[0] >> 31;
		sum[1] ^= sum[1] >> 31;
	}
	w[0] = w[1] = 0;
	if (len > 0)
		memcpy(w, p, len);
	return lp_digest_mix(sum[0] ^ w[0]) ^ lp_digest_mix(sum[1] + w[1]);
}

/* A name up to its template arguments. */
static inline uint64_t lp_digest_word(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name && *name != '<'; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return h | 2; /* none of the two scopes above */
}

/* What is in a filter; never 0. */
static inline uint64_t lp_digest_key(uint64_t h)
{
	h = lp_digest_mix(h);
	return h ? h : 1;
}

static inline uint64_t lp_digest_name_key(uint64_t tag, uint64_t word)
{
	return lp_digest_key(word + tag * UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t lp_digest_scoped_key(uint64_t word, uint64_t scope)
{
	return lp_digest_key(lp_digest_mix(word) + scope);
}

static inline uint64_t lp_digest_reference_key(uint64_t die)
{
	return lp_digest_key(~die);
}

/* The bit of one of a key's probes. */
static inline uint64_t lp_digest_bit(uint64_t key, unsigned int probe, uint64_t words)
{
	const uint32_t at = (uint32_t)key + probe * (uint32_t)(key >> 32 | 1);

	return (uint64_t)at * (words * 64) >> 32;
}

/* The filters of all units of a file that is not compressed. */
struct lp_digest_filters {
	LP_VEC(struct lp_digest_filter) units; /* `at` and `sum` are not known yet */
	LP_VEC(uint64_t *) words;	       /* of each; NULL: it can have anything */
};

struct lp_naming_file;
int lp_digest_filters_init(struct lp_digest_filters *f, const struct lp_naming_file *file,
			   struct lp_span str);
void lp_digest_filters_done(struct lp_digest_filters *f);
LP_CLEANUP_DONE(struct lp_digest_filters, lp_digest_filters_done)

#endif
