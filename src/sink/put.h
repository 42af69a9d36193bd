/*
 * Members of EVE's events that say what is known of a session. What is not
 * known is left out.
 */
#ifndef SINK_PUT_H
#define SINK_PUT_H

#include "policy/facts.h"
#include "util/text.h"

/* A text; NULL and "" are not known. */
void	 put_text(struct text *, const char *key, const char *);
/* Keys and texts in turn, then NULL. */
void	 put_texts(struct text *, ...) __attribute__((sentinel));
/* The word for its protocol; static. */
const char *put_app(const struct facts *);
/* EVE's object for TLS: of the hello and the server's certificate. */
void	 put_tls(struct text *, const struct facts *);
/* What was agreed with a peer, if it was. Of a server also what came of its
 * certificate, and the hello that it had of us. */
void	 put_client(struct text *, const struct facts *);
void	 put_server(struct text *, const struct facts *);
/* EVE's object for the frame: the client's MAC address. */
void	 put_ether(struct text *, const struct facts *);
/* Where the server is, in the name of ECS. */
void	 put_geo(struct text *, const struct facts *);

#endif
