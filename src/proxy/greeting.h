/*
 * Which hello a server gets. It is as the client's, so that the server answers
 * as it would without us. Where the two have nothing in common, but we and the
 * server have, it is our own, on a connection of its own.
 */
#ifndef PROXY_GREETING_H
#define PROXY_GREETING_H

#include "tls/tls.h"

struct session;

enum tls_how	 greeting_how(const struct session *);
/* The handshake with the server failed. 1: the next one is with our own hello,
 * and may not. */
int		 greeting_refused(struct session *, SSL *);
/* There will be no other handshake with the server: the client's hello is not
 * needed any more. A server that wanted our own is remembered. */
void		 greeting_over(struct session *);

#endif
