/*
 * Watches the files of `lists:`, of feeds, users, credentials, own servers'
 * certificates and revoked ones, and, if `reload:` says so, that of the
 * configuration itself, and reloads it when one has changed. It uses stat(2)
 * every few seconds, not inotify(7), because a file may be replaced, be on a
 * network's disk, or come back.
 *
 * After a change it waits until two looks see the same, so that a file being
 * written is not read half. It remembers the state that was tried, so that a
 * change with an error is reported once.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "main/daemon.h"
#include "main/setup.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define LOOK_EVERY	2	/* s */

struct lists {
	struct daemon	*d;
	struct event	*timer;
	struct policy	*policy;	/* whose files these are */
	size_t		 n;		/* lists, and the configuration */
	struct conf_stamp *tried;	/* at the last reload, of each */
	struct conf_stamp *seen;	/* at the last look */
};

static int
same(const struct conf_stamp *a, const struct conf_stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Of a list, of another file; or, behind the last, of the configuration. */
static const char *
file_path(const struct conf *c, size_t i)
{
	if (i < c->nlists)
		return c->lists[i].path;
	i -= c->nlists;
	return i < c->nfiles ? c->files[i].path : c->path;
}

static const struct conf_stamp *
file_stamp(const struct conf *c, size_t i)
{
	if (i < c->nlists)
		return &c->lists[i].stamp;
	i -= c->nlists;
	return i < c->nfiles ? &c->files[i].stamp : &c->stamp;
}

/* The policy in force has changed since the last look. */
static void
lists_take(struct lists *w, struct policy *p)
{
	const struct conf *c = policy_conf(p);
	size_t i;

	free(w->tried);
	free(w->seen);
	policy_unref(w->policy);
	w->policy = policy_ref(p);
	w->n = c->nlists + c->nfiles + (c->reload == RELOAD_WATCH);
	w->tried = xcalloc(w->n, sizeof(*w->tried));
	w->seen = xcalloc(w->n, sizeof(*w->seen));
	for (i = 0; i < w->n; i++)
		w->tried[i] = w->seen[i] = *file_stamp(c, i);
}

/* The path of a file that has changed and is stable again, or NULL. */
static const char *
lists_changed(struct lists *w)
{
	const struct conf *c = policy_conf(w->policy);
	const char *path = NULL;
	struct conf_stamp now;
	int moving = 0;
	size_t i;

	for (i = 0; i < w->n; i++) {
		conf_world_real.stamp(file_path(c, i), &now);
		moving |= !same(&now, &w->seen[i]);
		w->seen[i] = now;
		if (!same(&now, &w->tried[i]))
			path = file_path(c, i);
	}
	return moving ? NULL : path;
}

static void
lists_look(evutil_socket_t fd, short what, void *arg)
{
	struct lists *w = arg;
	struct text said = { 0 };
	const char *path;

	if (w->policy != setup_parts(w->d->setup)->policy)
		lists_take(w, setup_parts(w->d->setup)->policy);
	if ((path = lists_changed(w)) == NULL)
		return;
	memcpy(w->tried, w->seen, w->n * sizeof(*w->tried));
	log_info("%s has changed", path);
	daemon_reload(w->d, &said);
	text_free(&said);
}

struct lists *
lists_watch(struct daemon *d)
{
	static const struct timeval every = { LOOK_EVERY, 0 };
	struct lists *w = xcalloc(1, sizeof(*w));

	w->d = d;
	lists_take(w, setup_parts(d->setup)->policy);
	w->timer = event_new(d->base, -1, EV_PERSIST, lists_look, w);
	event_add(w->timer, &every);
	return w;
}

void
lists_free(struct lists *w)
{
	if (w == NULL)
		return;
	event_free(w->timer);
	free(w->tried);
	free(w->seen);
	policy_unref(w->policy);
	free(w);
}
