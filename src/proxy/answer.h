/*
 * What we say to the client in the server's place: PHASE_PAGE says it. The
 * session's record says that we did.
 */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

#include <stddef.h>
#include <stdint.h>

struct session;

/* A page that says why, with this status. */
void	answer_page(struct session *, int status, const char *why);
/* A whole response, malloc'ed, which becomes the session's. */
void	answer_http(struct session *, int status, char *text, size_t len);
/* A fatal alert (RFC 8446, 6), in the clear. */
void	answer_alert(struct session *, uint8_t alert);

#endif
