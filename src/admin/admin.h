/*
 * The parts of the running daemon that the control socket and the metrics read.
 * main fills it and keeps it up to date. Only the main thread uses it, except
 * for the tally, the failures and the top.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "admin/failures.h"
#include "admin/tally.h"
#include "admin/top.h"
#include "conf/conf.h"
#include "proxy/worker.h"
#include "sink/connlog.h"
#include "icap/icap.h"
#include "tls/own.h"
#include "tls/tls.h"
#include "util/text.h"

struct bypasses;
struct capture_counts;
struct endpoint;
struct event_base;
struct history;
struct measures;
struct notices;
struct quarantine;
struct rest;
struct sensors;
struct verdict_ring;
struct verdicts;

struct admin_env {
	struct event_base	*base;		/* the main thread's */
	const struct conf	*conf;		/* in force now ... */
	const struct policy	*policy;	/* ... and its rules */
	struct worker		**workers;
	size_t			 nworkers;
	const struct proxy_sink	*sinks;		/* of conf's mirrors */
	struct icap_service	**icaps;	/* of conf's services */
	struct tls		*tls;
	struct own		**owns;		/* of conf's certificates */
	struct connlog		*log;		/* or NULL */
	struct tally		*tally;
	struct failures		*failures;
	struct top		*top;
	struct bypasses		*bypasses;
	struct neighbours	*neighbours;	/* or NULL */
	struct quarantine	*quarantine;
	struct measures		*measures;
	struct verdict_ring	*ring;		/* the last verdicts */
	struct verdicts		*verdicts;
	struct sensors		*sensors;	/* or NULL */
	struct rest		*rest;
	struct history		*history;
	const struct capture_counts *captures;
	/* `ctl capture`; done gets the answer. */
	void			(*capture)(void *arg, const struct endpoint *,
				    uint64_t ms, void (*done)(void *,
				    json_t *), void *done_arg);
	struct notices		*notices;
	struct timespec		 started;	/* wall clock */
	int			 draining;
	uint64_t		 reloads[2];	/* failed, done */
	/* Reload the configuration. said gets the result. 0 or ERR_*. */
	int			(*reload)(void *arg, struct text *said);
	void			*arg;
};

/* Add up the counters of all workers. */
void	 admin_sum(const struct admin_env *, struct worker_counts *sum);

/* Objects for the verbs and the stats event, which the caller owns. */
json_t	*admin_status(const struct admin_env *);
json_t	*admin_counters(const struct admin_env *);
json_t	*admin_caches(const struct admin_env *);
/* The services of ICAP, with their servers. */
json_t	*admin_icap(const struct admin_env *);
/* One of them as icapcheck_pack() makes it, with its password. */
json_t	*admin_icap_config(const struct admin_env *, const char *name);

#endif
