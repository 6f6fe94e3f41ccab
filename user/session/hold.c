// SPDX-License-Identifier: GPL-2.0-only
/* A command that we start ourselves is to be logged from its first instruction on. What it runs is
 * mostly known before it starts; where it executes another program, or Python a module, it waits
 * (lp/hold.h) until what comes is armed: a millisecond each. Its children don't wait: they are its own,
 * and it may watch them.
 */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "lp/hold.h"

/* Right-aligned, as much as is compared. */
static void set_text(struct lp_hold_name *n, const char *text, size_t len)
{
	const size_t kept = len < LP_HOLD_BYTES ? len : LP_HOLD_BYTES;

	memcpy((char *)n->text + LP_HOLD_BYTES - kept, text + len - kept, kept);
	memset((char *)n->mask + LP_HOLD_BYTES - kept, 0xff, kept);
}

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

/* What tells a module that has the place of a logpoint; false: none does. */
static bool tell_place(const struct lp_location *at, struct lp_hold_name *ret)
{
	const bool is_file = at->kind == LP_AT_LINE;
	const char *text = is_file ? at->file : at->name,
		   *last = strrchr(text, is_file ? '/' : '.');

	if (last)
		text = last + 1;
	if (!*text || !is_ascii(text) || (!is_file && strpbrk(text, "*?[")))
		return false;
	*ret = (struct lp_hold_name){ .len = is_file ? 0 : (uint32_t)strlen(text) };
	set_text(ret, text, strlen(text));
	return true;
}

static void tell_places(const struct lp_session *s, struct lp_hold *h)
{
	lp_vec_each (&s->points, p) {
		/* exceptions, stacks: at every module, as long as the interpreter is being made */
		if (session_is_trap(*p) || (*p)->lp->with_stack)
			h->every |= !session_interp(s, s->child);
		if (!session_may_be_python(*p) || session_is_trap(*p))
			continue;
		if (h->n == LP_HOLD_NAMES || !tell_place(&(*p)->lp->location, &h->names[h->n]))
			h->every = 1;
		else
			h->n++;
	}
}

/* Before the process has mapped it: an interpreter among the files that it will map. */
static void tell_layout(const struct lp_session *s, struct lp_hold *h)
{
	struct lp_py_layout l;

	lp_vec_each (&s->made, f) {
		if (lp_python_layout_in((*f)->fd, (*f)->path, &l) < 0)
			continue;
		h->code_name = l.code_name;
		h->code_filename = l.code_filename;
		h->str_length = l.str_length;
		h->str_state = l.str_state;
		h->str_ascii = l.str_ascii;
		h->ascii_bit = l.str_kind_shift + 4;
	}
}

static void hold(struct lp_session *s, uint32_t execs)
{
	struct lp_hold h = { .tgid = (uint32_t)s->child,
			     .execs = execs,
			     .maps = session_wants_stacks(s) || session_has_crash(s) };

	tell_places(s, &h);
	if (h.n || h.every)
		tell_layout(s, &h);
	lp_kernel_set_hold(s->kernel, &h);
}

void session_hold_begin(struct lp_session *s)
{
	if (s->child)
		hold(s, 1); /* what it is to become */
}

void session_hold_exec(struct lp_session *s)
{
	hold(s, 0);
}

void session_hold_release(struct lp_session *s)
{
	s->released++;
	kill(s->child, SIGCONT);
}

void session_hold_end(struct lp_session *s)
{
	const struct lp_hold nobody = { 0 };

	if (!s->child || !s->kernel)
		return;
	lp_kernel_set_hold(s->kernel, &nobody);
	if (!s->child_done && lp_kernel_held(s->kernel) != s->released)
		session_hold_release(s);
}
