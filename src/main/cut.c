/*
 * A question to each worker; and the numbers of the sessions that were, home.
 */
#include "main/cut.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "main/daemon.h"
#include "net/mailbox.h"
#include "util/clock.h"
#include "util/mem.h"
#include "verdict/cases.h"

struct cut {
	struct worker_query query;
	struct mail	 home;
	struct daemon	*d;
	struct contained *by;
	char		*why;
	json_t		*sessions;	/* their ids */
	int		(*ends)(const struct contained *,
			    const struct record *);
};

int
cut_is_of(const struct endpoint *who, const struct facts *f)
{
	struct endpoint client = { .addr = f->client };

	return who->by_mac ? f->mac_known &&
	    memcmp(who->mac, f->mac, MAC_LEN) == 0 :
	    endpoint_same(who, &client);
}

static int
cut_ends(const struct worker_query *q, const struct record *r)
{
	const struct cut *c = q->arg;

	if (!c->ends(c->by, r))
		return 0;
	json_array_append_new(c->sessions, json_integer((json_int_t)r->id));
	return 1;
}

/* In the main thread. */
static void
cut_home(struct mail *m)
{
	struct cut *c = (struct cut *)((char *)m - offsetof(struct cut, home));

	if (json_array_size(c->sessions) > 0)
		cases_add(c->d->quarantine.cases, c->by->id,
		    clock_wall().tv_sec, "sessions ended",
		    json_pack("{s:O}", "sessions", c->sessions));
	json_decref(c->sessions);
	contained_unref(c->by);
	free(c->why);
	free(c);
}

static void
cut_done(struct worker_query *q)
{
	struct cut *c = q->arg;

	c->home.run = cut_home;
	mailbox_post(c->d->mailbox, &c->home);
}

void
cut_sessions(struct daemon *d, const struct contained *by, const char *what,
    int (*ends)(const struct contained *, const struct record *))
{
	struct cut *c;
	size_t i;

	for (i = 0; i < d->nrunning; i++) {
		c = xcalloc(1, sizeof(*c));
		c->d = d;
		c->by = contained_ref((struct contained *)(uintptr_t)by);
		c->sessions = json_array();
		c->why = xasprintf("%s: %s", what, by->reason);
		c->ends = ends;
		c->query.ends = cut_ends;
		c->query.done = cut_done;
		c->query.why = c->why;
		c->query.arg = c;
		worker_ask(d->workers[i], &c->query);
	}
}
