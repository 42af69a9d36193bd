/*
 * What we say to the client in the server's place: PHASE_PAGE says it. The
 * session's record says that we did.
 */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "http/page.h"

struct session;

/* What any page says of this session. */
struct page answer_about(const struct session *);

/* A page that says why, with this status, whatever the request was. */
void	answer_page(struct session *, int status, const char *why);
/* The same as an answer to the client's request, which is read first, with the
 * record's reason: PHASE_PAGE waits for it. */
void	answer_request(struct session *, int status);
/* The page of our CA, or the file of it that the request names. */
void	answer_ca(struct session *);
/* A whole response, malloc'ed, which becomes the session's. */
void	answer_http(struct session *, int status, char *text, size_t len);
/* A fatal alert (RFC 8446, 6), in the clear. */
void	answer_alert(struct session *, uint8_t alert);

/* For PHASE_PAGE. The server's end is closed: make it say the answer, or first
 * listen to the request. */
void	answer_begin(struct session *);
/* No more of the request comes. Returns whether there is an answer. */
int	answer_anyway(struct session *);
/* What it holds. */
void	answer_free(struct session *);

#endif
