/*
 * The comments of a session in a pcapng file: one on its first packet, and one
 * on the first packet after the handshakes.
 */
#ifndef SINK_COMMENT_H
#define SINK_COMMENT_H

#include "proxy/record.h"
#include "util/text.h"

void	comment_begin(struct text *, const struct record *);
void	comment_facts(struct text *, const struct record *);

#endif
