/*
 * The engine that reads HTTP in a session, one request and its response at a
 * time. The services of the session's rule (ICAP) see them, the rules judge the
 * request by its own name, and the event log records them. A pipelined request
 * waits until the one before it is answered. Bytes that turn out not to be
 * HTTP/1 pass unchanged, if the rule allows it.
 */
#ifndef ADAPT_ENGINE_H
#define ADAPT_ENGINE_H

#include "http/record.h"
#include "icap/icap.h"
#include "proxy/engine.h"

/* What all engines of the process share; immutable. */
struct engine_env {
	struct icap_service	**services;	/* one for each of conf.icaps */
	size_t			  nservices;
	/* In the worker's thread, an exchange is over; or NULL. */
	void			(*ended)(void *arg, const struct record *,
				    const struct http_record *);
	/* The same for each ICAP transaction; or NULL. */
	void			(*icap_ended)(void *arg, const struct record *,
				    const struct http_record *,
				    const struct icap_record *);
	/* The same for each message of a WebSocket; or NULL. */
	void			(*message)(void *arg, const struct record *,
				    const struct ws_message *);
	void			*arg;
};

/* Its env is a struct engine_env. */
extern const struct engine_ops http_engine;

#endif
