/*
 * Who the client of an explicit listener is: `authentication:`. What was found
 * of a user and a password is remembered by each worker, as an HMAC of both and
 * of the hash in the file, so that a changed file counts at once.
 */
#ifndef PROXY_AUTH_H
#define PROXY_AUTH_H

#include "codec/basic.h"
#include "codec/http.h"

struct auth;
struct session;
struct worker;

enum auth_is {
	AUTH_IS_OK,		/* facts.user is set, if there is a user */
	AUTH_IS_WAITING,	/* for a thread; the phase's event follows */
	AUTH_IS_UNASKED,	/* it says no user and password */
	AUTH_IS_WRONG,
	AUTH_IS_BUSY,		/* too many checks are waiting */
	AUTH_IS_GUESSING	/* it was wrong too often lately */
};

/* For the log. */
const char	*auth_str(enum auth_is);

/* Whether the session's listener wants a user and a password. */
int		 auth_wanted(const struct session *);
/* Who has sent this user and password? */
enum auth_is	 auth_password(struct session *, const struct basic *);
/* Who has sent this request? */
enum auth_is	 auth_http(struct session *, const struct http_head *);
/* Whether a later request is from the same one, so that it needs no check. */
int		 auth_same(const struct session *, const struct http_head *);
/* Takes out of a request what is for us alone. */
void		 auth_strip(const struct session *, struct http_head *);
/* The session does not wait any more. */
void		 auth_leave(struct session *);

struct auth	*auth_new(struct worker *);
void		 auth_free(struct auth *);

#endif
