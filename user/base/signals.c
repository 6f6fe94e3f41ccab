// SPDX-License-Identifier: GPL-2.0-only
#include "base/signals.h"

#include <string.h>

#include "base/auto.h"

const struct lp_signal_name lp_signals[] = {
#define NAME(name, ends) { #name, name, ends },
	LP_SIGNALS(NAME)
#undef NAME
};
const size_t lp_signals_n = LP_ARRAY_SIZE(lp_signals);

static const struct {
	int signal; /* 0: any */
	const char *name;
	int code;
} codes[] = {
#define CODE(signal, name, code) { signal, #name, code },
	LP_SIGNAL_CODES(CODE)
#undef CODE
};

const char *lp_signal_name(int number)
{
	for (size_t i = 0; i < lp_signals_n; i++)
		if (lp_signals[i].number == number)
			return lp_signals[i].name;
	return NULL;
}

const struct lp_signal_name *lp_signal_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < lp_signals_n; i++)
		if (strlen(lp_signals[i].name) == len && !memcmp(lp_signals[i].name, name, len))
			return &lp_signals[i];
	return NULL;
}

const char *lp_signal_code_name(int signal, int code)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(codes); i++)
		if (codes[i].code == code && (!codes[i].signal || codes[i].signal == signal))
			return codes[i].name;
	return NULL;
}
