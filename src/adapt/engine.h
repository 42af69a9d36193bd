/*
 * The engine that reads HTTP out of a session: a request and its response at
 * a time, shown to the services of the session's rule (ICAP), judged under
 * its own name, and told to the event log. A pipelined request waits until
 * the one before it is answered. What turns out to be no HTTP/1 passes
 * untouched, where the rule lets it.
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
	void			*arg;
};

/* What it is attached to is the struct engine_env. */
extern const struct engine_ops http_engine;

#endif
