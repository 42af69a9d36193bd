/*
 * PHASE_CONFIRM: a bypass that depends on the name in the client's hello. A
 * client can send any name, so we first connect to the server ourselves and
 * look whether it has a certificate for that name. The answer is remembered by
 * address, port and name. Sessions that need the same answer wait for the same
 * probe; it is cancelled when the last of them has gone. A session whose name
 * is not confirmed is decided again without the name.
 */
#include "proxy/confirm.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/decide.h"
#include "proxy/dialogue.h"
#include "proxy/inner.h"
#include "proxy/phases.h"
#include "proxy/probe.h"
#include "proxy/session.h"
#include "proxy/turn.h"
#include "tls/cert.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

/* How long an answer is good. A failure may be temporary. */
#define NAMED_MS	(60 * 60 * 1000)
#define OTHER_MS	(10 * 60 * 1000)
#define FAILED_MS	(10 * 1000)

/* What a probe has found. A newer result replaces an older one in its slot. */
#define CONFIRMED_SLOTS	1024
struct confirmed {
	uint8_t		 key[32];	/* of address, port and SNI */
	uint64_t	 until;		/* ms; 0: empty */
	enum probe_found found;
	char		 why[96];	/* it is not confirmed */
	struct text	 names;		/* its: tls/certinfo.h */
};

struct confirm {
	struct confirmed slot[CONFIRMED_SLOTS];
	TAILQ_HEAD(, inquiry) inquiries;
};

struct inquiry {		/* a probe under way */
	TAILQ_ENTRY(inquiry) link;
	struct worker	*worker;
	struct probe	*probe;
	uint8_t		 key[32];
	TAILQ_HEAD(, session) waiting;
};

/* In which TLS began, or -1. */
static int
confirm_dialogue(const struct session *s)
{
	return s->facts.upgraded ? starttls_which(&s->dialogue->reader) : -1;
}

static void
confirm_key(const struct session *s, uint8_t key[32])
{
	struct text t = { 0 };
	size_t len;
	const uint8_t *ip = addr_ip(&s->facts.server, &len);

	text_add(&t, (const char *)ip, len);
	text_printf(&t, " %u %d %s", addr_port(&s->facts.server),
	    confirm_dialogue(s), s->facts.sni);
	if (s->facts.proxied)
		text_printf(&t, " %s", s->facts.host);
	digest_bytes(t.s, t.len, key);
	text_free(&t);
}

static struct confirmed *
confirm_slot(struct worker *w, const uint8_t key[32])
{
	return &w->confirm->slot[(key[0] << 8 | key[1]) % CONFIRMED_SLOTS];
}

/* Continue with what the probe has found. */
static struct step
confirm_apply(struct session *s, const struct confirmed *c)
{
	static struct log_gate gate;
	char to[ADDR_STRLEN];
	int held;

	if (c->found == PROBE_NAMED)
		return decide_go(s);
	if (log_gate(&gate, &held))
		log_info("session %llu: bypass of %s at %s is not confirmed: "
		    "%s (%d more like it not shown)",
		    (unsigned long long)s->rec.id, s->facts.sni,
		    addr_str(&s->facts.server, to), c->why, held);
	return decide_unconfirmed(s, c->names.s, c->names.len,
	    c->found == PROBE_OTHER);
}

/* Remember a result. */
static const struct confirmed *
confirm_keep(struct worker *w, const uint8_t key[32],
    const struct probe_result *r)
{
	struct confirmed *c = confirm_slot(w, key);
	uint64_t ms = r->found == PROBE_NAMED ? NAMED_MS :
	    r->found == PROBE_FAILED ? FAILED_MS : OTHER_MS;

	memcpy(c->key, key, sizeof(c->key));
	c->found = r->found;
	c->until = clock_coarse_ms() + ms;
	snprintf(c->why, sizeof(c->why), "%s", r->why != NULL ? r->why : "");
	text_clear(&c->names);
	if (r->found != PROBE_NAMED && r->names.len > 0)
		text_add(&c->names, r->names.s, r->names.len);
	return c;
}

static void
inquiry_free(struct inquiry *q)
{
	TAILQ_REMOVE(&q->worker->confirm->inquiries, q, link);
	free(q);
}

static void
inquiry_done(void *arg, const struct probe_result *r)
{
	struct inquiry *q = arg;
	struct worker *w = q->worker;
	const struct confirmed *c;
	struct session *s;

	count(w->counts.confirmations[r->found], 1);
	c = confirm_keep(w, q->key, r);
	while ((s = TAILQ_FIRST(&q->waiting)) != NULL) {
		TAILQ_REMOVE(&q->waiting, s, asking);
		s->inquiry = NULL;
		session_due(s, confirm_apply(s, c));
	}
	inquiry_free(q);
}

static struct inquiry *
inquiry_new(struct session *s, const uint8_t key[32])
{
	const struct conf *conf = session_conf(s);
	struct inquiry *q = xcalloc(1, sizeof(*q));
	struct addr from = s->facts.client;
	struct probe_want want = {
		.server = s->facts.server,
		.name = session_dials(s),
		.way = s->verdict.rule,
		.place = s->place,
		.sni = s->facts.sni,
		.alpn = s->facts.alpn,
		.alpn_len = s->facts.alpn_len,
		.dialogue = confirm_dialogue(s),
		.connect = conf->connect_timeout,
		.handshake = conf->timeouts.handshake,
	};

	/* From the same address as the session, but not from its port. */
	addr_set_port(&from, 0);
	if (s->facts.mode == CONF_TRANSPARENT && !s->redirected &&
	    conf->keep_client_address)
		want.from = &from;
	q->worker = s->worker;
	memcpy(q->key, key, sizeof(q->key));
	TAILQ_INIT(&q->waiting);
	TAILQ_INSERT_TAIL(&s->worker->confirm->inquiries, q, link);
	q->probe = probe_start(s->worker, &want, inquiry_done, q);
	return q;
}

static struct step
confirm_enter(struct session *s)
{
	struct worker *w = s->worker;
	struct confirmed *c;
	struct inquiry *q;
	uint8_t key[32];

	confirm_key(s, key);
	c = confirm_slot(w, key);
	if (c->until > clock_coarse_ms() &&
	    memcmp(c->key, key, sizeof(key)) == 0)
		return confirm_apply(s, c);
	turn_take(s);
	TAILQ_FOREACH(q, &w->confirm->inquiries, link)
		if (memcmp(q->key, key, sizeof(key)) == 0)
			break;
	if (q == NULL)
		q = inquiry_new(s, key);
	s->inquiry = q;
	TAILQ_INSERT_TAIL(&q->waiting, s, asking);
	return step_wait();
}

static void
confirm_leave(struct session *s)
{
	struct inquiry *q = s->inquiry;

	if (q == NULL)
		return;
	s->inquiry = NULL;
	TAILQ_REMOVE(&q->waiting, s, asking);
	if (TAILQ_EMPTY(&q->waiting)) {
		probe_cancel(q->probe);
		inquiry_free(q);
	}
}

const struct phase_ops phase_confirm = {
	.name = "confirmation",
	.handshake = 1,
	.enter = confirm_enter,
	.event = step_client_event,
	.leave = confirm_leave
};

struct confirm *
confirm_new(void)
{
	struct confirm *c = xcalloc(1, sizeof(*c));

	TAILQ_INIT(&c->inquiries);
	return c;
}

void
confirm_forget(struct confirm *c)
{
	size_t i;

	for (i = 0; i < CONFIRMED_SLOTS; i++)
		c->slot[i].until = 0;
}

void
confirm_free(struct confirm *c)
{
	size_t i;

	for (i = 0; i < CONFIRMED_SLOTS; i++)
		text_free(&c->slot[i].names);
	free(c);
}
