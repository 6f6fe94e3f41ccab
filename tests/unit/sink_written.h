/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/sink_written.h
 *
 * sink_written - what sinks make of events, in a time zone two hours east of Greenwich.
 */
#ifndef LP_TESTS_SINK_WRITTEN_H
#define LP_TESTS_SINK_WRITTEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sink/sink.h"

static int file = -1;
static char output[1 << 20];

static inline int written_setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC-2", 1);
	tzset();
	file = memfd_create("out", MFD_CLOEXEC);
	return file < 0 ? -1 : 0;
}

static inline int written_teardown(void **state)
{
	(void)state;
	close(file);
	return 0;
}

/* What a sink makes of one event, whatever it has made before. */
static inline const char *written_by(struct lp_sink *s, const struct lp_event *ev)
{
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	assert_int_equal(lp_sink_emit(s, ev, NULL), 0);
	assert_int_equal(lp_sink_flush(s, NULL), 0);

	ssize_t n = pread(file, output, sizeof(output) - 1, 0);
	assert_true(n > 0);
	output[n] = '\0';
	return output;
}

static inline const char *written(const char *format, bool color, const struct lp_event *ev)
{
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;

	assert_int_equal(lp_sink_new(format, file, color, &s, NULL), 0);
	return written_by(s, ev);
}

#define STR(s)                                                                                     \
	{                                                                                          \
		.kind = LP_VAL_STRING, .str = (s), .len = sizeof(s) - 1                            \
	}
#define INT(v)                                                                                     \
	{                                                                                          \
		.kind = LP_VAL_INT, .s = (v), .size = 4                                            \
	}
#define ERR(s)                                                                                     \
	{                                                                                          \
		.kind = LP_VAL_ERROR, .str = (s)                                                   \
	}
#define MSG(s) .message = (s), .message_len = sizeof(s) - 1

/* 2026-11-23T06:06:46.123456789Z */
#define TIME 1795414006123456789u

static const struct lp_event minimal = {
	.time = TIME,
	.logpoint = "app.py:42",
	.hit = 17,
	.pid = 4711,
	.tid = 4712,
	.comm = "python3",
	MSG("user=7 items=3"),
};

#endif
