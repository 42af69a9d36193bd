/*
 * Pages of our own: whole HTTP/1.1 responses that say what happened, to a
 * person in HTML and to a program in JSON. What a peer said is escaped; nothing
 * in a page refers to anything outside it, and none is to be stored.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include <stddef.h>

#include "codec/http.h"
#include "conf/pages.h"
#include "util/addr.h"
#include "util/text.h"

struct page_ca {
	const char	*subject, *fingerprint, *until;
};

/* NULL or 0: not known. */
struct page {
	enum page_kind	 kind;
	int		 status;
	const char	*reason, *rule;
	/* The person who sees it can report it, and the operator finds it in
	 * the event log. */
	const char	*reference;
	const struct addr *client;
	const char	*host;		/* whom the client wanted */
	int		 tls;		/* ... by https */
	const char	*go_on;		/* WARN: where the button posts to */
	const struct page_ca *ca;	/* CA */
	/* QUARANTINE: its end, and what still works; "" is nothing */
	const char	*until, *allowed;
	const struct http_head *request;	/* that it answers */
	const char	*realm;		/* 407: of the Basic scheme */
	const struct conf_pages *pages;	/* NULL: as without the section */
};

/* What kind a page with that status is. */
enum page_kind page_kind_of(int status);

/* The response; malloc'ed. Its body is left out where the request is HEAD. */
char	*page_make(const struct page *, size_t *len);

/* The usual phrase for a status (RFC 9110, 15; RFC 6585; RFC 8297), static; ""
 * if it is not known. */
const char *page_reason(int status);

/* A whole response with this body, which is freed; malloc'ed. fields: header
 * lines with their CRLF. */
char	*page_whole(int status, const char *type, const char *fields,
	    struct text *body, size_t *len);

#endif
