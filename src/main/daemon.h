/*
 * The running daemon and its parts. boot.c makes them in the only order that
 * works, run.c drives them (signals, draining), and reload.c changes them.
 */
#ifndef MAIN_DAEMON_H
#define MAIN_DAEMON_H

#include <jansson.h>

#include "admin/admin.h"
#include "admin/control.h"
#include "admin/metrics.h"
#include "admin/rest.h"
#include "conf/conf.h"
#include "proxy/worker.h"
#include "adapt/engine.h"
#include "util/text.h"
#include "verdict/measure.h"
#include "verdict/quarantine.h"
#include "verdict/verdicts.h"

struct captures;
struct chains;
struct event;
struct event_base;
struct history;
struct lists;
struct mailbox;
struct notices;
struct setup;
struct zones;
struct watch;

struct daemon {
	struct event_base	*base;		/* the main thread's */
	struct mailbox		*mailbox;
	struct setup		*setup;		/* in force */
	struct worker		**workers;
	size_t			 nworkers;	/* made */
	size_t			 nrunning;	/* ... and started */
	struct chains		*chains;	/* or NULL: no devices */
	struct proxy_env	 env;
	struct engine_env	 engine;	/* without services */
	struct admin_env	 admin;
	struct zones		*zones;		/* NULL: started without
						 * devices */
	struct quarantine	 quarantine;
	struct measures		 measures;
	struct event		*tick;		/* of that */
	struct sensors		*sensors;	/* or NULL: there are none */
	struct verdicts		 verdicts;
	struct history		*history;	/* packets of late */
	struct captures		*captures;	/* ... and files of them */
	struct notices		*notices;
	struct control		*control;
	struct metrics		*metrics;
	struct rest		*rest;
	struct event		*drain;		/* checks if all have ended */
	int			 stops;		/* signals to stop so far */
	uint64_t		 deadline;	/* ms; the end of draining */
};

/*
 * Bring everything up except for the ready line: TLS, sinks, workers, control
 * socket, metrics; then drop privileges, open the event log and start. Returns
 * 0; or ERR_USAGE (the configuration is at fault) or another ERR_*, with one
 * or more lines in why. daemon_down() must follow in any case.
 */
int	daemon_up(struct daemon *, struct conf *, struct text *why);
/* limits.memory, shared out. */
void	daemon_memory(const struct conf *);
/* The setup in force is another one. */
void	daemon_show(struct daemon *);
/* The workers must have been told to drain. Writes out the queues. */
void	daemon_down(struct daemon *);

/*
 * Serve until a signal stops it. Takes a reference to conf. ready runs once
 * when everything is up; it may be NULL. Returns the exit status.
 */
int	daemon_run(struct conf *, void (*ready)(void *arg), void *arg);

/*
 * Read the configuration again and use it for new sessions, or change nothing.
 * said gets the result. Returns 0, ERR_USAGE (it has errors), or
 * ERR_UNSUPPORTED (it changes something that needs a restart).
 */
int	daemon_reload(void *daemon, struct text *said);

/*
 * Reload, as on SIGHUP, whenever a file of `lists:` has changed, or that of the
 * configuration where it says `reload: watch` (lists.c). Runs on the daemon's
 * event base, which must outlive it.
 */
struct lists *lists_watch(struct daemon *);
void	lists_free(struct lists *);

/* Whether what is forwarded is to be guarded. */
int	contained_guards(const struct conf *);
/*
 * Quarantines (contained.c): before privileges are dropped; when they are about
 * to be, with the configuration in force; at the end. ERR_* with a sentence in
 * why.
 */
int	contained_boot(struct daemon *, const struct conf *, uint64_t seed,
	    struct text *why);
void	contained_start(struct daemon *);
void	contained_down(struct daemon *);
/* (acted.c) An event, with who has done it (quarantine.actor). Returns it. */
json_t	*contained_acted(const struct daemon *, json_t *);
/*
 * Denied servers, step-ups and proposals (measures.c), which are a part of
 * those: their tables; when the file of state has been read and the guard
 * started; every second; the end.
 */
void	measures_boot(struct daemon *, uint64_t seed,
	    struct contain *tables[STATE_KINDS]);
void	measures_start(struct daemon *);
void	measures_tick(struct daemon *);
void	measures_down(struct daemon *);
/*
 * Sensors (sensors.c), likewise. A reload opens those of a configuration, and
 * then begins with them in the place of the others, or drops them.
 */
int	verdicts_boot(struct daemon *, struct conf *, uint64_t seed,
	    struct text *why);
int	verdicts_open(struct daemon *, struct conf *, struct sensors **out,
	    struct text *why);
void	verdicts_begin(struct daemon *, struct conf *, struct sensors *);
void	verdicts_down(struct daemon *);

/*
 * Captures (captures.c). new: with the configuration of the start. directory
 * makes the one that is configured, while there are privileges; usable: whether
 * we may write there, with a sentence in why. stop: the workers have ended;
 * free: their mailbox and the setups have.
 */
struct captures *captures_new(struct daemon *, const struct conf *);
void	captures_directory(const struct conf *);
int	captures_usable(const struct conf *, struct text *why);
void	captures_stop(struct captures *);	/* NULL is fine */
void	captures_free(struct captures *);
/* For ctl. done gets what there is; perhaps it goes on for ms. */
void	captures_asked(void *daemon, const struct endpoint *, uint64_t ms,
	    void (*done)(void *arg, json_t *), void *arg);
/*
 * Write what is kept of an endpoint's packets to a file, for a case (its id, or
 * 0: none), and go on for `history: after`. Again for the same case: go on for
 * longer. The case and the log are told of the file when it is whole. reason
 * may be NULL. Returns 0; or ERR_UNSUPPORTED (there is no history) or ERR_LIMIT
 * (of captures at once; told, too) with a sentence in why. Waits for nothing.
 */
int	history_write(struct daemon *, const struct endpoint *, uint64_t id,
	    const char *reason, struct text *why);

/*
 * Who is told outside (notices.c), likewise.
 */
int	notices_boot(struct daemon *, struct conf *, struct text *why);
int	notices_make(struct daemon *, struct conf *, struct notices **out,
	    struct text *why);
void	notices_turn(struct daemon *, struct notices *);
void	notices_down(struct daemon *);
/* Tell of the object of an event. c: what it is about. */
void	notices_quarantine(struct daemon *, enum quarantine_what,
	    const struct contained *c, json_t *about);
void	notices_measure(struct daemon *, enum state_kind, enum measure_what,
	    const struct contained *, json_t *about);
void	notices_verdict(struct daemon *, const struct verdict_told *,
	    json_t *about);

/*
 * Whether nobody else has the address of a listener. The workers share it by
 * SO_REUSEPORT, and would silently share it with another daemon of the same
 * user. ERR_SYS with a sentence in why.
 */
int	port_free(const struct conf_listen *, struct text *why);

/* Watch the workers (watch.c). The base and the workers must outlive it. */
struct watch *watch_new(struct event_base *, struct worker **, size_t n);
void	watch_free(struct watch *);

/*
 * Become user for good, and keep the capabilities that mirror ports and
 * transparent sockets need. First give the file owned (or NULL) to that user.
 * If we are another user already, only give up the capabilities that we need no
 * more. Returns 0, or ERR_* with a sentence in why.
 */
int	drop_to(const char *user, const char *owned, struct text *why);

#endif
