/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/messages.h
 *
 * messages - where the C library of a process keeps the message of abort() (__abort_msg).
 */
#ifndef LP_BPF_MESSAGES_H
#define LP_BPF_MESSAGES_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} crash_messages SEC(".maps");

#endif
