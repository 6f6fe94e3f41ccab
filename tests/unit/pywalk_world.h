/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/pywalk_world.h
 *
 * pywalk_world - the kernel side's walk through CPython's objects, on the host: the includer supplies
 *
 *	long lp_mem_read(void *dst, __u32 len, __u64 addr)
 *	long lp_mem_read_str(char *dst, __u32 size, __u64 addr)
 *
 * and gets walk_capture(), which makes a record that holds one value.
 */
#ifndef LP_TESTS_PYWALK_WORLD_H
#define LP_TESTS_PYWALK_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/state.h"
#include "host_loop.h"
#include "expr/compile.h"
#include "python/value.h"

static const struct lp_py_runtime *walk_runtime;
static const char *const walk_redact[] = { "password", "pass_wort", "api_key",
					   "token",    "größe",	    NULL };
static uint64_t walk_hashes[8];

static long lp_mem_touch(__u64 addr)
{
	(void)addr;
	return -1;
}

static long lp_mem_direct(struct lp_vm *vm, __u64 *to, __u64 addr)
{
	(void)vm, (void)to, (void)addr;
	return -1;
}

static __attribute__((unused)) __u64 lp_mem_direct_word(struct lp_vm *vm, __u64 addr)
{
	(void)vm, (void)addr;
	return 0;
}

static __u64 lp_thread_pointer(void)
{
	return 0;
}

static __u64 lp_stack_end(void)
{
	return 0;
}

static const struct lp_py_runtime *lp_py_rt(struct lp_vm *vm)
{
	(void)vm;
	return walk_runtime;
}

static int lp_py_is_redacted(__u64 hash)
{
	for (int i = 0; walk_hashes[i]; i++)
		if (walk_hashes[i] == hash)
			return 1;
	return 0;
}

#include "../../bpf/memory.h"
#include "../../bpf/capture.h"
#include "../../bpf/pywalk.h"

static struct lp_vm vm;

/* A hit begins. */
static void walk_begin(uint32_t room)
{
	for (int i = 0; walk_redact[i]; i++)
		walk_hashes[i] = lp_py_name_hash(walk_redact[i], strlen(walk_redact[i]));
	vm.walk.serial++;
	vm.flags = 0;
	vm.len = sizeof(struct lp_record);
	vm.room = room;
}

static void walk_add(uint32_t slot, const struct lp_py_value *v, uint64_t limits)
{
	vm.walk.value = *v;
	lp_cap_py(&vm, slot, limits);
}

/* The record of the hit. */
static const struct lp_record *walk_end(void)
{
	struct lp_record *r = (struct lp_record *)vm.rec;

	*r = (struct lp_record){ .kind = LP_REC_HIT, .flags = vm.flags, .len = vm.len };
	return r;
}

#endif
