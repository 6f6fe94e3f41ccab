/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/signals.h
 *
 * signals - signals and the reasons of them by name, as sigaction(2) has them.
 */
#ifndef LP_BASE_SIGNALS_H
#define LP_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, without a handler it ends the process) */
#define LP_SIGNALS(X)                                                                              \
	X(SIGHUP, true)                                                                            \
	X(SIGINT, true)                                                                            \
	X(SIGQUIT, true)                                                                           \
	X(SIGILL, true)                                                                            \
	X(SIGTRAP, true)                                                                           \
	X(SIGABRT, true)                                                                           \
	X(SIGBUS, true)                                                                            \
	X(SIGFPE, true)                                                                            \
	X(SIGKILL, true)                                                                           \
	X(SIGUSR1, true)                                                                           \
	X(SIGSEGV, true)                                                                           \
	X(SIGUSR2, true)                                                                           \
	X(SIGPIPE, true)                                                                           \
	X(SIGALRM, true)                                                                           \
	X(SIGTERM, true)                                                                           \
	X(SIGSTKFLT, true)                                                                         \
	X(SIGXCPU, true)                                                                           \
	X(SIGXFSZ, true)                                                                           \
	X(SIGVTALRM, true)                                                                         \
	X(SIGPROF, true)                                                                           \
	X(SIGIO, true)                                                                             \
	X(SIGPWR, true)                                                                            \
	X(SIGSYS, true)                                                                            \
	X(SIGCHLD, false)                                                                          \
	X(SIGCONT, false)                                                                          \
	X(SIGSTOP, false)                                                                          \
	X(SIGTSTP, false)                                                                          \
	X(SIGTTIN, false)                                                                          \
	X(SIGTTOU, false)                                                                          \
	X(SIGURG, false)                                                                           \
	X(SIGWINCH, false)

/* X(SIGNAL, NAME, si_code); SIGNAL 0: of any. Numbers, as a C library may not know all of them:
 * <asm-generic/siginfo.h>.
 */
#define LP_SIGNAL_CODES(X)                                                                         \
	X(0, SI_USER, 0)                                                                           \
	X(0, SI_KERNEL, 128)                                                                       \
	X(0, SI_QUEUE, -1)                                                                         \
	X(0, SI_TIMER, -2)                                                                         \
	X(0, SI_MESGQ, -3)                                                                         \
	X(0, SI_ASYNCIO, -4)                                                                       \
	X(0, SI_SIGIO, -5)                                                                         \
	X(0, SI_TKILL, -6)                                                                         \
	X(SIGILL, ILL_ILLOPC, 1)                                                                   \
	X(SIGILL, ILL_ILLOPN, 2)                                                                   \
	X(SIGILL, ILL_ILLADR, 3)                                                                   \
	X(SIGILL, ILL_ILLTRP, 4)                                                                   \
	X(SIGILL, ILL_PRVOPC, 5)                                                                   \
	X(SIGILL, ILL_PRVREG, 6)                                                                   \
	X(SIGILL, ILL_COPROC, 7)                                                                   \
	X(SIGILL, ILL_BADSTK, 8)                                                                   \
	X(SIGFPE, FPE_INTDIV, 1)                                                                   \
	X(SIGFPE, FPE_INTOVF, 2)                                                                   \
	X(SIGFPE, FPE_FLTDIV, 3)                                                                   \
	X(SIGFPE, FPE_FLTOVF, 4)                                                                   \
	X(SIGFPE, FPE_FLTUND, 5)                                                                   \
	X(SIGFPE, FPE_FLTRES, 6)                                                                   \
	X(SIGFPE, FPE_FLTINV, 7)                                                                   \
	X(SIGFPE, FPE_FLTSUB, 8)                                                                   \
	X(SIGFPE, FPE_FLTUNK, 14)                                                                  \
	X(SIGFPE, FPE_CONDTRAP, 15)                                                                \
	X(SIGSEGV, SEGV_MAPERR, 1)                                                                 \
	X(SIGSEGV, SEGV_ACCERR, 2)                                                                 \
	X(SIGSEGV, SEGV_BNDERR, 3)                                                                 \
	X(SIGSEGV, SEGV_PKUERR, 4)                                                                 \
	X(SIGSEGV, SEGV_ACCADI, 5)                                                                 \
	X(SIGSEGV, SEGV_ADIDERR, 6)                                                                \
	X(SIGSEGV, SEGV_ADIPERR, 7)                                                                \
	X(SIGSEGV, SEGV_MTEAERR, 8)                                                                \
	X(SIGSEGV, SEGV_MTESERR, 9)                                                                \
	X(SIGSEGV, SEGV_CPERR, 10)                                                                 \
	X(SIGBUS, BUS_ADRALN, 1)                                                                   \
	X(SIGBUS, BUS_ADRERR, 2)                                                                   \
	X(SIGBUS, BUS_OBJERR, 3)                                                                   \
	X(SIGBUS, BUS_MCEERR_AR, 4)                                                                \
	X(SIGBUS, BUS_MCEERR_AO, 5)                                                                \
	X(SIGTRAP, TRAP_BRKPT, 1)                                                                  \
	X(SIGTRAP, TRAP_TRACE, 2)                                                                  \
	X(SIGTRAP, TRAP_BRANCH, 3)                                                                 \
	X(SIGTRAP, TRAP_HWBKPT, 4)                                                                 \
	X(SIGTRAP, TRAP_UNK, 5)                                                                    \
	X(SIGTRAP, TRAP_PERF, 6)                                                                   \
	X(SIGSYS, SYS_SECCOMP, 1)                                                                  \
	X(SIGSYS, SYS_USER_DISPATCH, 2)

struct lp_signal_name {
	const char *name; /* "SIGSEGV" */
	int number;
	bool ends;
};
extern const struct lp_signal_name lp_signals[];
extern const size_t lp_signals_n;

/* "SIGSEGV"; NULL: it has no name. */
const char *lp_signal_name(int number);
/* NULL: none is called so. */
const struct lp_signal_name *lp_signal_by_name(const char *name, size_t len);
/* "SEGV_MAPERR"; NULL. */
const char *lp_signal_code_name(int signal, int code);

#endif
