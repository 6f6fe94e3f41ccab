// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "expr/compile.h"

const char *const lp_redact_default[] = {
	"password",	  "passwd",
	"passphrase",	  "pwd",
	"secret",	  "client_secret",
	"secret_key",	  "token",
	"access_token",	  "refresh_token",
	"auth_token",	  "id_token",
	"session_token",  "csrf_token",
	"bearer_token",	  "api_key",
	"access_key",	  "private_key",
	"encryption_key", "authorization",
	"cookie",	  "set_cookie",
	"credential",	  "credentials",
	"session_key",	  NULL,
};

/* Names are ASCII, or differ. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool is_filler(char c)
{
	return c == '_' || c == '-';
}

static bool same(const char *entry, const char *name, size_t len)
{
	size_t i = 0;

	for (;;) {
		while (is_filler(*entry))
			entry++;
		while (i < len && is_filler(name[i]))
			i++;
		if (!*entry || i == len)
			return !*entry && i == len;
		if (lower(*entry++) != lower(name[i++]))
			return false;
	}
}

bool lp_redacted(const char *const *names, const char *name, size_t len)
{
	size_t skip = 0;

	while (skip < len && is_filler(name[skip]))
		skip++;

	/* most names differ in their first letter from all */
	const char first = skip < len ? lower(name[skip]) : '\0';
	for (; names && *names; names++) {
		const char *entry = *names;

		while (is_filler(*entry))
			entry++;
		if (lower(*entry) == first && same(entry, name + skip, len - skip))
			return true;
	}
	return false;
}
