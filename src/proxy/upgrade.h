/*
 * Of a session that turns to TLS in its dialogue.
 */
#ifndef PROXY_UPGRADE_H
#define PROXY_UPGRADE_H

#include "stream/tap.h"

struct session;

/* That peer sent clear bytes where TLS was agreed on: counted, logged, and the
 * session is refused. */
struct step	upgrade_injected(struct session *, enum flow_dir);

#endif
