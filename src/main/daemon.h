/*
 * The running daemon: its parts, made by boot.c in the one order that works,
 * driven by run.c (signals, draining), changed by reload.c.
 */
#ifndef MAIN_DAEMON_H
#define MAIN_DAEMON_H

#include "admin/admin.h"
#include "admin/control.h"
#include "admin/metrics.h"
#include "conf/conf.h"
#include "policy/policy.h"
#include "proxy/worker.h"
#include "adapt/engine.h"
#include "util/text.h"

struct event;
struct event_base;
struct lists;

struct daemon {
	struct event_base	*base;		/* the main thread's */
	struct policy		*policy;	/* in force */
	struct policy		*boot;		/* what the parts point into */
	struct tls		*tls;
	struct proxy_sink	*sinks;
	size_t			 nsinks;	/* open */
	struct worker		**workers;
	size_t			 nworkers;	/* made */
	size_t			 nrunning;	/* ... and started */
	struct proxy_env	 env;
	struct engine_env	 exchange;
	struct admin_env	 admin;
	struct control		*control;
	struct metrics		*metrics;
	struct event		*drain;		/* looks whether all is over */
	int			 stops;		/* signals to stop so far */
	uint64_t		 deadline;	/* ms: drained or not */
};

/*
 * Bring everything up but the ready line: TLS, sinks, workers, control
 * socket, metrics; then drop privileges, open the event log and start. 0, or
 * ERR_USAGE (the configuration is at fault) or another ERR_*, with one or
 * more lines in why. daemon_down() must follow in any case.
 */
int	daemon_up(struct daemon *, struct conf *, struct text *why);
/* Workers must have been told to drain. Writes out what is queued. */
void	daemon_down(struct daemon *);

/*
 * Serve until a signal says stop. Takes a reference to conf. ready runs once
 * when all is up; it may be NULL. Returns the process's exit status.
 */
int	daemon_run(struct conf *, void (*ready)(void *arg), void *arg);

/*
 * Read the configuration again and put it in force for new sessions, or
 * change nothing. said gets what came of it. 0, ERR_USAGE (errors in it), or
 * ERR_UNSUPPORTED (it changes what needs a restart).
 */
int	daemon_reload(void *daemon, struct text *said);

/*
 * Reload, as on SIGHUP, whenever a file of `lists:` has changed (lists.c). On
 * the daemon's event base, which must outlive it.
 */
struct lists *lists_watch(struct daemon *);
void	lists_free(struct lists *);

/*
 * Become user for good, keeping the capabilities that mirror ports and
 * transparent sockets need; gives owned (or NULL) to that user first. Does
 * nothing when not root. 0, or ERR_* with a sentence in why.
 */
int	drop_to(const char *user, const char *owned, struct text *why);

#endif
