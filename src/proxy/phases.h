/*
 * The phases, each in the file that is named: what session.c makes its table
 * of.
 */
#ifndef PROXY_PHASES_H
#define PROXY_PHASES_H

#include "proxy/step.h"

extern const struct phase_ops phase_head;		/* explicit.c */
extern const struct phase_ops phase_hello;		/* peek.c */
extern const struct phase_ops phase_confirm;		/* confirm.c */
extern const struct phase_ops phase_connect;		/* upstream.c */
extern const struct phase_ops phase_turn;		/* turn.c */
extern const struct phase_ops phase_server_tls;		/* upstream.c */
extern const struct phase_ops phase_chain;		/* through.c */
extern const struct phase_ops phase_forge;		/* intercept.c */
extern const struct phase_ops phase_client_tls;		/* intercept.c */
extern const struct phase_ops phase_relay;		/* relay.c */
extern const struct phase_ops phase_upgrade;		/* upgrade.c */
extern const struct phase_ops phase_splice;		/* relay.c */
extern const struct phase_ops phase_page;		/* relay.c */

/* upstream.c: a session ends; is there something to learn of its server? */
void	server_tls_over(struct session *);

#endif
