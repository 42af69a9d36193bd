/*
 * What the control socket and the metrics are given to look at: the parts of
 * the running daemon. main fills it, and keeps it true; only the main thread
 * touches it, but for the tally, the failures and the top.
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
#include "tls/tls.h"
#include "util/text.h"

struct event_base;

struct admin_env {
	struct event_base	*base;		/* the main thread's */
	const struct conf	*conf;		/* in force now */
	struct worker		**workers;
	size_t			 nworkers;
	const struct proxy_sink	*sinks;		/* of conf's mirrors */
	struct icap_service	**icaps;	/* those that run */
	size_t			 nicaps;
	struct tls		*tls;
	struct connlog		*log;		/* or NULL */
	struct tally		*tally;
	struct failures		*failures;
	struct top		*top;
	struct timespec		 started;	/* wall clock */
	int			 draining;
	uint64_t		 reloads[2];	/* failed, done */
	/* Reload the configuration; what came of it into said. 0 or ERR_*. */
	int			(*reload)(void *arg, struct text *said);
	void			*arg;
};

/* The counters of all workers together, read at one moment. */
void	 admin_sum(const struct admin_env *, struct worker_counts *sum);

/* Objects for the verbs and the stats event; the caller owns them. */
json_t	*admin_status(const struct admin_env *);
json_t	*admin_counters(const struct admin_env *);
json_t	*admin_caches(const struct admin_env *);
/* The services of ICAP, with their servers. */
json_t	*admin_icap(const struct admin_env *);
/* One of them, as icapcheck_pack(): with its password. */
json_t	*admin_icap_config(const struct admin_env *, const char *name);

#endif
