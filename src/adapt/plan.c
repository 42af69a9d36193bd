/*
 * The plan of a session's rule for its messages: which services see them, in
 * which order, and what happens to messages that they cannot see.
 */
#include "adapt/adapt.h"

void
plan_init(struct plan *p, const struct engine_env *env,
    struct event_base *base, struct icap_client **clients,
    const struct record *rec, const struct engine_host *host)
{
	const struct conf_rule *rule = rec->verdict->rule;
	size_t k;

	p->env = env;
	p->base = base;
	p->rec = rec;
	p->host = *host;
	p->clients = clients;
	p->row = rule->icaps;
	p->nrow = rule->nicaps;
	for (k = 0; k < p->nrow; k++)
		p->nmonitors += plan_conf(p, k)->monitor;
	p->judged = plan_serves(p) || host->by_request;
}

const struct conf_inspect *
plan_inspect(const struct plan *p)
{
	return p->rec->verdict->rule->inspect;
}

int
plan_serves(const struct plan *p)
{
	return p->nrow > p->nmonitors;
}

struct icap_service *
plan_service(const struct plan *p, size_t k)
{
	return p->env->services[p->row[k]];
}

const struct conf_icap *
plan_conf(const struct plan *p, size_t k)
{
	return icap_service_conf(plan_service(p, k));
}

/* It gets the messages of a call, where there are some, and not the whole. */
static int
plan_wants(const struct adapted_message *m, size_t k)
{
	const struct plan *p = m->a->plan;

	return icap_does(plan_service(p, k), input_method(m)) &&
	    !(m->parted && plan_conf(p, k)->messages[MESSAGES_GRPC]);
}

int
plan_watches(const struct adapted_message *m, size_t k)
{
	return plan_conf(m->a->plan, k)->monitor && plan_wants(m, k);
}

struct icap_service *
plan_next(const struct adapted_message *m, size_t *k)
{
	const struct plan *p = m->a->plan;

	for (; *k < p->nrow; ++*k)
		if (!plan_conf(p, *k)->monitor && plan_wants(m, *k))
			return plan_service(p, *k);
	return NULL;
}

void
plan_unread(const struct plan *p, enum unread what, int blocked,
    struct slice protocol)
{
	if (p->nrow > 0)
		p->host.unread(p->host.session, what, blocked, &protocol);
}

int
plan_blocks(const struct plan *p)
{
	return p->nrow > 0 && plan_inspect(p)->non_http_block;
}

int
plan_scans(const struct plan *p, enum conf_messages of)
{
	size_t k;

	for (k = 0; k < p->nrow; k++)
		if (plan_conf(p, k)->messages[of])
			return 1;
	return 0;
}
