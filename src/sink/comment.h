/*
 * What a pcapng file says of a session, beside its packets: one comment on the
 * first, one on the first after the handshakes.
 */
#ifndef SINK_COMMENT_H
#define SINK_COMMENT_H

#include "proxy/record.h"
#include "util/text.h"

void	comment_begin(struct text *, const struct record *);
void	comment_facts(struct text *, const struct record *);

#endif
