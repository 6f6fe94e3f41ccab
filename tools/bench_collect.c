// SPDX-License-Identifier: GPL-2.0-only
/* bench_collect - how many records a second one CPU decodes, renders and writes, in each format, and
 * how many it keeps in 16 MiB instead (--last), and how many it writes that lie in 64 rings, as on a machine of
 * 256 CPUs, to be merged: a message of three values (an int, a struct member that is a char array, a C string).
 *
 *	bench_collect [RECORDS] [FILE]		default: 2000000 to /tmp
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "collect/collect.h"
#include "probe/ring.h"
#include "sink/sink.h"

#define BATCH 4096
#define LAST  (16u << 20)
#define RING  (256u << 10)

enum way { WRITTEN, KEPT, MERGED };
static const char *const ways[] = { "written", "kept", "merged" };

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

static struct lp_ring rings[LP_RINGS_MAX];
static uint64_t positions[LP_RINGS_MAX][2]; /* consumer, producer */

static int make_rings(struct lp_err *err)
{
	for (size_t i = 0; i < LP_RINGS_MAX && !rings[i].data; i++) {
		rings[i] = (struct lp_ring){ .consumer = &positions[i][0],
					     .producer = &positions[i][1],
					     .data = calloc(1, RING),
					     .size = RING,
					     .joined = malloc(LP_RECORD_MAX) };
		if (!rings[i].data || !rings[i].joined)
			return lp_err_nomem(err);
	}
	return 0;
}

/* Records from the first on, each in a ring by chance, until one is full: how many. */
static size_t fill_rings(char *record, uint64_t first)
{
	uint32_t chance = (uint32_t)first;

	for (uint64_t i = first;; i++) {
		const uint32_t len = make_record(record, i);

		chance = chance * 1664525u + 1013904223u;
		const size_t ring = chance >> 26;
		uint64_t *end = &positions[ring][1];
		const size_t at = *end % RING, all = BPF_RINGBUF_HDR_SZ + LP_ALIGN(len);
		uint8_t *data = (uint8_t *)rings[ring].data;
		if (*end + all - positions[ring][0] > RING)
			return i - first;
		for (size_t k = 0; k < all; k++) {
			const uint32_t head[2] = { len };

			data[(at + k) % RING] = k < sizeof(head)
							? ((const uint8_t *)head)[k]
							: (uint8_t)record[k - sizeof(head)];
		}
		*end += all;
	}
}

struct feeding {
	struct lp_collect *collect;
	struct lp_err *err;
};

static int feed(const void *record, size_t len, void *arg)
{
	struct feeding *f = arg;

	return lp_collect_feed(f->collect, record, len, f->err);
}

/* The seconds that n records took, *ret_n: a few more. */
static double merge(struct lp_collect *c, char *record, size_t n, size_t *ret_n, struct lp_err *err)
{
	struct feeding f = { c, err };
	double took = 0;
	uint64_t until;
	size_t done = 0;

	if (make_rings(err) < 0)
		return -1;
	while (done < n) {
		done += fill_rings(record, done);
		const double start = now();
		if (lp_rings_drain(rings, LP_RINGS_MAX, done, feed, &f, &until) < 0 ||
		    lp_collect_flush(c, UINT64_MAX, err) < 0)
			return -1;
		took += now() - start;
	}
	*ret_n = done;
	return took;
}

/* The seconds that n records took. */
static double feed_one_by_one(struct lp_collect *c, char *record, size_t n, struct lp_err *err)
{
	double start = now(), making = 0;

	for (size_t i = 0; i < n; i++)
		making += make_record(record, i) == 0;
	making = now() - start;

	start = now();
	for (size_t i = 0; i < n; i++) {
		uint32_t len = make_record(record, i);

		if (lp_collect_feed(c, record, len, err) < 0 ||
		    (i % BATCH == BATCH - 1 && lp_collect_flush(c, UINT64_MAX, err) < 0))
			return -1;
	}
	return lp_collect_flush(c, UINT64_MAX, err) < 0 ? -1 : now() - start - making;
}

static int run(const char *format, enum way way, size_t n, const char *path, struct lp_err *err)
{
	const struct lp_collect_ops ops = { .event = way == KEPT ? keep : emit };
	lp_auto(lp_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	lp_auto(lp_sink_free) struct lp_sink *sink = NULL;
	lp_auto(lp_collect_free) struct lp_collect *c = NULL;
	_Alignas(8) char record[512];
	int r;

	if (fd < 0)
		return lp_err_set(err, errno, "cannot open '%s': %s", path, strerror(errno));
	r = lp_sink_new(format, fd, false, &sink, err);
	if (r >= 0 && way == KEPT)
		r = lp_sink_keep_last(sink, LAST, err);
	if (r >= 0)
		r = lp_collect_new(&ops, sink, NULL, &c, err);
	if (r < 0)
		return r;
	r = lp_collect_set_site(c, 0, &site);

	double took =
		way == MERGED ? merge(c, record, n, &n, err) : feed_one_by_one(c, record, n, err);
	const double start = now();
	r = took < 0 ? -EIO : lp_sink_flush(sink, err);
	took += now() - start;
	if (r < 0)
		return r;

	off_t size = lseek(fd, 0, SEEK_CUR);
	double each = way == KEPT ? (double)sink->kept.used / (double)sink->kept.n
				  : (double)size / (double)n;
	printf("%-6s %-7s %10.0f records/s  %4.0f ns each  %3.0f bytes each\n", format, ways[way],
	       (double)n / took, took / (double)n * 1e9, each);
	return 0;
}

static bool is_plain_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
	const char *path = argc > 2 ? argv[2] : "/tmp/bench_collect.out";
	struct lp_err err = { 0 };

	for (int i = 0; i < 6; i++) {
		if (run(i < 3 ? "text" : "json", (enum way)(i % 3), n, path, &err) < 0) {
			fprintf(stderr, "bench_collect: %s\n", err.msg);
			return 1;
		}
	}
	if (is_plain_file(path))
		unlink(path);
	return 0;
}
