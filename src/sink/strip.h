/*
 * The tap of mirrors with `starttls: strip`: a session that turns to TLS in the
 * middle of its dialogue is shown as one that never did. The server's offer,
 * the client's request and the server's agreement are left out, so that the
 * dialogue goes on with what came inside. What is not such a dialogue, or not
 * to be decrypted, is shown as it is; so is a request that the server refuses.
 */
#ifndef SINK_STRIP_H
#define SINK_STRIP_H

#include "proxy/sink.h"

/* The begin() of all packet sinks: the tap of this mirror, which may be one of
 * sink/split. */
void	*strip_open(void *seat, struct tap *, const struct record *);

#endif
