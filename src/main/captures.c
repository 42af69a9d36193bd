/*
 * Captures in the running daemon. One after the other, the main thread asks the
 * workers' rings, the last of them that answers hands it to a thread that
 * writes, and that one back to the main thread: this is a round. A capture is
 * always with one of them. It has one round, or one each second as long as it
 * goes on.
 */
#include <event2/event.h>
#include <jansson.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "admin/captured.h"
#include "main/daemon.h"
#include "net/mailbox.h"
#include "sink/connlog.h"
#include "sink/eve.h"
#include "sink/history.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/outq.h"
#include "verdict/cases.h"

#define ROUND_MS	1000
#define END_MS		5000	/* at the end, for the disk to take the rest */

struct captures {
	struct daemon	*d;
	struct outq	*writer;	/* or NULL: nothing was written yet */
	LIST_HEAD(, taking) takings;
	struct capture_counts counts;
	int		 stopping;
	pthread_mutex_t	 lock;
	int		 gone;		/* the main thread is */
};

struct taking {				/* a capture under way */
	LIST_ENTRY(taking) link;
	struct captures	*all;
	struct history_question question;	/* its who */
	struct capture	*capture;
	struct mail	 home;
	struct event	*timer;
	uint64_t	 id;		/* of its case, or 0 */
	uint64_t	 until;		/* clock_ms(): the last round */
	uint64_t	 upto;		/* of this round; ns since 1970 */
	int		 away;		/* a round is under way */
	int		 last;		/* it is the last one */
	int		 over;		/* nothing more is written */
	int		 begun;		/* its case knows of the file */
	/* Whoever waits for an answer, or NULL. */
	void		(*done)(void *arg, json_t *);
	void		*arg;
};

static void	taking_ask(struct taking *);

struct captures *
captures_new(struct daemon *d, const struct conf *c)
{
	struct captures *all = xcalloc(1, sizeof(*all));

	all->d = d;
	LIST_INIT(&all->takings);
	pthread_mutex_init(&all->lock, NULL);
	d->history = d->admin.history = history_new(c);
	d->admin.captures = &all->counts;
	d->admin.capture = captures_asked;
	return all;
}

void
captures_directory(const struct conf *c)
{
	if (!c->history.given)
		return;
	/* If it fails, captures_usable() says why. */
	keep_dir(c->history.directory, 0750, c->user);
	keep_dir_itself(c->history.directory, 0700, c->user);
}

int
captures_usable(const struct conf *c, struct text *why)
{
	if (!c->history.given || capture_usable(c->history.directory, why) ==
	    0)
		return 0;
	text_puts(why, " (history: directory)");
	return ERR_USAGE;
}

static void
taking_free(struct taking *t)
{
	LIST_REMOVE(t, link);
	t->all->counts.open--;
	history_question_clear(&t->question);
	capture_free(t->capture);
	if (t->timer != NULL)
		event_free(t->timer);
	free(t);
}

static json_t *
taking_json(const struct taking *t)
{
	return captured_json(capture_tells(t->capture), t->id,
	    &t->question.who);
}

static void
taking_answer(struct taking *t)
{
	if (t->done == NULL)
		return;
	t->done(t->arg, json_pack("{s:o}", "capture", taking_json(t)));
	t->done = NULL;
}

/* If we are killed before it is whole, the case has its name at least. */
static void
taking_begun(struct taking *t)
{
	const struct capture_told *told = capture_tells(t->capture);

	if (t->begun || t->id == 0 || told->path == NULL)
		return;
	t->begun = 1;
	cases_add(t->all->d->quarantine.cases, t->id, clock_wall().tv_sec,
	    "capture begun", json_pack("{s:o}", "file",
	    eve_string(told->path)));
}

/* It is whole: say so. */
static void
taking_end(struct taking *t)
{
	const struct capture_told *told = capture_tells(t->capture);
	struct daemon *d = t->all->d;
	char who[ADDR_STRLEN];
	json_t *o;

	capture_close(t->capture);
	o = taking_json(t);
	t->all->counts.ended[told->how]++;
	log_at(told->how == CAPTURE_FAILED ? LOG_LVL_ERROR : LOG_LVL_INFO,
	    "capture of %s: %s%s%s: %llu packets of %llu sessions%s%s",
	    endpoint_str(&t->question.who, who), capture_end_str(told->how),
	    told->why != NULL ? ": " : "", told->why != NULL ? told->why : "",
	    (unsigned long long)told->packets,
	    (unsigned long long)told->sessions, told->path != NULL ?
	    " in " : "", told->path != NULL ? told->path : "");
	if (t->id != 0)
		cases_add(d->quarantine.cases, t->id, clock_wall().tv_sec,
		    "capture", json_incref(o));
	connlog_report(d->admin.log, "capture", o);
	taking_answer(t);
	taking_free(t);
}

static void
taking_wait(struct taking *t)
{
	uint64_t now = clock_ms(), ms = t->until > now ? t->until - now : 0;
	struct timeval tv = clock_timeval(ms < ROUND_MS ? ms : ROUND_MS);

	evtimer_add(t->timer, &tv);
}

/* A round has come home. */
static void
taking_home(struct mail *m)
{
	struct taking *t = (struct taking *)(void *)((char *)m -
	    offsetof(struct taking, home));

	t->away = 0;
	if (t->over || t->all->stopping) {
		taking_end(t);
		return;
	}
	taking_begun(t);
	taking_answer(t);
	taking_wait(t);
}

static void
taking_gave(void *question, const struct ring *r, uint64_t seq)
{
	history_gave(question, r, seq);
}

/* In the writer's thread. */
static void
captures_write(void *ctx, const void *data, size_t len)
{
	struct captures *all = ctx;
	struct taking *t = *(struct taking *const *)data;
	struct history_question *q = &t->question;

	if (capture_write(t->capture, q->picks, q->npicks, t->upto,
	    taking_gave, q) != 0 || t->last) {
		capture_close(t->capture);
		t->over = 1;
	}
	t->home.run = taking_home;
	pthread_mutex_lock(&all->lock);
	if (!all->gone)
		mailbox_post(all->d->mailbox, &t->home);
	pthread_mutex_unlock(&all->lock);
}

/* In the thread of the ring that answered last. */
static void
taking_answered(struct history_question *q)
{
	struct taking *t = (struct taking *)(void *)((char *)q -
	    offsetof(struct taking, question));

	outq_put(t->all->writer, &t, sizeof(t));
}

/*
 * What is newer than this moment is for the next round: otherwise a worker that
 * is asked a little later would have packets behind which another's would have
 * to be put. In the last round all have them.
 */
static void
taking_ask(struct taking *t)
{
	struct timespec ts = clock_wall();

	t->away = 1;
	t->last = clock_ms() >= t->until;
	t->upto = t->last ? UINT64_MAX : (uint64_t)ts.tv_sec * 1000000000 +
	    (uint64_t)ts.tv_nsec;
	history_ask(t->all->d->history, &t->question);
}

static void
taking_timer(evutil_socket_t fd, short what, void *arg)
{
	taking_ask(arg);
}

/* For a file's name: an address without its colons. */
static void
plan_stem(struct capture_plan *p, uint64_t id, const struct endpoint *who)
{
	char name[ADDR_STRLEN], *s;

	if (id != 0) {
		snprintf(p->stem, sizeof(p->stem), "case-%llu",
		    (unsigned long long)id);
		return;
	}
	endpoint_str(who, name);
	for (s = name; *s != '\0'; s++)
		if (*s == ':' || *s == '%' || *s == '/')
			*s = '-';
	snprintf(p->stem, sizeof(p->stem), "endpoint-%s", name);
}

static struct capture *
taking_plan(const struct conf *c, uint64_t id, const struct endpoint *who,
    const char *reason)
{
	struct capture_plan p = { .directory = c->history.directory,
	    .max = c->history.max_capture, .keep = c->history.keep };
	struct text comment = { 0 }, prefix = { 0 };
	char name[ADDR_STRLEN];
	struct capture *capture;

	plan_stem(&p, id, who);
	if (id != 0)
		text_printf(&prefix, "case: %llu; ", (unsigned long long)id);
	text_printf(&comment, "%sendpoint: %s", prefix.s != NULL ? prefix.s :
	    "", endpoint_str(who, name));
	if (reason != NULL)
		text_printf(&comment, "; reason: %s", reason);
	text_puts(&prefix, "");
	p.comment = comment.s;
	p.prefix = prefix.s;
	capture = capture_new(&p);
	text_free(&comment);
	text_free(&prefix);
	return capture;
}

static struct taking *
taking_new(struct captures *all, const struct endpoint *who, uint64_t id,
    const char *reason, uint64_t after)
{
	static const struct outq_ops ops = { .write = captures_write };
	struct taking *t = xcalloc(1, sizeof(*t));

	if (all->writer == NULL)
		all->writer = outq_new("captures", BUDGET_HISTORY, SIZE_MAX,
		    &ops, all);
	t->all = all;
	t->id = id;
	t->question.who = *who;
	t->question.done = taking_answered;
	t->capture = taking_plan(all->d->admin.conf, id, who, reason);
	t->timer = evtimer_new(all->d->base, taking_timer, t);
	t->until = clock_ms() + after;
	LIST_INSERT_HEAD(&all->takings, t, link);
	all->counts.open++;
	return t;
}

/* 0, or ERR_* with why. */
static int
captures_may(struct captures *all, const struct endpoint *who, uint64_t id,
    struct text *why)
{
	const struct conf *c = all->d->admin.conf;
	char name[ADDR_STRLEN];
	json_t *o;

	if (!c->history.given) {
		text_puts(why, "no packets are kept: there is no `history:` "
		    "in the configuration");
		return ERR_UNSUPPORTED;
	}
	if (all->counts.open < c->history.at_once && !all->stopping)
		return 0;
	text_puts(why, "too many captures are under way (history: at-once)");
	all->counts.refused++;
	log_warn("capture of %s: refused: %s", endpoint_str(who, name),
	    why->s);
	o = json_pack("{s:s,s:s,s:s}", "endpoint", name, "result", "refused",
	    "error", why->s);
	if (id != 0) {
		json_object_set_new(o, "case", json_integer((json_int_t)id));
		cases_add(all->d->quarantine.cases, id, clock_wall().tv_sec,
		    "capture", json_incref(o));
	}
	connlog_report(all->d->admin.log, "capture", o);
	return ERR_LIMIT;
}

/* One for the same case, which has not come to its last round. */
static struct taking *
taking_find(struct captures *all, const struct endpoint *who, uint64_t id)
{
	struct taking *t;

	LIST_FOREACH(t, &all->takings, link)
		if (id != 0 && t->id == id && !t->last && !t->over &&
		    endpoint_same(&t->question.who, who))
			return t;
	return NULL;
}

int
history_write(struct daemon *d, const struct endpoint *who, uint64_t id,
    const char *reason, struct text *why)
{
	struct captures *all = d->captures;
	uint64_t after = d->admin.conf->history.after;
	struct taking *t = taking_find(all, who, id);
	int rv;

	if (t != NULL) {
		t->until = clock_ms() + after;
		return 0;
	}
	if ((rv = captures_may(all, who, id, why)) == 0)
		taking_ask(taking_new(all, who, id, reason, after));
	return rv;
}

void
captures_asked(void *arg, const struct endpoint *asked, uint64_t ms,
    void (*done)(void *, json_t *), void *done_arg)
{
	struct daemon *d = arg;
	struct endpoint who = *asked;
	struct text why = { 0 };
	struct taking *t;

	quarantine_identify(&d->quarantine, &who);
	if (captures_may(d->captures, &who, 0, &why) != 0) {
		done(done_arg, json_pack("{s:s}", "error", why.s));
		text_free(&why);
		return;
	}
	t = taking_new(d->captures, &who, 0, "asked for by the operator", ms);
	t->done = done;
	t->arg = done_arg;
	taking_ask(t);
}

/* All rings have gone. What is away comes home yet, or is left to the writer
 * if that is stuck. */
void
captures_stop(struct captures *all)
{
	struct taking *t, *next;

	if (all == NULL)
		return;
	all->stopping = 1;
	for (t = LIST_FIRST(&all->takings); t != NULL; t = next) {
		next = LIST_NEXT(t, link);
		taking_answer(t);
		if (!t->away)
			taking_end(t);
	}
	if (outq_free(all->writer, END_MS) == 0)
		return;
	log_warn("captures: their disk takes no more bytes; the last packets "
	    "are lost");
	pthread_mutex_lock(&all->lock);
	all->gone = 1;
	pthread_mutex_unlock(&all->lock);
}

void
captures_free(struct captures *all)
{
	if (all == NULL || all->gone)
		return;
	history_free(all->d->history);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
