/*
 * The daemon's end.
 */
#include "verdict/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/contained.h"
#include "conf/segment.h"
#include "util/err.h"
#include "util/helper.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/parcel.h"
#include "verdict/guard_wire.h"

#define ANSWER	10	/* s for an answer */

struct guard {
	int		 fd;
	pid_t		 pid;
	int		 gone, told;	/* it has ended; that was logged */
	/* of the configuration in force, for the numbers of profiles */
	const struct conf *conf;
	struct contain	*denials;	/* or NULL */
};

int
guard_start(struct guard **out, struct text *why)
{
	static char name[] = "clearspan", arg[] = GUARD_ARG;
	static char *const argv[] = { name, arg, NULL };
	struct timeval answer = { ANSWER, 0 };
	struct guard *g = xcalloc(1, sizeof(*g));

	if (helper_start(argv, NULL, &g->fd, &g->pid) != 0) {
		text_printf(why, "cannot start the guard of quarantines: %s",
		    strerror(errno));
		free(g);
		return ERR_SYS;
	}
	setsockopt(g->fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof(answer));
	*out = g;
	return 0;
}

void
guard_stop(struct guard *g)
{
	if (g == NULL)
		return;
	close(g->fd);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(g);
}

int
guard_up(const struct guard *g)
{
	return !g->gone;
}

void
guard_say(struct guard *g, const struct guard_ask *a)
{
	if (!g->gone && parcel_send(g->fd, a, sizeof(*a), NULL, 0) < 0)
		g->gone = 1;
}

static int
guard_hear(struct guard *g, void *answer, size_t len)
{
	return !g->gone && parcel_recv(g->fd, answer, len, NULL, NULL) ==
	    (int)len ? 0 : ERR_EOF;
}

static int
guard_lost(struct guard *g, struct text *why)
{
	if (!g->told)
		log_error("the guard of quarantines has ended: what does not "
		    "come through the proxy is not stopped until clearspan is "
		    "started again");
	g->gone = g->told = 1;
	text_puts(why, "the guard of quarantines has ended");
	return ERR_EOF;
}

int
guard_done(struct guard *g, struct text *why)
{
	struct guard_ask a = { .verb = GUARD_DO };
	struct guard_answer r = { 0 };

	guard_say(g, &a);
	if (guard_hear(g, &r, sizeof(r)) != 0)
		return guard_lost(g, why);
	r.why[sizeof(r.why) - 1] = '\0';
	text_puts(why, r.why);
	return r.rv;
}

int
guard_count(struct guard *g, struct guard_counts *out)
{
	struct guard_ask a = { .verb = GUARD_COUNT };
	struct text why = { 0 };
	int rv;

	memset(out, 0, sizeof(*out));
	guard_say(g, &a);
	if ((rv = guard_hear(g, out, sizeof(*out))) != 0)
		guard_lost(g, &why);
	text_free(&why);
	return rv;
}

static void
say_profile(struct guard *g, const struct conf_quarantine *q, uint32_t number)
{
	struct guard_ask a = { .verb = GUARD_PROFILE, .number = number };

	if (q != NULL) {
		a.nservers = (uint32_t)q->servers.n;
		a.ndns = (uint32_t)q->dns.n;
		if (q->servers.n > 0)
			memcpy(a.servers, q->servers.v,
			    q->servers.n * sizeof(*a.servers));
		if (q->dns.n > 0)
			memcpy(a.dns, q->dns.v, q->dns.n * sizeof(*a.dns));
	}
	guard_say(g, &a);
}

/* One that is configured no more lets nothing through: number 0. */
static uint32_t
number_of(const struct guard *g, const char *profile)
{
	return (uint32_t)(conf_quarantine_find(g->conf, profile) + 1);
}

static uint32_t
seconds_left(const struct contained *c, uint64_t now)
{
	uint64_t s = c->end > now ? (c->end - now + 999) / 1000 : 1;

	return s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static void
say_endpoint(struct guard *g, enum guard_verb verb,
    const struct contained *c, uint64_t now)
{
	struct guard_ask a = { .verb = verb, .who = c->who,
	    .number = number_of(g, c->profile) };

	a.n = seconds_left(c, now);
	guard_say(g, &a);
}

struct saying {
	struct guard	*g;
	uint64_t	 now;
};

static void
say_held(void *arg, const struct contained *c)
{
	struct saying *s = arg;

	if (c->end > s->now)
		say_endpoint(s->g, GUARD_HOLD, c, s->now);
}

static void
say_server(struct guard *g, enum guard_verb verb, const struct contained *c,
    uint64_t now)
{
	struct guard_ask a = { .verb = verb, .n = seconds_left(c, now) };

	a.who.addr = c->who.addr;
	if (a.who.addr.sa.sa_family != AF_UNSPEC)
		guard_say(g, &a);
}

static void
say_denied(void *arg, const struct contained *c)
{
	struct saying *s = arg;

	if (c->end > s->now)
		say_server(s->g, GUARD_DENY, c, s->now);
}

void
guard_denials(struct guard *g, struct contain *t)
{
	g->denials = t;
}

int
guard_deny(struct guard *g, const struct contained *c, uint64_t now,
    struct text *why)
{
	say_server(g, GUARD_DENY, c, now);
	return guard_done(g, why);
}

int
guard_permit(struct guard *g, const struct contained *c, struct text *why)
{
	say_server(g, GUARD_PERMIT, c, 0);
	return guard_done(g, why);
}

int
guard_reset(struct guard *g, const struct conf *c, struct contain *t,
    guard_more more, void *arg, uint64_t now, struct text *why)
{
	struct guard_ask a = { .verb = GUARD_BEGIN,
	    .n = (uint32_t)c->endpoints.release,
	    .number = conf_segmented(c) };
	struct saying saying = { g, now };
	uint32_t i;

	g->conf = c;
	guard_say(g, &a);
	say_profile(g, NULL, 0);
	for (i = 0; i < c->nquarantines; i++)
		say_profile(g, &c->quarantines[i], i + 1);
	contain_each(t, say_held, &saying);
	if (g->denials != NULL)
		contain_each(g->denials, say_denied, &saying);
	if (more != NULL)
		more(arg, g);
	return guard_done(g, why);
}

int
guard_hold(struct guard *g, const struct contained *c,
    const struct contained *old, uint64_t now, struct text *why)
{
	if (old != NULL)
		say_endpoint(g, GUARD_FREE, old, now);
	say_endpoint(g, GUARD_HOLD, c, now);
	return guard_done(g, why);
}

int
guard_free(struct guard *g, const struct contained *c, struct text *why)
{
	say_endpoint(g, GUARD_FREE, c, 0);
	return guard_done(g, why);
}
