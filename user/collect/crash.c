// SPDX-License-Identifier: GPL-2.0-only
/* What a record says of a signal that ended its process. */
#include <string.h>

#include "base/buf.h"
#include "base/signals.h"
#include "collect/plan.h"

bool lp_plan_read_crash(const struct lp_decoded *d, struct lp_arena *a, struct lp_crash *ret)
{
	const struct lp_block *b = d->signal.n ? d->signal.first : NULL,
			      *regs = d->regs.n ? d->regs.first : NULL,
			      *message = d->abort.n ? d->abort.first : NULL;
	struct lp_signal s;

	if (!b || b->status != LP_ST_OK || b->len < sizeof(s))
		return false;
	memcpy(&s, b + 1, sizeof(s));
	*ret = (struct lp_crash){
		.number = (int)s.number,
		.code = s.code,
		.name = lp_signal_name((int)s.number),
		.has_code = s.has & LP_SIGNAL_HAS_CODE,
		.has_addr = s.has & LP_SIGNAL_HAS_ADDR,
		.has_sender = s.has & LP_SIGNAL_HAS_SENDER,
		.addr = s.addr,
		.sender = (pid_t)s.sender,
	};
	if (ret->has_code)
		ret->code_name = lp_signal_code_name(ret->number, ret->code);
	if (regs && regs->status == LP_ST_OK && regs->len >= LP_MACH_REGS * sizeof(uint64_t))
		ret->registers = lp_arena_dup(a, regs + 1, LP_MACH_REGS * sizeof(uint64_t));
	if (message && message->status == LP_ST_OK) {
		ret->abort_len = message->len;
		while (ret->abort_len && ((const char *)(message + 1))[ret->abort_len - 1] == '\n')
			ret->abort_len--;
		ret->abort = lp_arena_dup(a, message + 1, ret->abort_len);
	}
	return true;
}

/* SIGSEGV (SEGV_MAPERR) at 0x10; SIGABRT (SI_TKILL) from process 12: what abort() says */
void lp_plan_show_crash(const struct lp_crash *c, struct lp_arena *a, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	if (c->name)
		lp_buf_str(&text, c->name);
	else
		lp_buf_fmt(&text, "signal %d", c->number);
	if (c->code_name)
		lp_buf_fmt(&text, " (%s)", c->code_name);
	else if (c->has_code)
		lp_buf_fmt(&text, " (code %d)", c->code);
	if (c->has_addr)
		lp_buf_fmt(&text, " at 0x%llx", (unsigned long long)c->addr);
	if (c->has_sender)
		lp_buf_fmt(&text, " from process %d", (int)c->sender);
	if (c->abort_len) {
		lp_buf_str(&text, ": ");
		lp_buf_add(&text, c->abort, c->abort_len);
	}
	*ret = (struct lp_value){ .kind = LP_VAL_STRING,
				  .str = lp_arena_dup(a, text.data, text.len),
				  .len = text.len };
	if (!ret->str)
		*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = "out of memory" };
}
