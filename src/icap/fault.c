/*
 * What failures lead to: the table of icap(5). A server may fail because of the
 * message, and its sender may want that. Only what went wrong before a byte was
 * sent is certainly the server's fault.
 */
#include "icap/server.h"

static const struct icap_rule rules[ICAP_F_MAX] = {
	[ICAP_F_NONE] = { "none", 0, 0, 0 },
	[ICAP_F_DNS] = { "dns", ICAP_OTHERS, ICAP_B_DOWN, 503 },
	[ICAP_F_CONNECT] = { "connect", ICAP_OTHERS, ICAP_B_ONE, 503 },
	[ICAP_F_CONNECT_TIME] = { "connect-timeout",
	    ICAP_OTHERS, ICAP_B_ONE, 504 },
	[ICAP_F_TLS] = { "tls", ICAP_OTHERS, ICAP_B_DOWN, 502 },
	[ICAP_F_RACE] = { "race", ICAP_AGAIN, ICAP_B_NONE, 502 },
	[ICAP_F_CLOSED] = { "closed", ICAP_OTHER, ICAP_B_DOUBT, 502 },
	[ICAP_F_FIRST_BYTE] = { "first-byte",
	    ICAP_HEAD_ONLY, ICAP_B_DOUBT, 504 },
	[ICAP_F_STALL] = { "stall", ICAP_HEAD_ONLY, ICAP_B_DOUBT, 504 },
	[ICAP_F_MALFORMED] = { "malformed", ICAP_OTHER, ICAP_B_DOUBT, 502 },
	[ICAP_F_HEAD] = { "adapted-head", ICAP_NEVER, ICAP_B_NONE, 502 },
	[ICAP_F_SHORT] = { "short", ICAP_NEVER, ICAP_B_NONE, 502 },
	[ICAP_F_LONG] = { "long", ICAP_NEVER, ICAP_B_NONE, 502 },
	[ICAP_F_REFUSED] = { "refused", ICAP_NEVER, ICAP_B_TEN, 502 },
	[ICAP_F_AUTH] = { "auth", ICAP_NEVER, ICAP_B_DOUBT, 502 },
	[ICAP_F_NO_SERVICE] = { "no-service", ICAP_OTHERS, ICAP_B_DOUBT, 502 },
	[ICAP_F_REQUEST_TIME] = { "request-timeout",
	    ICAP_OTHER, ICAP_B_NONE, 502 },
	[ICAP_F_SERVER] = { "server-error", ICAP_OTHER, ICAP_B_DOUBT, 502 },
	[ICAP_F_OVERLOAD] = { "overload", ICAP_OTHERS, ICAP_B_LESS, 503 },
	[ICAP_F_QUEUE] = { "queue", ICAP_NEVER, ICAP_B_NONE, 503 },
	[ICAP_F_CUT] = { "cut", ICAP_NEVER, ICAP_B_NONE, 502 },
	[ICAP_F_SPOOL] = { "spool", ICAP_NEVER, ICAP_B_NONE, 503 },
	[ICAP_F_DOWN] = { "down", ICAP_NEVER, ICAP_B_NONE, 503 },
	[ICAP_F_OVERSIZE] = { "oversize", ICAP_NEVER, ICAP_B_NONE, 403 },
	[ICAP_F_TYPE] = { "type", 0, 0, 0 },
	[ICAP_F_ENDLESS] = { "endless", ICAP_NEVER, ICAP_B_NONE, 403 },
	[ICAP_F_CODING] = { "coding", 0, 0, 0 },
	[ICAP_F_LOST] = { "lost", ICAP_NEVER, ICAP_B_NONE, 503 },
	[ICAP_F_STARVED] = { "starved", ICAP_LATER, ICAP_B_NONE, 503 },
};

const struct icap_rule *
icap_rule(enum icap_fault f)
{
	return &rules[f];
}

const char *
icap_fault_name(enum icap_fault f)
{
	return (unsigned)f < ICAP_F_MAX ? rules[f].name : "?";
}

enum icap_fault
icap_fault_of(int status)
{
	switch (status) {
	case 401:
	case 407:
		return ICAP_F_AUTH;
	case 404:
	case 405:
	case 501:
	case 505:
		return ICAP_F_NO_SERVICE;
	case 408:
		return ICAP_F_REQUEST_TIME;
	case 503:
	case 506:
		return ICAP_F_OVERLOAD;
	}
	return status < 500 ? ICAP_F_REFUSED : ICAP_F_SERVER;
}

/* Whether the operator lets it pass unscanned. */
static int
decide_open(enum icap_fault fault, const struct conf_icap *c,
    const struct icap_input *in)
{
	if (fault == ICAP_F_OVERSIZE || fault == ICAP_F_ENDLESS)
		return conf_icap_passes(c, in->method == ICAP_RESPMOD,
		    in->endless_open);
	if (fault == ICAP_F_TLS)
		return c->tls_fail_open;
	if (fault == ICAP_F_SHORT)	/* it may be a way to say no */
		return 0;
	return in->method == ICAP_REQMOD ? c->fail.reqmod : c->fail.respmod;
}

enum icap_then
icap_decide(const struct icap_failing *f, const struct conf_icap *c,
    const struct icap_input *in)
{
	enum icap_retry retry = rules[f->fault].retry;
	int once = retry == ICAP_OTHER || retry == ICAP_HEAD_ONLY;

	if (f->committed)
		return ICAP_THEN_CUT;
	if (f->intact && f->again && retry != ICAP_NEVER &&
	    !(retry == ICAP_HEAD_ONLY && in->body != NULL) &&
	    !(once && f->retries > 0))
		return ICAP_THEN_RETRY;
	return f->intact && decide_open(f->fault, c, in) ? ICAP_THEN_PASS :
	    ICAP_THEN_REFUSE;
}
