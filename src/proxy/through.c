/*
 * PHASE_CHAIN: a session waits for its way through the devices of its chain. It
 * stands behind the handshake with the server and before that with the client,
 * where a refusal can still be a page. Each device has a second or two, so that
 * no timer is needed here.
 */
#include "proxy/chain.h"
#include "proxy/decide.h"
#include "proxy/phases.h"
#include "proxy/session.h"

static struct step
through_event(struct session *s, struct conn *c)
{
	const char *why = NULL;

	switch (chain_ready(s, &why)) {
	case CHAIN_READY:
		return decide_through(s);
	case CHAIN_REFUSED:
		return step_refuse(s, 503, "chain %s: %s",
		    s->verdict.rule->chain->name, why);
	case CHAIN_WAIT:
		break;
	}
	return c != NULL ? step_client_event(s, c) : step_wait();
}

static struct step
through_enter(struct session *s)
{
	return through_event(s, NULL);
}

const struct phase_ops phase_chain = {
	.name = "chain",
	.handshake = 1,
	.enter = through_enter,
	.event = through_event,
};
