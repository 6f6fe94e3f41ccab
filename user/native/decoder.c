// SPDX-License-Identifier: GPL-2.0-only
#include "native/decoder.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>

#include "base/auto.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	uint16_t machine;
	cs_arch arch;
	cs_mode mode;
	csh handle; /* 0: none yet */
} decoders[] = {
	{ EM_X86_64, CS_ARCH_X86, CS_MODE_64, 0 },
	{ EM_386, CS_ARCH_X86, CS_MODE_32, 0 },
};

static int open_decoder(uint16_t machine, bool detail, csh *ret)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(decoders); i++) {
		if (decoders[i].machine != machine)
			continue;
		csh *handle = &decoders[i].handle;
		if (!*handle && cs_open(decoders[i].arch, decoders[i].mode, handle) != CS_ERR_OK)
			return -ENOMEM;
		*ret = *handle;
		cs_option(*ret, CS_OPT_DETAIL, detail ? CS_OPT_ON : CS_OPT_OFF);
		return 0;
	}
	return -ENOTSUP;
}

int lp_decoder_take(uint16_t machine, bool detail, csh *ret)
{
	pthread_mutex_lock(&lock);
	int r = open_decoder(machine, detail, ret);
	if (r < 0)
		pthread_mutex_unlock(&lock);
	return r;
}

void lp_decoder_give(void)
{
	pthread_mutex_unlock(&lock);
}
