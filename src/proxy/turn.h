/*
 * A session's turn for its handshakes, within limits.handshakes (turns.h).
 * PHASE_TURN waits for one.
 */
#ifndef PROXY_TURN_H
#define PROXY_TURN_H

struct session;

/* A handshake begins: counted, whether or not there is room. Nothing where
 * the session has its turn. */
void	turn_take(struct session *);
/* No handshake any more, and it waits for none: another has its turn. */
void	turn_end(struct session *);

#endif
