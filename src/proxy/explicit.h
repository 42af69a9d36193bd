/*
 * An explicit listener's client has asked for a server, and is answered.
 */
#ifndef PROXY_EXPLICIT_H
#define PROXY_EXPLICIT_H

#include "proxy/step.h"

/* The server is connected: tell the client. */
struct step	explicit_connected(struct session *);
/* It is not, or must not be, as the record's reason says: tell the client.
 * status is HTTP's. */
struct step	explicit_refused(struct session *, int status);

#endif
