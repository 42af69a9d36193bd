/*
 * Which hello a server gets.
 */
#include "proxy/greeting.h"

#include <stdlib.h>

#include "proxy/inner.h"
#include "proxy/learned.h"
#include "proxy/session.h"
#include "util/log.h"

enum tls_how
greeting_how(const struct session *s)
{
	if (s->own_hello || learned_has(s->worker->env->servers, &s->facts,
	    LEARNED_HELLO))
		return TLS_HELLO_OWN;
	/* A dialogue that was upgraded cannot be had again. */
	return s->facts.upgraded ? TLS_HELLO_BOTH : TLS_HELLO_CLIENT;
}

int
greeting_refused(struct session *s, SSL *ssl)
{
	if (s->own_hello || s->facts.upgraded || !tls_refused_hello(ssl))
		return 0;
	log_debug("session %llu: the server refuses a hello like the "
	    "client's; ours is next", (unsigned long long)s->rec.id);
	s->own_hello = 1;
	return 1;
}

void
greeting_over(struct session *s)
{
	if (s->own_hello && s->facts.tls_server.version != NULL)
		learned_set(s->worker->env->servers, &s->facts,
		    LEARNED_HELLO);
	free(s->hello);
	s->hello = NULL;
}
