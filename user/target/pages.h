/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/pages.h
 *
 * pages - pages of a process's memory, each read once and kept: a look at many small things that lie
 * together costs a system call for each page, not for each thing. As old as its first reading.
 */
#ifndef LP_TARGET_PAGES_H
#define LP_TARGET_PAGES_H

#include <stddef.h>
#include <stdint.h>

struct lp_memfile;
struct lp_pages;

/* file is borrowed. NULL: out of memory. */
struct lp_pages *lp_pages_new(struct lp_memfile *file);
void lp_pages_free(struct lp_pages *p);
void lp_pages_forget(struct lp_pages *p); /* all; their memory is used again */

/* As struct lp_memory's. */
int lp_pages_read(struct lp_pages *p, uint64_t addr, void *buf, size_t len);

#endif
