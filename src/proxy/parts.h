/*
 * What runs for one snapshot of the configuration: its policy, TLS, sinks and
 * engine. A session belongs to the parts that were in force when it was
 * accepted, to its end; a reload makes new ones, which may share with the old
 * what has not changed. Immutable.
 */
#ifndef PROXY_PARTS_H
#define PROXY_PARTS_H

#include "policy/policy.h"
#include "proxy/engine.h"
#include "proxy/sink.h"
#include "tls/own.h"
#include "tls/tls.h"

struct proxy_sink {
	const struct sink_ops	*ops;
	void			*sink;
};

struct parts {
	_Atomic unsigned	 refs;
	struct policy		*policy;	/* holds the conf */
	struct tls		*tls;
	struct own		**owns;		/* of conf.owns */
	struct own		**clients;	/* of conf.rules, or NULL */
	struct proxy_sink	*sinks;		/* of conf.mirrors */
	/* Has what all sessions show that are read; ops NULL: there is none */
	struct proxy_sink	 history;
	/* Reads HTTP in the sessions that need it. */
	const struct engine_ops	*engine;
	void			*engine_env;
	/* ... in all that may be HTTP; and each session is told of */
	int			 http_events;
	int			 flow_events;
	/* The last reference is gone; in the thread that had it. */
	void			(*gone)(struct parts *);
};

struct parts	*parts_ref(struct parts *);
void		 parts_unref(struct parts *);	/* NULL is fine */

#endif
