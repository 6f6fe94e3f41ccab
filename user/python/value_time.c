// SPDX-License-Identifier: GPL-2.0-only
/* Values of _datetime, _zoneinfo and _decimal, as their repr(). */
#include <errno.h>
#include <string.h>

#include "base/show.h"
#include "python/value_impl.h"

/* "datetime.date(" for the module's own class, "MyDate(" for one made from it. */
static void open_call(const struct lp_pv_class *c, struct lp_buf *out)
{
	lp_buf_str(out, c->is_python ? c->name : c->full);
	lp_buf_char(out, '(');
}

/* What lies `at` bytes into the object; false, and an error in place, where that can't be read. */
static bool read_at(struct lp_pv *p, uint64_t addr, size_t at, void *buf, size_t len,
		    struct lp_value *ret)
{
	int r = lp_pv_read(p, addr + at, buf, len);

	if (r < 0)
		lp_pv_error(ret, r, addr, p->r->arena);
	return r >= 0;
}

static unsigned int big_endian(const uint8_t *data, size_t n)
{
	unsigned int v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | data[i];
	return v;
}

void lp_pv_date(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	uint8_t data[4];

	if (!read_at(p, addr, LP_PY_DATE_DATA, data, sizeof(data), ret))
		return;
	open_call(c, &text);
	lp_buf_fmt(&text, "%u, %u, %u)", big_endian(data, 2), data[2], data[3]);
	lp_pv_text(p, &text, ret);
}

/* hour, minute[, second[, microsecond]] of six bytes */
static void put_clock(const uint8_t *data, struct lp_buf *out)
{
	unsigned int micro = big_endian(data + 3, 3);

	lp_buf_fmt(out, "%u, %u", data[0], data[1]);
	if (data[2] || micro)
		lp_buf_fmt(out, ", %u", data[2]);
	if (micro)
		lp_buf_fmt(out, ", %u", micro);
}

static void put_zone(struct lp_pv *p, uint64_t addr, uint64_t zone_at, unsigned int fold,
		     struct lp_buf *out)
{
	uint8_t has_zone = 0;
	uint64_t at = 0;
	struct lp_value zone = { 0 };

	if (fold)
		lp_buf_str(out, ", fold=1");
	if (lp_pv_read(p, addr + LP_PY_DATE_HAS_ZONE, &has_zone, 1) < 0 || !has_zone ||
	    lp_pv_read(p, zone_at, &at, 8) < 0 || at == p->r->runtime->none)
		return;
	lp_pv_object(p, at, &zone);
	lp_buf_str(out, ", tzinfo=");
	lp_show(out, &zone, false);
}

void lp_pv_time(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	uint8_t data[7];

	_Static_assert(LP_PY_TIME_FOLD == LP_PY_DATE_DATA + 6, "fold follows");
	if (!read_at(p, addr, LP_PY_DATE_DATA, data, sizeof(data), ret))
		return;
	open_call(c, &text);
	put_clock(data, &text);
	put_zone(p, addr, addr + LP_PY_TIME_ZONE, data[6], &text);
	lp_buf_char(&text, ')');
	lp_pv_text(p, &text, ret);
}

void lp_pv_datetime(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	uint8_t data[11];

	_Static_assert(LP_PY_DATETIME_FOLD == LP_PY_DATE_DATA + 10, "fold follows");
	if (!read_at(p, addr, LP_PY_DATE_DATA, data, sizeof(data), ret))
		return;
	open_call(c, &text);
	lp_buf_fmt(&text, "%u, %u, %u, ", big_endian(data, 2), data[2], data[3]);
	put_clock(data + 4, &text);
	put_zone(p, addr, addr + LP_PY_DATETIME_ZONE, data[10], &text);
	lp_buf_char(&text, ')');
	lp_pv_text(p, &text, ret);
}

void lp_pv_delta(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	static const char *const names[] = { "days", "seconds", "microseconds" };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	int32_t parts[3];
	bool first = true;

	if (!read_at(p, addr, LP_PY_DELTA_DAYS, parts, sizeof(parts), ret))
		return;
	open_call(c, &text);
	for (int i = 0; i < 3; i++) {
		if (!parts[i])
			continue;
		lp_buf_fmt(&text, "%s%s=%d", first ? "" : ", ", names[i], parts[i]);
		first = false;
	}
	lp_buf_str(&text, first ? "0)" : ")");
	lp_pv_text(p, &text, ret);
}

void lp_pv_timezone(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_value offset = { 0 }, name = { 0 };
	uint64_t at[2];
	int32_t delta[3] = { 1 };

	if (!read_at(p, addr, LP_PY_TIMEZONE_OFFSET, at, sizeof(at), ret))
		return;
	/* the one without name and offset is timezone.utc */
	if (!at[1] && lp_pv_read(p, at[0] + LP_PY_DELTA_DAYS, delta, sizeof(delta)) >= 0 &&
	    !delta[0] && !delta[1] && !delta[2]) {
		ret->kind = LP_VAL_OBJECT;
		ret->str = "datetime.timezone.utc";
		return;
	}
	lp_pv_object(p, at[0], &offset);
	open_call(c, &text);
	lp_show(&text, &offset, false);
	if (at[1]) {
		lp_pv_object(p, at[1], &name);
		lp_buf_str(&text, ", ");
		lp_show(&text, &name, false);
	}
	lp_buf_char(&text, ')');
	lp_pv_text(p, &text, ret);
}

void lp_pv_zoneinfo(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_value key = { 0 };
	uint64_t at = 0;

	if (!read_at(p, addr, LP_PY_ZONEINFO_KEY, &at, 8, ret))
		return;
	lp_pv_object(p, at, &key);
	open_call(c, &text);
	lp_buf_str(&text, "key=");
	lp_show(&text, &key, false);
	lp_buf_char(&text, ')');
	lp_pv_text(p, &text, ret);
}

/* --- Decimal --- */

#define FLAG_NEGATIVE 0x01 /* mpdecimal.h: MPD_NEG, MPD_INF, MPD_NAN, MPD_SNAN */
#define FLAG_INFINITE 0x02
#define FLAG_NAN      0x04
#define FLAG_SIGNAL   0x08
#define WORD_DIGITS   19 /* MPD_RDIGITS */
#define WORDS_MAX     512

/* The coefficient's digits, highest first; words are lowest first. */
static void put_coefficient(const uint64_t *words, size_t n, struct lp_buf *out)
{
	for (size_t i = n; i-- > 0;)
		lp_buf_fmt(out, i + 1 == n ? "%llu" : "%019llu", (unsigned long long)words[i]);
}

/* As str() of a Decimal: to-scientific-string of the specification. */
static void put_number(const struct lp_buf *digits, int64_t exp, struct lp_buf *out)
{
	int64_t n = (int64_t)digits->len, adjusted = exp + n - 1;
	int64_t point = exp <= 0 && adjusted >= -6 ? n + exp : 1; /* digits before the point */

	if (point <= 0) {
		lp_buf_str(out, "0.");
		for (int64_t i = point; i < 0; i++)
			lp_buf_char(out, '0');
	}
	for (int64_t i = 0; i < n; i++) {
		if (i == point && point > 0)
			lp_buf_char(out, '.');
		lp_buf_char(out, digits->data[i]);
	}
	if (!(exp <= 0 && adjusted >= -6))
		lp_buf_fmt(out, "E%+lld", (long long)adjusted);
}

void lp_pv_decimal(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 }, digits = { 0 };
	uint64_t words[WORDS_MAX] = { 0 }, len = 0, data = 0;
	int64_t exp = 0;
	uint8_t flags = 0;

	(void)c;
	int r = lp_pv_read(p, addr + LP_PY_DEC_FLAGS, &flags, 1);

	if (r >= 0)
		r = lp_pv_read(p, addr + LP_PY_DEC_EXP, &exp, 8);
	if (r >= 0)
		r = lp_pv_read(p, addr + LP_PY_DEC_LEN, &len, 8);
	if (r >= 0)
		r = lp_pv_read(p, addr + LP_PY_DEC_DATA, &data, 8);
	if (r >= 0 && len > WORDS_MAX)
		r = -ENODATA;
	if (r >= 0 && len)
		r = lp_pv_read(p, data, words, len * 8);
	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return;
	}
	lp_buf_fmt(&text, "Decimal('%s", flags & FLAG_NEGATIVE ? "-" : "");
	put_coefficient(words, len, &digits);
	if (flags & FLAG_INFINITE) {
		lp_buf_str(&text, "Infinity");
	} else if (flags & (FLAG_NAN | FLAG_SIGNAL)) {
		lp_buf_str(&text, flags & FLAG_SIGNAL ? "sNaN" : "NaN");
		lp_buf_add(&text, digits.data ? digits.data : "", digits.len);
	} else if (digits.len) {
		put_number(&digits, exp, &text);
	}
	lp_buf_str(&text, "')");
	lp_pv_text(p, &text, ret);
}
