/*
 * The tally: a short table with a mutex, which a session takes once. The names
 * come from the operator, so there are few; the table is bounded anyway.
 */
#include "admin/tally.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/record.h"
#include "util/mem.h"

#define TALLY_MAX	1024	/* pairs of rule and action, over all reloads */

struct entry {
	const char	*action;	/* static */
	char		*rule;
	uint64_t	 n;
};

struct tally {
	pthread_mutex_t	 mutex;
	struct entry	 v[TALLY_MAX];
	size_t		 n;
};

struct tally *
tally_new(void)
{
	struct tally *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->mutex, NULL);
	return t;
}

void
tally_free(struct tally *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		free(t->v[i].rule);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

static struct entry *
tally_find(struct tally *t, const char *action, const char *rule)
{
	struct entry *e;
	size_t i;

	for (i = 0; i < t->n; i++) {
		e = &t->v[i];
		if (strcmp(e->action, action) == 0 &&
		    strcmp(e->rule, rule) == 0)
			return e;
	}
	if (t->n == TALLY_MAX)
		return &t->v[TALLY_MAX - 1];
	e = &t->v[t->n++];
	e->action = action;
	e->rule = xstrdup(t->n == TALLY_MAX ? "(others)" : rule);
	return e;
}

void
tally_add(struct tally *t, const struct record *r)
{
	const struct conf_rule *rule = r->verdict->rule;

	pthread_mutex_lock(&t->mutex);
	if (rule != NULL)
		tally_find(t, conf_action_str(r->verdict->action),
		    rule->name)->n++;
	else
		tally_find(t, "none", "")->n++;
	pthread_mutex_unlock(&t->mutex);
}

void
tally_each(struct tally *t, void (*each)(void *arg, const char *action,
    const char *rule, uint64_t n), void *arg)
{
	struct entry e;
	size_t i, n;

	pthread_mutex_lock(&t->mutex);
	n = t->n;
	for (i = 0; i < n; i++) {
		e = t->v[i];
		each(arg, e.action, e.rule, e.n);
	}
	pthread_mutex_unlock(&t->mutex);
}
