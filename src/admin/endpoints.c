/*
 * A question about endpoints: each worker adds up its sessions, and mails them
 * back; then come the neighbours, quarantines and tags.
 */
#include "admin/endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/crowd.h"
#include "admin/tags.h"
#include "net/neighbours.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/mem.h"

struct part {
	struct worker_query query;
	struct mail	 home;
	struct question	*question;
	struct crowd	*crowd;
};

struct question {
	struct admin_env *env;
	struct mailbox	*mail;
	struct crowd	*crowd;
	int		 one, by_address;
	struct endpoint	 who;		/* if one */
	size_t		 max;
	verb_done	 done;
	void		*arg;
	size_t		 away, nparts;
	struct part	 parts[];
};

static void
client_of(const struct question *q, const struct facts *f,
    struct endpoint *who)
{
	memset(who, 0, sizeof(*who));
	who->addr = f->client;
	addr_set_port(&who->addr, 0);
	if (q->by_address || !f->mac_known)
		return;
	who->by_mac = 1;
	memcpy(who->mac, f->mac, MAC_LEN);
}

/* In the worker's thread. */
static int
part_each(struct worker_query *query, const struct record *r)
{
	struct part *p = query->arg;
	struct endpoint who;
	struct crowd_row *row;

	client_of(p->question, r->facts, &who);
	if (p->question->one && !endpoint_same(&who, &p->question->who))
		return 0;
	if ((row = crowd_row(p->crowd, &who, 1)) == NULL)
		return 0;
	crowd_addr(row, &who.addr);
	row->sessions++;
	row->up += r->bytes[DIR_UP];
	row->down += r->bytes[DIR_DOWN];
	return 0;
}

/* In the worker's thread. */
static void
part_done(struct worker_query *query)
{
	struct part *p = query->arg;

	mailbox_post(p->question->mail, &p->home);
}

/* Whether it is one that is asked for. */
static struct crowd_row *
row_of(struct question *q, const struct endpoint *who, int make)
{
	if (q->one && !endpoint_same(who, &q->who))
		return NULL;
	return crowd_row(q->crowd, who, make);
}

static void
neighbour_add(struct question *q, const struct addr *a, const uint8_t *mac,
    int make)
{
	struct endpoint who = { .addr = *a };
	struct crowd_row *r;

	if (!q->by_address) {
		who.by_mac = 1;
		memcpy(who.mac, mac, MAC_LEN);
	}
	if ((r = row_of(q, &who, make)) != NULL)
		crowd_addr(r, a);
}

/* First those that are inside; then, of the same, addresses that are not: of
 * their link alone. */
static void
neighbour_inside(void *arg, const struct addr *a, const uint8_t *mac)
{
	struct question *q = arg;

	if (verdicts_inside(q->env->conf, a))
		neighbour_add(q, a, mac, 1);
}

static void
neighbour_other(void *arg, const struct addr *a, const uint8_t *mac)
{
	neighbour_add(arg, a, mac, 0);
}

static void
contained_add(void *arg, const struct contained *c)
{
	row_of(arg, &c->who, 1);
}

static json_t *
row_quarantine(const struct question *q, const struct crowd_row *r)
{
	struct contain *t = q->env->quarantine->contain;
	const uint8_t *mac = r->who.by_mac ? r->who.mac : NULL;
	struct addr none = { 0 };
	struct contained *c = contain_ask(t, &none, mac, clock_ms());
	json_t *o;
	size_t i;

	for (i = 0; c == NULL && i < r->naddr; i++)
		c = contain_ask(t, &r->addr[i], mac, clock_ms());
	o = c != NULL ? contained_row(c, "profile") : json_null();
	contained_unref(c);
	return o;
}

static json_t *
row_tags(const struct question *q, const struct crowd_row *r)
{
	struct addr none = { 0 };
	char *names = contain_names(q->env->quarantine->tags, r->naddr > 0 ?
	    &r->addr[0] : &none, r->who.by_mac ? r->who.mac : NULL,
	    clock_ms());
	json_t *a = tags_words(names);

	free(names);
	return a;
}

static json_t *
row_json(const struct question *q, const struct crowd_row *r)
{
	char who[ADDR_STRLEN], mac[ADDR_STRLEN];
	json_t *addrs = json_array();
	size_t i;

	for (i = 0; i < r->naddr; i++)
		json_array_append_new(addrs, json_string(addr_ip_str(
		    &r->addr[i], who)));
	return json_pack("{s:s,s:s?,s:o,s:o,s:o,s:I,s:{s:I,s:I}}", "endpoint",
	    endpoint_str(&r->who, who), "mac", r->who.by_mac ?
	    mac_str(r->who.mac, mac) : NULL, "addresses", addrs,
	    "quarantine", row_quarantine(q, r), "tags", row_tags(q, r),
	    "sessions", (json_int_t)r->sessions, "bytes", "toserver",
	    (json_int_t)r->up, "toclient", (json_int_t)r->down);
}

static json_t *
answer_list(const struct question *q)
{
	json_t *rows = json_array();
	struct crowd_row *r;
	uint64_t more = crowd_lost(q->crowd);
	size_t i;

	for (i = 0; (r = crowd_at(q->crowd, i)) != NULL; i++) {
		if (i < q->max)
			json_array_append_new(rows, row_json(q, r));
		else
			more++;
	}
	return json_pack("{s:o,s:I}", "endpoints", rows, "more",
	    (json_int_t)more);
}

static json_t *
answer_one(struct question *q)
{
	int known = crowd_at(q->crowd, 0) != NULL;
	json_t *o = row_json(q, crowd_row(q->crowd, &q->who, 1));

	if (known || json_array_size(json_object_get(o, "tags")) > 0)
		return o;
	json_decref(o);
	return json_pack("{s:s}", "error", "nothing is known of this "
	    "endpoint");
}

static void
question_end(struct question *q)
{
	struct quarantine *all = q->env->quarantine;
	size_t i;

	for (i = 0; i < q->nparts; i++) {
		crowd_merge(q->crowd, q->parts[i].crowd);
		crowd_free(q->parts[i].crowd);
	}
	contain_each(all->contain, contained_add, q);
	neighbours_each(q->env->neighbours, neighbour_inside, q);
	neighbours_each(q->env->neighbours, neighbour_other, q);
	q->done(q->arg, q->one ? answer_one(q) : answer_list(q));
	crowd_free(q->crowd);
	free(q);
}

/* In the main thread. */
static void
part_home(struct mail *m)
{
	struct part *p = (struct part *)((char *)m -
	    offsetof(struct part, home));

	if (--p->question->away == 0)
		question_end(p->question);
}

static struct question *
question_new(struct admin_env *env, struct mailbox *mail, verb_done done,
    void *arg)
{
	struct question *q = xcalloc(1, sizeof(*q) + env->nworkers *
	    sizeof(q->parts[0]));

	q->env = env;
	q->mail = mail;
	q->by_address = env->conf->endpoints.by_address;
	q->crowd = crowd_new(ENDPOINTS_MAX);
	q->done = done;
	q->arg = arg;
	q->nparts = q->away = env->nworkers;
	return q;
}

static void
question_ask(struct question *q)
{
	struct part *p;
	size_t i;

	for (i = 0; i < q->nparts; i++) {
		p = &q->parts[i];
		p->question = q;
		p->crowd = crowd_new(ENDPOINTS_MAX);
		p->home.run = part_home;
		p->query.each = part_each;
		p->query.done = part_done;
		p->query.arg = p;
		worker_ask(q->env->workers[i], &p->query);
	}
	if (i == 0)
		question_end(q);
}

void
endpoints_list(struct admin_env *env, struct mailbox *mail, size_t max,
    verb_done done, void *arg)
{
	struct question *q = question_new(env, mail, done, arg);

	q->max = max;
	question_ask(q);
}

void
endpoints_one(struct admin_env *env, struct mailbox *mail, const char *who,
    verb_done done, void *arg)
{
	struct question *q;
	struct endpoint e;

	if (endpoint_parse(&e, who) != 0) {
		done(arg, json_pack("{s:s}", "error", "write who as "
		    "192.0.2.7, 2001:db8::7 or 02:00:5e:10:00:01"));
		return;
	}
	quarantine_identify(env->quarantine, &e);
	q = question_new(env, mail, done, arg);
	q->one = 1;
	q->who = e;
	question_ask(q);
}
