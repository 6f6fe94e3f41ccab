// SPDX-License-Identifier: GPL-2.0-only
/* bench_collect - how many records a second one CPU decodes, renders and writes, in each format, and
 * how many it keeps in 16 MiB instead (--last): a message of three values (an int, a struct member
 * that is a char array, a C string).
 *
 *	bench_collect [RECORDS] [FILE]		default: 2000000 to /tmp
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "collect/collect.h"
#include "sink/sink.h"

#define BATCH 4096
#define LAST  (16u << 20)

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t put_block(char *at, uint16_t slot, const void *data, uint32_t len, uint64_t addr)
{
	struct lp_block b = { .slot = slot, .len = len, .addr = addr };

	memcpy(at, &b, sizeof(b));
	memcpy(at + sizeof(b), data, len);
	return sizeof(b) + LP_ALIGN(len);
}

static uint32_t make_record(char *buf, uint64_t n)
{
	struct lp_record rec = { .kind = LP_REC_HIT,
				 .hit = n + 1,
				 .pid = 4711,
				 .tid = 4712,
				 .time = 1000000000u + n * 1500,
				 .comm = "server" };
	int user = (int)(n * 7919);
	size_t at = sizeof(rec);

	at += put_block(buf + at, 0, &user, sizeof(user), 0);
	at += put_block(buf + at, 1, "worker-12", 9, 0x55d0c0de1010);
	at += put_block(buf + at, 2, "/api/v1/items/4711", 18, 0x7ffcc0de2020);
	rec.len = (uint32_t)at;
	memcpy(buf, &rec, sizeof(rec));
	return rec.len;
}

static int emit(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	return lp_sink_emit(arg, ev, err);
}

static int keep(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	return lp_sink_keep(arg, ev, false, err);
}

static struct lp_field fields[] = {
	{ .kind = LP_FIELD_VALUE, .text = "user", .type = &lp_type_int, .slot = 0 },
	{ .kind = LP_FIELD_VALUE,
	  .text = "req->name",
	  .type = &lp_type_char_ptr,
	  .slot = 1,
	  .as_string = true },
	{ .kind = LP_FIELD_VALUE,
	  .text = "path",
	  .type = &lp_type_char_ptr,
	  .slot = 2,
	  .as_string = true },
};
static struct lp_part parts[] = {
	{ .literal = "user=", .len = 5 },  { .field = 0, .format.precision = -1 },
	{ .literal = " name=", .len = 6 }, { .field = 1, .format.precision = -1 },
	{ .literal = " path=", .len = 6 }, { .field = 2, .format.precision = -1 },
};
static const struct lp_template template = { .parts = parts,
					     .n_parts = LP_ARRAY_SIZE(parts),
					     .fields = fields,
					     .n_fields = LP_ARRAY_SIZE(fields) };
static const struct lp_site_info site = {
	.logpoint = "server.c:120",
	.file = "/srv/src/server.c",
	.function = "handle",
	.line = 120,
	.template = &template,
	.max_string = LP_STRING_DEFAULT,
	.max_items = LP_ITEMS_DEFAULT,
	.max_depth = LP_DEPTH_DEFAULT,
	.max_frames = LP_FRAMES_DEFAULT,
};

static int run(const char *format, bool kept, size_t n, const char *path, struct lp_err *err)
{
	const struct lp_collect_ops ops = { .event = kept ? keep : emit };
	lp_auto(lp_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	lp_auto(lp_sink_free) struct lp_sink *sink = NULL;
	lp_auto(lp_collect_free) struct lp_collect *c = NULL;
	_Alignas(8) char record[512];
	int r;

	if (fd < 0)
		return lp_err_set(err, errno, "cannot open '%s': %s", path, strerror(errno));
	r = lp_sink_new(format, fd, false, &sink, err);
	if (r >= 0 && kept)
		r = lp_sink_keep_last(sink, LAST, err);
	if (r >= 0)
		r = lp_collect_new(&ops, sink, NULL, &c, err);
	if (r < 0)
		return r;
	r = lp_collect_set_site(c, 0, &site);

	double start = now(), making = 0;
	for (size_t i = 0; i < n && r >= 0; i++)
		making += make_record(record, i) == 0;
	making = now() - start;

	start = now();
	for (size_t i = 0; i < n && r >= 0; i++) {
		uint32_t len = make_record(record, i);

		r = lp_collect_feed(c, record, len, err);
		if (r >= 0 && i % BATCH == BATCH - 1)
			r = lp_collect_flush(c, UINT64_MAX, err);
	}
	if (r >= 0)
		r = lp_collect_flush(c, UINT64_MAX, err);
	if (r >= 0)
		r = lp_sink_flush(sink, err);
	double took = now() - start - making;

	if (r < 0)
		return r;

	off_t size = lseek(fd, 0, SEEK_CUR);
	double each =
		kept ? (double)sink->kept.used / (double)sink->kept.n : (double)size / (double)n;
	printf("%-6s %-7s %10.0f records/s  %4.0f ns each  %3.0f bytes each\n", format,
	       kept ? "kept" : "written", (double)n / took, took / (double)n * 1e9, each);
	return 0;
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
	const char *path = argc > 2 ? argv[2] : "/tmp/bench_collect.out";
	struct lp_err err = { 0 };

	for (int i = 0; i < 4; i++) {
		if (run(i < 2 ? "text" : "json", i % 2, n, path, &err) < 0) {
			fprintf(stderr, "bench_collect: %s\n", err.msg);
			return 1;
		}
	}
	unlink(path);
	return 0;
}
