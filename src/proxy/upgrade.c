/*
 * PHASE_UPGRADE: a dialogue has come to the point where TLS follows. What was
 * said before goes on, to the last byte, and nothing is read meanwhile. Then
 * the client's hello is awaited in its socket, as at the start of a session
 * that begins with TLS; the rules are asked again, and know its name; and the
 * handshakes follow, on both sides of the same wires and taps.
 *
 * What a peer has sent in the clear behind the agreement would be taken for
 * something that came encrypted. It is refused, from either side
 * (CVE-2011-0411, CVE-2021-23222, CVE-2021-33515).
 *
 * Where no dialogue is read any more and no tap is left, the kernel takes over.
 */
#include <sys/socket.h>

#include "proxy/dialogue.h"
#include "proxy/inner.h"
#include "proxy/phases.h"
#include "proxy/session.h"
#include "proxy/taps.h"
#include "proxy/upgrade.h"
#include "util/log.h"

struct step
upgrade_injected(struct session *s, enum flow_dir dir)
{
	static struct log_gate gate;
	const char *who = dir == DIR_UP ? "client" : "server";
	char to[ADDR_STRLEN];
	int held;

	count(s->worker->counts.starttls[dir == DIR_UP ?
	    RESULT_INJECTED_CLIENT : RESULT_INJECTED_SERVER], 1);
	if (log_gate(&gate, &held))
		log_warn("session %llu: STARTTLS with %s: the %s sent more in "
		    "the clear where TLS was agreed on; refused (%d more like "
		    "it not shown)", (unsigned long long)s->rec.id,
		    addr_str(&s->facts.server, to), who, held);
	return step_reset(s, dir, "STARTTLS: the %s sent more in the clear "
	    "where TLS was agreed on", who);
}

/* Whether the server has sent more; that it has ended will show. */
static int
upgrade_server_spoke(struct session *s)
{
	char c;

	return recv(s->server.sock.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static struct step
upgrade_begin(struct session *s)
{
	if (dialogue_held(s, DIR_UP) > 0)
		return upgrade_injected(s, DIR_UP);
	if (dialogue_held(s, DIR_DOWN) > 0 || upgrade_server_spoke(s))
		return upgrade_injected(s, DIR_DOWN);
	count(s->worker->counts.starttls[RESULT_AGREED], 1);
	s->facts.upgraded = 1;
	s->dialogue->over = 1;
	dialogue_pause(s, 0);
	return step_go(PHASE_HELLO);
}

static struct step
upgrade_splice(struct session *s)
{
	taps_close(s);
	dialogue_pause(s, 0);
	return step_go(PHASE_SPLICE);
}

static struct step
upgrade_event(struct session *s, struct conn *c)
{
	struct step t = phase_relay.event(s, c);

	if (t.kind != STEP_WAIT || !dialogue_drained(s))
		return t;
	return s->dialogue->agreed ? upgrade_begin(s) : upgrade_splice(s);
}

static struct step
upgrade_enter(struct session *s)
{
	return upgrade_event(s, NULL);
}

static struct step
upgrade_timeout(struct session *s)
{
	return phase_relay.timeout(s);
}

const struct phase_ops phase_upgrade = {
	.name = "upgrade to TLS",
	.enter = upgrade_enter,
	.event = upgrade_event,
	.timeout = upgrade_timeout
};
