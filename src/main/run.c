/*
 * `clearspan run`: the daemon in the foreground. Signals are events of the
 * main thread; all other threads block them.
 */
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "main/cmd.h"
#include "main/daemon.h"
#include "main/here.h"
#include "main/notify.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define DRAIN_LOOK	20	/* ms between looks while draining */
#define DRAIN_GRACE	2000	/* ms for sessions to end after the linger */
#define STATS_EVERY	60	/* s between stats events */
#define STUCK		30	/* s until SIGALRM ends a stuck exit */

static void	on_stop(evutil_socket_t, short, void *);
static void	on_reload(evutil_socket_t, short, void *);
static void	on_reopen(evutil_socket_t, short, void *);

static const struct {
	int		signo;
	event_callback_fn run;
} signals[] = {
	{ SIGTERM, on_stop },
	{ SIGINT, on_stop },
	{ SIGHUP, on_reload },
	{ SIGUSR1, on_reopen }
};

/* Sessions have ms to end; then they are reset. */
static void
drain(struct daemon *d, uint64_t ms)
{
	static const struct timeval look = { 0, DRAIN_LOOK * 1000 };
	size_t i;

	d->deadline = clock_ms() + ms + DRAIN_GRACE;
	for (i = 0; i < d->nrunning; i++)
		worker_drain(d->workers[i], ms);
	event_add(d->drain, &look);
}

static void
on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct worker_counts sum;

	admin_sum(&d->admin, &sum);
	if ((sum.open == 0 && sum.dns_waiting == 0) ||
	    clock_ms() >= d->deadline)
		event_base_loopbreak(d->base);
}

static void
on_stop(evutil_socket_t signo, short what, void *arg)
{
	struct daemon *d = arg;
	struct worker_counts sum;

	if (d->stops++ > 0) {
		log_warn("second signal to stop: resetting open sessions");
		drain(d, 0);
		return;
	}
	d->admin.draining = 1;
	notify("STOPPING=1");
	admin_sum(&d->admin, &sum);
	log_info("stopping: %llu open sessions get %llu s to end",
	    (unsigned long long)sum.open,
	    (unsigned long long)d->admin.conf->timeouts.linger / 1000);
	drain(d, d->admin.conf->timeouts.linger);
}

static void
on_reload(evutil_socket_t signo, short what, void *arg)
{
	struct text said = { 0 };

	daemon_reload(arg, &said);
	text_free(&said);
}

static void
on_reopen(evutil_socket_t signo, short what, void *arg)
{
	struct daemon *d = arg;

	connlog_reopen(d->admin.log);
}

static void
on_stats(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	connlog_stats(d->admin.log, admin_counters(&d->admin));
}

/* Block the signals that we handle, so that all threads start with them
 * blocked. */
static void
signals_block(int how)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < NELEM(signals); i++)
		sigaddset(&set, signals[i].signo);
	pthread_sigmask(how, &set, NULL);
}

static void
daemon_loop(struct daemon *d, void (*ready)(void *), void *arg)
{
	static const struct timeval every = { STATS_EVERY, 0 };
	struct event *ev[NELEM(signals)], *stats;
	struct lists *lists;
	struct watch *watch;
	size_t i;

	for (i = 0; i < NELEM(signals); i++) {
		ev[i] = evsignal_new(d->base, signals[i].signo,
		    signals[i].run, d);
		event_add(ev[i], NULL);
	}
	d->drain = event_new(d->base, -1, EV_PERSIST, on_drain, d);
	stats = event_new(d->base, -1, EV_PERSIST, on_stats, d);
	event_add(stats, &every);
	lists = lists_watch(d);
	watch = watch_new(d->base, d->workers, d->nrunning);
	signals_block(SIG_UNBLOCK);
	/* Logged at every level, because scripts wait for it. */
	log_line(LOG_LVL_INFO, "ready: clearspan %s, %zu listeners, %zu "
	    "workers, process %d", VERSION, d->admin.conf->nlistens,
	    d->nworkers, (int)getpid());
	notify("READY=1");
	if (ready != NULL)
		ready(arg);
	event_base_dispatch(d->base);
	for (i = 0; i < NELEM(signals); i++)
		event_free(ev[i]);
	watch_free(watch);
	lists_free(lists);
	event_free(d->drain);
	event_free(stats);
}

/* Log each line of why. */
static void
log_lines(int level, struct text *why)
{
	char *line, *save = NULL;

	if (why->s == NULL)
		return;
	for (line = strtok_r(why->s, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		log_at(level, "%s", line);
}

static void
log_warnings(const struct conf *c)
{
	struct text t = { 0 };

	here_warnings(c, &t);
	log_lines(LOG_LVL_WARN, &t);
	text_free(&t);
}

/* There are no sessions yet, or the loop broke: end the running workers. */
static void
daemon_abandon(struct daemon *d)
{
	size_t i;

	for (i = 0; i < d->nrunning; i++)
		worker_drain(d->workers[i], 0);
}

int
daemon_run(struct conf *c, void (*ready)(void *arg), void *arg)
{
	struct daemon d = { 0 };
	struct text why = { 0 };
	int rv, status = EXIT_DONE;

	mem_setup();
	signal(SIGPIPE, SIG_IGN);
	signals_block(SIG_BLOCK);
	json_object_seed(0);	/* once, before there are threads */
	log_level = c->log.level;
	log_start();
	log_info("clearspan %s starts with %s", VERSION, c->path);
	log_warnings(c);
	d.admin.reload = daemon_reload;
	if ((rv = daemon_up(&d, c, &why)) != 0) {
		log_lines(LOG_LVL_ERROR, &why);
		log_error("clearspan has not started");
		status = rv == ERR_USAGE ? EXIT_WRONG : EXIT_FAILED;
	} else {
		daemon_loop(&d, ready, arg);
	}
	if (d.stops == 0 && status == EXIT_DONE) {
		log_error("the main loop ended by itself");
		status = EXIT_FAILED;
	}
	alarm(STUCK);
	daemon_abandon(&d);
	daemon_down(&d);
	if (status == EXIT_DONE)
		log_info("stopped");
	log_stop();
	text_free(&why);
	return status;
}

int
cmd_run(int argc, char **argv)
{
	const char *path = CONF_DEFAULT_PATH;
	struct text errors = { 0 };
	struct conf *c;
	int ch, status;

	opterr = 0;
	while ((ch = getopt(argc, argv, "c:")) != -1) {
		if (ch != 'c')
			return cmd_usage(argv[0], "no such option: -%c, or "
			    "its argument is missing", optopt);
		path = optarg;
	}
	if (optind != argc)
		return cmd_usage(argv[0], "unexpected argument \"%s\"",
		    argv[optind]);
	log_level = LOG_LVL_ERROR;	/* the start repeats the warnings */
	if (here_load(path, &c, &errors) != 0) {
		fputs(errors.s, stderr);
		text_free(&errors);
		return EXIT_WRONG;
	}
	status = daemon_run(c, NULL, NULL);
	conf_unref(c);
	return status;
}
