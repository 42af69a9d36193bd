/*
 * Syslog: an event as a message, and its ways. Over UDP nothing says that it
 * has arrived. Over TCP and TLS it counts as sent when the server's TCP has
 * acknowledged it; what was not when the connection broke is sent again on the
 * next one, so it may come twice, but not in another order.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "codec/syslog.h"
#include "net/dgram.h"
#include "tls/outward.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/carriers.h"
#include "verdict/reach.h"

#define WINDOW		64	/* messages that are not acknowledged */
#define LOOK_MS		10	/* between looks whether they are */

static const struct {
	unsigned	 severity;	/* RFC 5424, 6.2.1 */
	unsigned	 cef;		/* 0 to 10; a sensor's goes before it */
	const char	*name;
} of_kind[NOTICE_KINDS] = {
	[NOTICE_SET] = { 4, 8, "Endpoint quarantined" },
	[NOTICE_EXTENDED] = { 5, 6, "Quarantine extended" },
	[NOTICE_RELEASED] = { 5, 3, "Quarantine released" },
	[NOTICE_EXPIRED] = { 5, 3, "Quarantine expired" },
	[NOTICE_REFUSED] = { 4, 6, "Quarantine refused" },
	[NOTICE_DENIAL_SET] = { 4, 8, "Server denied" },
	[NOTICE_DENIAL_EXTENDED] = { 5, 6, "Denial extended" },
	[NOTICE_DENIAL_RELEASED] = { 5, 3, "Denial released" },
	[NOTICE_DENIAL_EXPIRED] = { 5, 3, "Denial expired" },
	[NOTICE_DENIAL_REFUSED] = { 4, 6, "Denial refused" },
	[NOTICE_STEP_UP_SET] = { 5, 5, "Endpoint under step-up" },
	[NOTICE_STEP_UP_EXTENDED] = { 5, 4, "Step-up extended" },
	[NOTICE_STEP_UP_RELEASED] = { 5, 3, "Step-up released" },
	[NOTICE_STEP_UP_EXPIRED] = { 5, 3, "Step-up expired" },
	[NOTICE_STEP_UP_REFUSED] = { 4, 5, "Step-up refused" },
	[NOTICE_PROPOSED] = { 4, 7, "To be approved" },
	[NOTICE_APPROVED] = { 5, 5, "Proposal approved" },
	[NOTICE_REJECTED] = { 5, 3, "Proposal rejected" },
	[NOTICE_LAPSED] = { 4, 5, "Proposal lapsed" },
	[NOTICE_PROPOSAL_REFUSED] = { 4, 6, "Proposal refused" },
	[NOTICE_NOTIFIED] = { 5, 5, "Verdict" },
	[NOTICE_DRY_RUN] = { 5, 5, "Verdict, dry run" },
	[NOTICE_AMBIGUOUS] = { 4, 5, "Verdict, ambiguous" },
	[NOTICE_NOBODY] = { 5, 3, "Verdict about nobody" },
	[NOTICE_BREAKER] = { 3, 9, "Verdict, breaker open" },
	[NOTICE_DONE] = { 4, 5, "Verdict carried out" },
	[NOTICE_VERDICT] = { 5, 5, "Verdict" },
	[NOTICE_TEST] = { 6, 0, "Test" },
};

static void
cef_number(struct text *t, const char *name, int64_t v)
{
	char s[24];

	snprintf(s, sizeof(s), "%lld", (long long)v);
	cef_field(t, name, s);
}

static void
cef_endpoint(const struct notice *n, struct text *t)
{
	char s[ADDR_STRLEN];

	if (n->addr.sa.sa_family == AF_INET)
		cef_field(t, "src", addr_ip_str(&n->addr, s));
	else if (n->addr.sa.sa_family == AF_INET6)
		cef_field(t, "c6a2", addr_ip_str(&n->addr, s));
	if (n->addr.sa.sa_family == AF_INET6)
		cef_field(t, "c6a2Label", "Source IPv6 Address");
	if (n->has_mac)
		cef_field(t, "smac", mac_str(n->mac, s));
}

/* A denied server is at the other end. */
static void
cef_server(const struct notice *n, struct text *t)
{
	const char *server = notice_text(n, "server");
	struct addr a;

	if (server != NULL && addr_parse_ip(&a, server) == 0 &&
	    a.sa.sa_family == AF_INET)
		cef_field(t, "dst", server);
	else
		cef_field(t, "dhost", server);
}

static void
cef_write(const struct notice *n, struct text *t)
{
	json_t *severity = json_object_get(n->about, "severity");
	struct text say = { 0 };

	text_puts(t, "CEF:0|");
	cef_head(t, "Clearspan");
	cef_head(t, "Clearspan");
	cef_head(t, VERSION);
	cef_head(t, conf_notice_str(n->kind));
	cef_head(t, of_kind[n->kind].name);
	text_printf(t, "%u|", severity != NULL ?
	    (unsigned)json_integer_value(severity) : of_kind[n->kind].cef);
	cef_number(t, "rt", n->at * 1000);
	cef_endpoint(n, t);
	cef_server(n, t);
	if (n->id != 0)
		cef_number(t, "externalId", (int64_t)n->id);
	cef_field(t, "cat", notice_text(n, "category"));
	cef_field(t, "reason", notice_text(n, conf_notice_is(n->kind,
	    NOTICE_IS_VERDICT) ? "signature" : "reason"));
	if (notice_text(n, "profile") != NULL)
		cef_field(t, "cs1Label", "profile");
	cef_field(t, "cs1", notice_text(n, "profile"));
	if (n->until != 0)
		cef_number(t, "end", n->until * 1000);
	notice_say(n, &say);
	cef_field(t, "msg", say.s);
	text_free(&say);
}

void
carry_syslog(const struct target *t, const struct notice *n, int framed,
    struct text *out)
{
	struct text body = { 0 };
	char host[256], when[CLOCK_STAMP];
	struct syslog_message m = {
		.facility = (unsigned)t->conf->facility,
		.severity = of_kind[n->kind].severity, .time = when,
		.host = gethostname(host, sizeof(host)) == 0 ? host : NULL,
		.app = "clearspan", .id = notice_type(n),
		.process = (unsigned)getpid()
	};

	clock_stamp(n->at, when);
	if (t->conf->format == FORMAT_CEF)
		cef_write(n, &body);
	else
		text_printf(&body, "%s%s", t->conf->format == FORMAT_CEE ?
		    "@cee: " : "", n->line);
	m.text = body.s;
	if (framed)
		syslog_frame(out, &m);
	else
		syslog_write(out, &m);
	text_free(&body);
}

/* --- UDP */

static int
dgram_open(struct target *t, struct text *why)
{
	t->state = reach_new(t);
	return 0;
}

static void
dgram_close(struct target *t)
{
	reach_free(t->state);
}

/* An ICMP that tells of the one before is read first; it says nothing of this
 * one. */
static void
dgram_there(struct target *t, int fd, const char *why)
{
	struct text m = { 0 };
	int try;
	ssize_t n = -1;

	if (fd < 0) {
		target_answer(t, TARGET_RETRIED, why);
		return;
	}
	carry_syslog(t, target_notice(t, 0), 0, &m);
	for (try = 0; try < 2 && n < 0; try++)
		n = send(fd, m.s, m.len, MSG_NOSIGNAL);
	if (n >= 0)
		target_answer(t, TARGET_SENT, "");
	else if (errno == EMSGSIZE)
		target_answer(t, TARGET_REFUSED, "too long for a datagram");
	else {
		reach_again(t->state);
		target_answer(t, TARGET_RETRIED, strerror(errno));
	}
	text_free(&m);
}

static void
dgram_go(struct target *t)
{
	reach(t->state, dgram_there);
}

const struct carrier carrier_dgram = { dgram_open, dgram_close, dgram_go };

/* --- TCP and TLS */

struct stream {
	struct target	*target;
	SSL_CTX		*ctx;		/* or NULL */
	struct outward	*out;		/* or NULL */
	int		 ready;
	uint64_t	 deadline;	/* ms; to be acknowledged */
	struct event	 look;
};

static void
stream_down(struct stream *s, const char *why)
{
	char *copy = xstrdup(why);

	outward_free(s->out);
	s->out = NULL;
	s->ready = 0;
	event_del(&s->look);
	if (s->target->flying > 0)
		target_answer(s->target, TARGET_RETRIED, copy);
	free(copy);
}

static void
stream_failed(void *arg, const char *why)
{
	stream_down(arg, why);
}

/* A server of syslog says nothing; so it has closed, or is none. */
static void
stream_heard(void *arg, const char *data, size_t n)
{
	if (n == 0)
		stream_down(arg, "it has closed the connection");
}

static void
stream_look_later(struct stream *s)
{
	struct timeval tv = clock_timeval(LOOK_MS);

	evtimer_add(&s->look, &tv);
}

static void
stream_look(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	unsigned n = s->target->flying;

	if (!outward_idle(s->out)) {
		if (clock_ms() >= s->deadline)
			stream_down(s, "it does not read");
		else
			stream_look_later(s);
		return;
	}
	while (n-- > 0)
		target_answer(s->target, TARGET_SENT, "");
}

static void
stream_write(struct stream *s)
{
	struct target *t = s->target;
	struct text m = { 0 };
	unsigned n = 0;

	while (n < WINDOW && target_notice(t, n) != NULL)
		carry_syslog(t, target_notice(t, n++), 1, &m);
	t->flying = n;
	s->deadline = clock_ms() + t->conf->timeout;
	outward_write(s->out, m.s, m.len);
	stream_look_later(s);
	text_free(&m);
}

static void
stream_ready(void *arg)
{
	struct stream *s = arg;

	s->ready = 1;
	stream_write(s);
}

static int
stream_open(struct target *t, struct text *why)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	int rv = 0;

	s->target = t;
	if (t->conf->act.url.tls)
		rv = outward_ctx(t->conf->trust, t->conf->certificate,
		    t->conf->key, &s->ctx, why);
	if (rv != 0) {
		free(s);
		return rv;
	}
	evtimer_assign(&s->look, t->base, stream_look, s);
	t->state = s;
	return 0;
}

static void
stream_close(struct target *t)
{
	struct stream *s = t->state;

	event_del(&s->look);
	outward_free(s->out);
	SSL_CTX_free(s->ctx);
	free(s);
}

static void
stream_go(struct target *t)
{
	static const struct outward_ops ops = { stream_ready, stream_heard,
	    stream_failed };
	struct stream *s = t->state;
	struct outward_want want = { t->conf->act.url.host,
	    t->conf->act.url.port, s->ctx, t->conf->timeout };

	if (s->ready)
		stream_write(s);
	else
		s->out = outward_start(t->base, t->names, &want, &ops, s);
}

const struct carrier carrier_stream = { stream_open, stream_close,
	stream_go };
