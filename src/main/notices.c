/*
 * Who is told outside, in the running daemon: what becomes a notice, and what
 * the case and the log say of what became of it.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "main/daemon.h"
#include "net/neighbours.h"
#include "sink/connlog.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/cases.h"
#include "verdict/notices.h"

#define LINE_BYTES	4096	/* of a sensor's line, as others are told */

/* In the case, what is about what has one. */
static void
notice_told(void *arg, const struct target_told *t)
{
	struct daemon *d = arg;
	const char *name = t->target->conf->name;
	const char *what = conf_notice_str(t->notice->kind);
	const char *how = target_result_str(t->result);
	int bad = t->result == TARGET_REFUSED ||
	    t->result == TARGET_GIVEN_UP || t->result == TARGET_DROPPED;

	if (bad && conf_notice_is(t->notice->kind, NOTICE_IS_CASE))
		log_error("notify %s: %s %llu %s: %s: %s", name,
		    conf_notice_type(t->notice->kind),
		    (unsigned long long)t->notice->id, what, how, t->said);
	else if (bad)
		log_info("notify %s: %s: %s: %s", name, what, how, t->said);
	else
		log_debug("notify %s: %s: %s: %s", name, what, how, t->said);
	if (t->notice->id == 0 ||
	    !conf_notice_is(t->notice->kind, NOTICE_IS_CASE) ||
	    (t->result == TARGET_RETRIED && t->tries > 1))
		return;
	cases_add(d->quarantine.cases, t->notice->id, clock_wall().tv_sec,
	    "notify", json_pack("{s:s,s:s,s:s,s:I,s:o}", "target", name,
	    "event", what, "result", how, "tries", (json_int_t)t->tries,
	    "answer", eve_string(t->said)));
}

int
notices_make(struct daemon *d, struct conf *c, struct notices **out,
    struct text *why)
{
	return notices_open(d->base, c, notice_told, d, out, why);
}

int
notices_boot(struct daemon *d, struct conf *c, struct text *why)
{
	int rv = notices_make(d, c, &d->notices, why);

	d->admin.notices = d->notices;
	return rv != 0 ? rv : notices_keep(d->notices, c->notify.state,
	    c->user, why);
}

void
notices_turn(struct daemon *d, struct notices *n)
{
	struct text why = { 0 };

	notices_begin(n, d->notices);
	d->notices = d->admin.notices = n;
	if (notices_keep(n, d->admin.conf->notify.state, NULL, &why) != 0)
		log_warn("%s", why.s);
	text_free(&why);
}

void
notices_down(struct daemon *d)
{
	notices_save(d->notices);
	notices_free(d->notices);
}

/* The address that we have not been told of by whoever it is about. */
static void
add_mac(struct daemon *d, const struct endpoint *who, json_t *about)
{
	uint8_t mac[MAC_LEN];
	char s[ADDR_STRLEN];

	if (who->by_mac)
		memcpy(mac, who->mac, MAC_LEN);
	else if (neighbours_mac(d->quarantine.neighbours, &who->addr, mac)
	    != 0)
		return;
	json_object_set_new(about, "mac", json_string(mac_str(mac, s)));
	if (who->addr.sa.sa_family != AF_UNSPEC)
		json_object_set_new(about, "address", json_string(
		    addr_ip_str(&who->addr, s)));
}

/* What is longer than messages of syslog may be, is cut, at a character. */
static void
cut_line(json_t *about)
{
	const char *s = json_string_value(json_object_get(about, "line"));
	size_t n = LINE_BYTES;

	if (s == NULL || strlen(s) <= n)
		return;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	json_object_set_new(about, "line", json_stringn(s, n));
}

static void
notice(struct daemon *d, enum conf_notice kind, uint64_t id, int64_t until,
    const struct endpoint *who, json_t *about)
{
	struct timespec now = clock_wall();
	struct text line = { 0 };
	struct notice *n;

	if (!notices_want(d->notices, kind))
		return;
	about = json_copy(about);
	if (who != NULL)
		add_mac(d, who, about);
	cut_line(about);
	eve_object(&line, conf_notice_type(kind), json_incref(about), &now);
	n = notice_new(kind, id, now.tv_sec, until, about, line.s);
	notices_tell(d->notices, n);
	notice_unref(n);
	text_free(&line);
}

void
notices_quarantine(struct daemon *d, enum quarantine_what what,
    const struct contained *c, json_t *about)
{
	static const enum conf_notice kinds[QUARANTINE_MAX] = {
		[QUARANTINE_SET] = NOTICE_SET,
		[QUARANTINE_EXTENDED] = NOTICE_EXTENDED,
		[QUARANTINE_RELEASED] = NOTICE_RELEASED,
		[QUARANTINE_EXPIRED] = NOTICE_EXPIRED,
		[QUARANTINE_REFUSED] = NOTICE_REFUSED
	};

	notice(d, kinds[what], what == QUARANTINE_REFUSED ? 0 : c->id,
	    c->until, &c->who, about);
}

static enum conf_notice
measure_kind(enum state_kind kind, enum measure_what what)
{
	if (kind == STATE_PROPOSAL)
		return what == MEASURE_REFUSED ? NOTICE_PROPOSAL_REFUSED :
		    (enum conf_notice)(NOTICE_PROPOSED + (int)what -
		    (int)MEASURE_PROPOSED);
	return (enum conf_notice)((int)what - (int)MEASURE_SET +
	    (kind == STATE_DENIAL ? (int)NOTICE_DENIAL_SET :
	    (int)NOTICE_STEP_UP_SET));
}

void
notices_measure(struct daemon *d, enum state_kind kind,
    enum measure_what what, const struct contained *c, json_t *about)
{
	const struct endpoint *who = json_object_get(about, "endpoint") !=
	    NULL ? &c->who : NULL;	/* else it is about a server */

	notice(d, measure_kind(kind, what), what == MEASURE_REFUSED ? 0 :
	    c->id, c->until, who, about);
}

/* Of a verdict that did what is told of by itself, the event is another. */
static enum conf_notice
kind_of(const struct verdict_told *t)
{
	switch (t->result) {
	case VERDICT_NOTIFIED:
		return NOTICE_NOTIFIED;
	case VERDICT_DRY_RUN:
		return NOTICE_DRY_RUN;
	case VERDICT_AMBIGUOUS:
		return NOTICE_AMBIGUOUS;
	case VERDICT_NOBODY:
		return NOTICE_NOBODY;
	case VERDICT_BREAKER:
		return NOTICE_BREAKER;
	default:
		return t->response->what == DO_TAG ? NOTICE_DONE :
		    NOTICE_VERDICT;
	}
}

void
notices_verdict(struct daemon *d, const struct verdict_told *t, json_t *about)
{
	notice(d, kind_of(t), t->id, 0, t->who, about);
}
