/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/stacks.h
 *
 * stacks - how `logpoint stacks` shows what session/stacks.h has read.
 */
#ifndef LP_CLI_STACKS_H
#define LP_CLI_STACKS_H

#include "base/buf.h"
#include "session/stacks.h"

/* {"processes":[{"pid","comm","python","threads":[{"tid","comm","name","state","gil","task","stack":[...]}],
 * "tasks":[{"id","name","state","function","waits_for","tid","awaits":[ids],"stack":[...]}]}]}
 * A stack has frames as a record's, {"folded":12} and {"note":"changed while read"}.
 */
void lp_stacks_json(struct lp_buf *out, const struct lp_process_stacks *list, size_t n);
/* Threads, then the tasks: under each those that it awaits. */
void lp_stacks_text(struct lp_buf *out, const struct lp_process_stacks *list, size_t n);

/* "running", "waiting"...: of a state as in /proc/PID/stat; NULL: not known */
const char *lp_stacks_state(char state);

#endif
