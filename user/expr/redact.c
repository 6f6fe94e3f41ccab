// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
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

static bool same(const char *entry, const char *name, size_t len)
{
	size_t i = 0;

	for (;;) {
		while (*entry == '_' || *entry == '-')
			entry++;
		while (i < len && (name[i] == '_' || name[i] == '-'))
			i++;
		if (!*entry || i == len)
			return !*entry && i == len;
		if (tolower((unsigned char)*entry++) != tolower((unsigned char)name[i++]))
			return false;
	}
}

bool lp_redacted(const char *const *names, const char *name, size_t len)
{
	for (; names && *names; names++)
		if (same(*names, name, len))
			return true;
	return false;
}
