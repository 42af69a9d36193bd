/*
 * A question has a part for each worker. The worker's thread fills the part and
 * mails it back. When the last part is back, the answer is complete.
 */
#include "admin/asking.h"

#include <stdlib.h>
#include <string.h>

#include "admin/usage.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/mem.h"

struct part {
	struct worker_query	 query;
	struct mail		 home;
	struct asking		*asking;
	json_t			*found;		/* array */
	struct top		*top;		/* of open sessions, or NULL */
	uint64_t		 seen;
};

struct asking {
	enum asking_kind	 kind;
	uint64_t		 n;
	struct admin_env	*env;
	uint64_t		 now;		/* s, monotonic */
	struct mailbox		*mail;
	verb_done		 done;
	void			*arg;
	size_t			 away;		/* parts not back yet */
	size_t			 nparts;
	struct part		 parts[];
};

static json_t *
session_line(const struct record *r)
{
	const struct conf_rule *rule = r->verdict->rule;
	const char *name = facts_name(r->facts);
	char client[ADDR_STRLEN], server[ADDR_STRLEN];

	return json_pack("{s:I,s:I,s:o,s:s,s:o,s:s?,s:o,s:s?,s:o,s:I,s:I}",
	    "id", (json_int_t)r->id, "age",
	    (json_int_t)(clock_wall().tv_sec - r->start.tv_sec), "state",
	    eve_string(r->state), "client",
	    addr_str(&r->facts->client, client), "user",
	    r->facts->user == NULL ? json_null() : eve_string(r->facts->user),
	    "server",
	    r->facts->server.sa.sa_family == AF_UNSPEC ? NULL :
	    addr_str(&r->facts->server, server), "name",
	    eve_string(name != NULL ? name : ""), "action", rule == NULL ?
	    NULL : conf_action_str(r->verdict->action), "rule", rule == NULL ?
	    json_null() : eve_string(rule->name), "toserver",
	    (json_int_t)r->bytes[DIR_UP], "toclient",
	    (json_int_t)r->bytes[DIR_DOWN]);
}

/* In the worker's thread. */
static int
part_ends(const struct worker_query *q, const struct record *r)
{
	const struct part *p = q->arg;

	return r->id == p->asking->n;
}

/* In the worker's thread. */
static int
part_each(struct worker_query *q, const struct record *r)
{
	struct part *p = q->arg;
	struct text event = { NULL, 0, 0 };
	struct timespec now;

	p->seen++;
	if (p->top != NULL) {
		top_add(p->top, r, p->asking->now);
		return 0;
	}
	if (p->asking->kind == ASKING_LIST) {
		if (json_array_size(p->found) < p->asking->n)
			json_array_append_new(p->found, session_line(r));
		return 0;
	}
	if (r->id != p->asking->n)
		return 0;
	now = clock_wall();
	eve_event(&event, EVENT_FLOW, r, NULL, NULL, &now);
	json_array_append_new(p->found, json_loads(event.s, 0, NULL));
	text_free(&event);
	return 1;
}

/* In the worker's thread. */
static void
part_done(struct worker_query *q)
{
	struct part *p = q->arg;

	mailbox_post(p->asking->mail, &p->home);
}

static json_t *
answer_list(struct asking *a)
{
	json_t *all = json_array(), *one;
	uint64_t seen = 0;
	size_t i, k;

	for (i = 0; i < a->nparts; i++) {
		seen += a->parts[i].seen;
		json_array_foreach(a->parts[i].found, k, one)
			if (json_array_size(all) < a->n)
				json_array_append(all, one);
	}
	return json_pack("{s:I,s:I,s:o}", "open", (json_int_t)seen, "shown",
	    (json_int_t)json_array_size(all), "sessions", all);
}

static json_t *
answer_one(struct asking *a)
{
	size_t i;

	for (i = 0; i < a->nparts; i++) {
		if (a->kind == ASKING_KILL && a->parts[i].query.ended > 0)
			return json_pack("{s:I}", "killed", (json_int_t)a->n);
		if (a->kind == ASKING_ONE &&
		    json_array_size(a->parts[i].found) > 0)
			return json_incref(json_array_get(a->parts[i].found,
			    0));
	}
	return json_pack("{s:s}", "error", "no such session");
}

/* Sessions that ended lately, and those that are open. */
static void
top_sum(struct asking *a, struct top *sum, enum top_by by)
{
	size_t i;

	top_merge(sum, a->env->top, by, a->now);
	for (i = 0; i < a->nparts; i++)
		top_merge(sum, a->parts[i].top, by, a->now);
}

static json_t *
answer_use(struct asking *a)
{
	struct top *sum = top_new();
	json_t *o;

	top_sum(a, sum, TOP_CLIENT);
	top_sum(a, sum, TOP_APP);
	top_sum(a, sum, TOP_DEVICE);
	o = usage_json(a->env, sum, a->now);
	top_free(sum);
	return o;
}

static json_t *
answer_top(struct asking *a)
{
	enum top_by by = (enum top_by)a->n;
	struct top *sum = top_new();
	json_t *rows;

	top_sum(a, sum, by);
	rows = top_json(sum, by, a->now, TOP_SHOWN);
	top_free(sum);
	return json_pack("{s:s,s:i,s:o}", "by", top_name(by), "seconds",
	    2 * TOP_WINDOW, "top", rows);
}

static void
asking_end(struct asking *a)
{
	json_t *answer;
	size_t i;

	answer = a->kind == ASKING_LIST ? answer_list(a) :
	    a->kind == ASKING_TOP ? answer_top(a) :
	    a->kind == ASKING_USE ? answer_use(a) : answer_one(a);
	for (i = 0; i < a->nparts; i++) {
		json_decref(a->parts[i].found);
		top_free(a->parts[i].top);
	}
	a->done(a->arg, answer);
	free(a);
}

static void
part_home(struct mail *m)
{
	struct part *p = (struct part *)((char *)m -
	    offsetof(struct part, home));

	if (--p->asking->away == 0)
		asking_end(p->asking);
}

void
asking_start(struct admin_env *env, struct mailbox *mail,
    enum asking_kind kind, uint64_t n, verb_done done, void *arg)
{
	struct asking *a;
	struct part *p;
	size_t i;

	a = xcalloc(1, sizeof(*a) + env->nworkers * sizeof(a->parts[0]));
	a->kind = kind;
	a->n = n;
	a->env = env;
	a->now = top_now();
	a->mail = mail;
	a->done = done;
	a->arg = arg;
	a->nparts = a->away = env->nworkers;
	for (i = 0; i < a->nparts; i++) {
		p = &a->parts[i];
		p->asking = a;
		p->home.run = part_home;
		p->found = json_array();
		p->top = kind == ASKING_TOP || kind == ASKING_USE ?
		    top_new() : NULL;
		p->query.each = part_each;
		p->query.done = part_done;
		p->query.ends = kind == ASKING_KILL ? part_ends : NULL;
		p->query.why = "killed by the operator";
		p->query.arg = p;
		worker_ask(env->workers[i], &p->query);
	}
	if (i == 0)
		asking_end(a);
}
