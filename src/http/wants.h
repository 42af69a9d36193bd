/*
 * What the client of a page wants: which language, and whether a person or a
 * program will read it (RFC 9110, 12.5.1 and 12.5.4).
 */
#ifndef HTTP_WANTS_H
#define HTTP_WANTS_H

#include "codec/http.h"
#include "conf/pages.h"

/*
 * The language of these n that the request wants most; of equal ones that which
 * it names first. None of them, or no request (NULL): the first.
 */
enum page_language wants_language(const struct http_head *,
	    const int *languages, size_t n);

/*
 * Whether JSON is the answer: it is preferred to HTML, or the client is no
 * browser, or a browser fetches it for a script. Not without a request.
 */
int	 wants_json(const struct http_head *);

#endif
