/*
 * What failures of a transaction lead to: the table of icap(5), by two facts
 * only. Has anything been handed to the receiver? Is the virgin message whole?
 */
#include <stdarg.h>
#include <stdio.h>

#include "icap/own.h"
#include "util/err.h"
#include "util/log.h"

#define RACES_MAX	2
#define RETRY_AFTER_MAX	5	/* seconds that are waited for */

enum retry {
	NEVER,
	OTHER,			/* one more attempt, elsewhere */
	OTHERS,			/* as many as there are: no bytes went */
	HEAD_ONLY		/* OTHER, if there is no body */
};

/*
 * The table of icap(5). What a server makes of a message is as much the
 * message's doing, and its sender would like it to be down: only what went
 * wrong before a byte was sent is the server's alone.
 */
static const struct rule {
	enum retry	 retry;
	enum icap_blame	 blame;
	int		 status;	/* fail closed */
	int		 closed;	/* always */
} rules[ICAP_F_MAX] = {
	[ICAP_F_DNS] = { OTHERS, ICAP_B_DOWN, 503, 0 },
	[ICAP_F_CONNECT] = { OTHERS, ICAP_B_ONE, 503, 0 },
	[ICAP_F_CONNECT_TIME] = { OTHERS, ICAP_B_ONE, 504, 0 },
	[ICAP_F_TLS] = { OTHERS, ICAP_B_DOWN, 502, 1 },
	[ICAP_F_RACE] = { NEVER, ICAP_B_NONE, 502, 0 },
	[ICAP_F_CLOSED] = { OTHER, ICAP_B_DOUBT, 502, 0 },
	[ICAP_F_FIRST_BYTE] = { HEAD_ONLY, ICAP_B_DOUBT, 504, 0 },
	[ICAP_F_STALL] = { HEAD_ONLY, ICAP_B_DOUBT, 504, 0 },
	[ICAP_F_MALFORMED] = { OTHER, ICAP_B_DOUBT, 502, 0 },
	[ICAP_F_HEAD] = { NEVER, ICAP_B_NONE, 502, 0 },
	[ICAP_F_SHORT] = { NEVER, ICAP_B_NONE, 502, 1 },
	[ICAP_F_LONG] = { NEVER, ICAP_B_NONE, 502, 0 },
	[ICAP_F_REFUSED] = { NEVER, ICAP_B_TEN, 502, 0 },
	[ICAP_F_AUTH] = { NEVER, ICAP_B_DOUBT, 502, 0 },
	[ICAP_F_NO_SERVICE] = { OTHERS, ICAP_B_DOUBT, 502, 0 },
	[ICAP_F_REQUEST_TIME] = { OTHER, ICAP_B_NONE, 502, 0 },
	[ICAP_F_SERVER] = { OTHER, ICAP_B_DOUBT, 502, 0 },
	[ICAP_F_OVERLOAD] = { OTHERS, ICAP_B_LESS, 503, 0 },
	[ICAP_F_QUEUE] = { NEVER, ICAP_B_NONE, 503, 0 },
	[ICAP_F_CUT] = { NEVER, ICAP_B_NONE, 502, 0 },
	[ICAP_F_SPOOL] = { NEVER, ICAP_B_NONE, 503, 0 },
	[ICAP_F_DOWN] = { NEVER, ICAP_B_NONE, 503, 0 },
	[ICAP_F_LOST] = { NEVER, ICAP_B_NONE, 503, 0 },
	[ICAP_F_OVERSIZE] = { NEVER, ICAP_B_NONE, 403, 0 },
	[ICAP_F_ENDLESS] = { NEVER, ICAP_B_NONE, 403, 0 },
};

/* Bytes that would be needed to begin again, or to pass the message on. */
static int
fail_intact(const struct icap_txn *t)
{
	return t->job.body == NULL || spool_first(t->job.body) == 0;
}

static int
fail_elsewhere(struct icap_txn *t)
{
	struct icap_server *v;
	struct icap_known *k;
	int rv = icap_choose(t->seat, t, &v, &k);

	icap_known_free(k);
	return rv == 0 || rv == ERR_AGAIN;
}

/* Whether to try again, and then where not. server: that has failed. */
static int
fail_retry(struct icap_txn *t, enum icap_fault fault,
    struct icap_server *server)
{
	enum retry how = rules[fault].retry;

	if (!fail_intact(t) || server == NULL)
		return 0;
	if (fault == ICAP_F_RACE)
		return 1;
	if (how == NEVER || (how == HEAD_ONLY && t->job.body != NULL) ||
	    (how != OTHERS && t->retries++ > 0))
		return 0;
	t->tried |= 1ULL << server->index;
	if (fail_elsewhere(t))
		return 1;
	if (fault != ICAP_F_OVERLOAD || t->waited || t->retry_after < 0 ||
	    t->retry_after > RETRY_AFTER_MAX)
		return 0;
	t->waited = 1;
	t->tried &= ~(1ULL << server->index);
	icap_overload(server, t->retry_after);
	return 1;
}

/* A pooled connection that died before a byte of answer is no failure. */
static enum icap_fault
fail_race(struct icap_txn *t, enum icap_fault fault)
{
	int early = fault == ICAP_F_CLOSED && !t->heard;

	if ((!early && fault != ICAP_F_REQUEST_TIME) || !t->reused ||
	    t->answered || t->races >= RACES_MAX || !fail_intact(t))
		return fault;
	t->races++;
	t->server->epoch++;
	return ICAP_F_RACE;
}

/* What it looked like, for whoever has to talk to the server's maker. */
static void
fail_evidence(const struct icap_txn *t, enum icap_fault fault)
{
	char text[201];
	size_t i, n;

	if ((fault != ICAP_F_MALFORMED && fault != ICAP_F_HEAD) ||
	    t->conn == NULL)
		return;
	n = t->conn->in_len < sizeof(text) - 1 ? t->conn->in_len :
	    sizeof(text) - 1;
	for (i = 0; i < n; i++) {
		text[i] = t->conn->in[t->conn->in_off + i];
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '.';
	}
	text[n] = '\0';
	log_warn("icap %s: it was, from there on: %s",
	    t->seat->service->conf->name, text);
}

static void
fail_blame(struct icap_txn *t, enum icap_fault fault)
{
	static struct log_gate gate;
	uint64_t bit = t->server != NULL ? 1ULL << t->server->index : 0;
	int held;

	t->seat->service->faults[fault]++;
	if (fault == ICAP_F_RACE)
		return;
	if (bit != 0 && (t->blamed & bit) == 0) {
		t->blamed |= bit;
		icap_blamed(t->server, rules[fault].blame, fault,
		    icap_whose(&t->job.client), t->why);
	}
	if (!log_gate(&gate, &held))
		return;
	log_warn("icap %s: %s: %s (%d more)", t->seat->service->conf->name,
	    t->server != NULL ? t->server->url : icap_fault_name(fault),
	    t->why, held);
	fail_evidence(t, fault);
}

/* Whether the operator lets it pass unscanned, as far as it can. */
static int
fail_open(const struct icap_txn *t, enum icap_fault fault)
{
	const struct conf_icap *c = t->seat->service->conf;

	if (fault == ICAP_F_OVERSIZE || fault == ICAP_F_ENDLESS)
		return conf_icap_passes(c, t->job.method == ICAP_RESPMOD,
		    t->job.endless_open);
	if (fault == ICAP_F_TLS)
		return c->tls_fail_open;
	return !rules[fault].closed && (t->job.method == ICAP_REQMOD ?
	    c->fail.reqmod : c->fail.respmod);
}

/* It can be neither finished nor begun again. */
static void
fail_give_up(struct icap_txn *t, enum icap_fault fault)
{
	static struct log_gate gate;
	int pass = fail_open(t, fault) && fail_intact(t);
	struct icap_answer a = {
		.outcome = pass ? ICAP_VIRGIN : ICAP_FAILED,
		.bypassed = pass,
		.status = rules[fault].status,
		.why = icap_fault_name(fault),
	};
	int held;

	if (pass && log_gate(&gate, &held))
		log_warn("icap %s: a message passed unscanned (%d more)",
		    t->seat->service->conf->name, held);
	icap_txn_over(t, pass ? ICAP_R_BYPASS : fault == ICAP_F_SHORT ?
	    ICAP_R_BLOCK : ICAP_R_ERR, fault, 0);
	icap_txn_answer(t, &a);
}

/* It has said no, if only in a head whose body then did not come; a body of
 * the wrong length (F15) may be another way to say it. And what it answered
 * is not undone for the size of what it was asked. */
static int
fail_verdict(const struct icap_txn *t, enum icap_fault fault)
{
	return fault == ICAP_F_SHORT || fault == ICAP_F_LONG ||
	    fault == ICAP_F_OVERSIZE || t->bad_status ||
	    (t->job.method == ICAP_REQMOD && t->hdr == ICAP_RES_HDR);
}

/* Whether what it answered stands, and can only be cut off. */
static int
fail_committed(struct icap_txn *t, enum icap_fault fault)
{
	return t->answered && (fail_verdict(t, fault) || t->user == NULL ||
	    t->user->committed == NULL || t->user->committed(t->arg));
}

void
icap_txn_failed(struct icap_txn *t, enum icap_fault fault)
{
	struct icap_server *server = t->server;

	fault = fail_race(t, fault);
	fail_blame(t, fault);
	if (fail_committed(t, fault)) {
		icap_txn_over(t, fault == ICAP_F_SHORT ? ICAP_R_BLOCK :
		    ICAP_R_ABORT, fault, 0);
		if (t->user != NULL)
			t->user->broken(t->arg, icap_fault_name(fault));
		return;
	}
	if (!fail_retry(t, fault, server)) {
		fail_give_up(t, fault);
		return;
	}
	icap_txn_reset(t);
	t->step = ICAP_T_BODY;
	icap_txn_attempt(t);
}

void
icap_txn_fail(struct icap_txn *t, enum icap_fault fault, const char *fmt, ...)
{
	va_list ap;

	if (t->step == ICAP_T_OVER || t->fault != ICAP_F_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
	if (t->quiet) {
		t->fault = fault;
		icap_txn_kick(t);
	} else
		icap_txn_failed(t, fault);
}
