/*
 * Shows a dialogue without its way to TLS.
 */
#include "sink/strip.h"

#include <stdlib.h>

#include "codec/starttls.h"
#include "sink/split.h"
#include "sink/synth.h"
#include "util/mem.h"
#include "util/text.h"

struct strip {
	struct tap	 inner;		/* what shows it */
	struct starttls	 reader;
	struct text	 unit[2];	/* by enum flow_dir: not whole */
	struct text	 asked;		/* the request, and what came behind */
	struct text	 line;		/* of a reply, that may be its last */
};

static void
strip_show(struct strip *s, enum flow_dir dir, struct text *t)
{
	const uint8_t *p = (const uint8_t *)t->s;
	size_t n, at = 0;

	for (; at < t->len; at += n)
		if ((n = s->inner.ops->data(s->inner.state, dir, p + at,
		    t->len - at)) == 0)
			break;
	text_clear(t);
}

/* All that is held, in its order. */
static void
strip_flush(struct strip *s)
{
	strip_show(s, DIR_DOWN, &s->line);
	strip_show(s, DIR_UP, &s->asked);
	strip_show(s, DIR_UP, &s->unit[DIR_UP]);
	strip_show(s, DIR_DOWN, &s->unit[DIR_DOWN]);
}

/* In SMTP a line of a reply that is not its last has a dash there. */
static int
strip_goes_on(const struct strip *s, const struct text *t)
{
	return s->reader.protocol != NULL && starttls_which(&s->reader) ==
	    STARTTLS_SMTP && t->len > 4 && t->s[3] == '-';
}

/* The server's: without what it says of TLS. */
static void
strip_server(struct strip *s, struct text *t)
{
	int goes_on = strip_goes_on(s, t);
	size_t len = starttls_hide(&s->reader, (uint8_t *)t->s, t->len);

	if (len == 0 && goes_on) {
		text_clear(t);
		return;
	}
	if (len == 0 && s->line.len > 3)	/* it was the last */
		s->line.s[3] = ' ';
	t->len = len == 0 && starttls_which(&s->reader) == STARTTLS_SMTP &&
	    s->line.len == 0 ? t->len : len;
	strip_show(s, DIR_DOWN, &s->line);
	if (goes_on) {
		text_add(&s->line, t->s, t->len);
		text_clear(t);
	} else
		strip_show(s, DIR_DOWN, t);
}

static void
strip_unit(struct strip *s, enum flow_dir dir, enum starttls_step step)
{
	struct text *t = &s->unit[dir];

	switch (step) {
	case STARTTLS_MORE:
		break;
	case STARTTLS_AGREED:
		text_clear(t);
		text_clear(&s->asked);
		s->reader.over = 1;
		strip_flush(s);
		break;
	case STARTTLS_PLAIN:
	case STARTTLS_ASKED:
		if (dir == DIR_DOWN) {
			strip_server(s, t);
		} else if (s->reader.asked) {
			text_add(&s->asked, t->s, t->len);
			text_clear(t);
			if (s->asked.len > STARTTLS_MAX) {
				s->reader.over = 1;
				strip_flush(s);
			}
		} else
			strip_show(s, dir, t);
		break;
	default:
		strip_flush(s);
		break;
	}
}

static size_t
strip_data(void *state, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct strip *s = state;
	enum starttls_step step;
	size_t n, at = 0;

	while (at < len && !s->reader.over) {
		step = starttls_read(&s->reader, dir == DIR_DOWN, p + at,
		    len - at, &n);
		text_add(&s->unit[dir], (const char *)p + at, n);
		at += n;
		strip_unit(s, dir, step);
	}
	while (at < len && (n = s->inner.ops->data(s->inner.state, dir, p + at,
	    len - at)) > 0)
		at += n;
	return len;
}

static void
strip_facts(void *state)
{
	struct strip *s = state;

	s->inner.ops->facts(s->inner.state);
}

static void
strip_eof(void *state, enum flow_dir dir)
{
	struct strip *s = state;

	strip_flush(s);
	s->inner.ops->eof(s->inner.state, dir);
}

static void
strip_reset(void *state, enum flow_dir dir)
{
	struct strip *s = state;

	strip_flush(s);
	s->inner.ops->reset(s->inner.state, dir);
}

static void
strip_close(void *state, struct tap_counts *c)
{
	struct strip *s = state;

	strip_flush(s);
	s->inner.ops->close(s->inner.state, c);
	text_free(&s->unit[DIR_UP]);
	text_free(&s->unit[DIR_DOWN]);
	text_free(&s->asked);
	text_free(&s->line);
	free(s);
}

static const struct tap_ops strip_tap = {
	.data = strip_data,
	.facts = strip_facts,
	.eof = strip_eof,
	.reset = strip_reset,
	.close = strip_close
};

void *
strip_open(void *arg, struct tap *tap, const struct record *r)
{
	const struct synth_seat *seat = arg;
	void *inner = split_open(arg, tap, r);
	struct strip *s;

	if (seat->sink->starttls || r->facts->protocol != PROTO_OTHER ||
	    r->verdict->action == ACTION_BYPASS || inner == NULL)
		return inner;
	s = xcalloc(1, sizeof(*s));
	s->inner.ops = tap->ops;
	s->inner.state = inner;
	tap->ops = &strip_tap;
	return s;
}
