/*
 * A device learns that its network holds it: from the captive portal API (RFC
 * 8908), and because what its system asks for to learn whether it is online is
 * redirected (RFC 8952, 2.2).
 */
#ifndef HTTP_CAPTIVE_H
#define HTTP_CAPTIVE_H

#include <stdint.h>

#include "codec/http.h"
#include "util/text.h"

#define CAPTIVE_API	"/captive/api"
#define CAPTIVE_PAGE	"/captive/"	/* for the user */

/* NULL: not known. */
struct captive {
	const char	*host;		/* of the portal, by https */
	const char	*reference;	/* NULL: the client is not contained */
	const char	*reason, *until;
	int64_t		 left;		/* s until then */
};

/* Whether the path is this one, whatever its query is. */
int	 captive_path(const struct http_head *, const char *path);

/*
 * Whether a request is what one of the usual systems or browsers asks for to
 * learn whether it is online; or what they open when they are not.
 */
int	 captive_probe(const struct http_head *);

/* The API's answer; malloc'ed. */
char	*captive_api(const struct captive *, int head, size_t *len);
/* "http", an IPv6 address without brackets, path: their URL. */
void	 captive_url(struct text *, const char *scheme, const char *host,
	    const char *path);
/* A redirection to that URL; malloc'ed. */
char	*captive_redirect(const char *url, size_t *len);

#endif
