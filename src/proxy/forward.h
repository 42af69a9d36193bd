/*
 * The editor of explicit plain HTTP. It is owned by its session.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include "proxy/step.h"

struct forward;
struct http_url;

struct forward	*forward_new(struct session *, const struct http_url *);
void		 forward_free(struct forward *);
/* A tap has answered the client's oldest request in the server's place. */
void		 session_answered(struct session *);
/* Nothing moves: has the client asked for another server? */
struct step	 forward_check(struct session *);

#endif
