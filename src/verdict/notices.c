/*
 * The list of targets, and the file.
 */
#include "verdict/notices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/names.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/carriers.h"

#define EXTENSIONS	1024	/* quarantines whose end is remembered */
#define LONGER		60	/* s; less than that is not told */
#define YOUNG		1	/* s; what waits no longer is not written */
#define LINE_MAX_	(256 * 1024)	/* bytes of a line of the file */

struct extension {
	uint64_t	 id;
	int64_t		 until;
	char		 object[64];
};

struct notices {
	struct conf	*conf;		/* a reference */
	struct names	*names;		/* or NULL: nobody is to be told */
	struct target	**targets;
	size_t		 n;
	struct extension *extensions;
	char		*path;		/* NULL: nothing is kept */
	int		 fd;
	int		 full;		/* the file is not empty */
	uint64_t	 written;	/* changes() when that was */
};

static const struct carrier *
carrier_of(enum target_kind kind)
{
	switch (kind) {
	case TARGET_UDP:
		return &carrier_dgram;
	case TARGET_WEBHOOK:
		return &carrier_web;
	case TARGET_RADIUS:
		return &carrier_radius;
	default:
		return &carrier_stream;
	}
}

int
notices_open(struct event_base *base, struct conf *conf, target_tell told,
    void *arg, struct notices **out, struct text *why)
{
	struct notices *s = xcalloc(1, sizeof(*s));
	size_t i, n = conf_targets(&conf->notify);
	const struct conf_target *c;
	int rv = 0;

	s->conf = conf_ref(conf);
	s->fd = -1;
	s->targets = xcalloc(n + 1, sizeof(*s->targets));
	s->extensions = xcalloc(EXTENSIONS, sizeof(*s->extensions));
	if (n > 0)
		s->names = names_new(base);
	for (i = 0; i < n && rv == 0; i++) {
		c = conf_target(&conf->notify, i);
		rv = target_new(base, s->names, c, carrier_of(
		    c->act.url.kind), told, arg, &s->targets[i], why);
		s->n += rv == 0;
	}
	if (rv != 0) {
		notices_free(s);
		s = NULL;
	}
	*out = s;
	return rv;
}

void
notices_free(struct notices *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		target_free(s->targets[i]);
	names_free(s->names);
	if (s->fd >= 0)
		close(s->fd);
	conf_unref(s->conf);
	free(s->path);
	free(s->extensions);
	free(s->targets);
	free(s);
}

static struct target *
find(const struct notices *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->targets[i]->conf->name, name) == 0)
			return s->targets[i];
	return NULL;
}

/* One that is set as before stays; it only learns where its settings are now.
 */
static void
exchange(struct notices *s, size_t i, struct notices *old, size_t k)
{
	struct target *fresh = s->targets[i];

	s->targets[i] = old->targets[k];
	s->targets[i]->conf = fresh->conf;
	old->targets[k] = fresh;
}

/* Its files may have others in them now, under the same names. */
static int
has_files(const struct conf_target *c)
{
	return (c->act.url.tls || c->undo.url.tls) &&
	    (c->certificate != NULL || strcmp(c->trust, "system") != 0);
}

static void
succeed(struct notices *s, struct notices *old)
{
	struct target *t;
	size_t i, k;

	for (i = 0; i < s->n; i++)
		for (k = 0; k < old->n; k++) {
			t = old->targets[k];
			if (strcmp(t->conf->name, s->targets[i]->conf->name)
			    != 0)
				continue;
			if (conf_target_same(t->conf, s->targets[i]->conf) &&
			    !has_files(t->conf))
				exchange(s, i, old, k);
			else
				target_inherit(s->targets[i], t);
			break;
		}
	for (k = 0; k < old->n; k++)
		if (find(s, old->targets[k]->conf->name) == NULL)
			target_drop(old->targets[k], "it is no target any "
			    "more");
}

void
notices_begin(struct notices *s, struct notices *old)
{
	struct extension *e = s->extensions;
	struct names *names;
	size_t i;

	if (old == NULL)
		return;
	succeed(s, old);
	/* Targets that stay have asks under way. */
	if (old->names != NULL) {
		names = s->names;
		s->names = old->names;
		old->names = names;
		for (i = 0; i < s->n; i++)
			s->targets[i]->names = s->names;
	}
	s->extensions = old->extensions;
	old->extensions = e;
	s->path = old->path;
	s->fd = old->fd;
	s->full = old->full;
	s->written = UINT64_MAX;
	old->path = NULL;
	old->fd = -1;
	notices_free(old);
}

/* The profile of a quarantine, or the mirrors of a step-up. */
static void
object_of(const struct notice *n, char out[64])
{
	json_t *mirrors = json_object_get(n->about, "mirror");
	char *list = mirrors != NULL ? json_dumps(mirrors, JSON_COMPACT) :
	    NULL;
	const char *profile = notice_text(n, "profile");

	snprintf(out, 64, "%s", profile != NULL ? profile :
	    list != NULL ? list : "");
	free(list);
}

/* What each of many verdicts makes a little longer is told of once. */
static int
is_news(struct notices *s, const struct notice *n)
{
	struct extension *e = &s->extensions[n->id % EXTENSIONS];
	char object[64];

	if (!conf_notice_is(n->kind, NOTICE_IS_SET | NOTICE_IS_LONGER))
		return 1;
	object_of(n, object);
	if (conf_notice_is(n->kind, NOTICE_IS_LONGER) && e->id == n->id &&
	    n->until - e->until < LONGER && strcmp(e->object, object) == 0)
		return 0;
	e->id = n->id;
	e->until = n->until;
	memcpy(e->object, object, sizeof(e->object));
	return 1;
}

void
notices_tell(struct notices *s, struct notice *n)
{
	size_t i;

	if (!is_news(s, n))
		return;
	for (i = 0; i < s->n; i++)
		if (target_wants(s->targets[i], n))
			target_add(s->targets[i], n);
}

size_t
notices_test(struct notices *s, const char *name, struct notice *n)
{
	size_t i, told = 0;

	for (i = 0; i < s->n; i++)
		if (name == NULL ||
		    strcmp(s->targets[i]->conf->name, name) == 0) {
			target_add(s->targets[i], n);
			told++;
		}
	return told;
}

int
notices_want(const struct notices *s, enum conf_notice kind)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->targets[i]->conf->events & 1u << kind)
			return 1;
	return 0;
}

size_t
notices_count(const struct notices *s)
{
	return s != NULL ? s->n : 0;
}

const struct target *
notices_target(const struct notices *s, size_t i)
{
	return s->targets[i];
}

/* --- the file */

static void
restore_line(struct notices *s, const char *line, size_t len, unsigned *lost)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(o, "target"));
	struct target *t = name != NULL ? find(s, name) : NULL;
	struct notice *n = t != NULL ? notice_unpack(o) : NULL;

	if (n != NULL)
		target_add(t, n);
	else
		++*lost;
	notice_unref(n);
	json_decref(o);
}

static void
restore(struct notices *s)
{
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	unsigned lost = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (f == NULL)
		return;
	rewind(f);
	while ((len = getline(&line, &size, f)) > 0) {
		s->full = 1;
		if (len < LINE_MAX_)
			restore_line(s, line, (size_t)len, &lost);
	}
	free(line);
	fclose(f);
	if (lost > 0)
		log_warn("%s: %u notices are for targets that are no more, or "
		    "cannot be read", s->path, lost);
}

int
notices_keep(struct notices *s, const char *path, const char *user,
    struct text *why)
{
	if (path == NULL || s->n == 0 || s->fd >= 0)
		return 0;
	keep_dir(path, 0750, user);
	s->path = xstrdup(path);
	s->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0 || keep_give(s->fd, user) != 0) {
		text_printf(why, "cannot open %s (notify: state): %s; create "
		    "its directory, or name another file", path,
		    strerror(errno));
		return ERR_SYS;
	}
	restore(s);
	return 0;
}

const char *
notices_path(const struct notices *s)
{
	return s->fd >= 0 ? s->path : NULL;
}

static uint64_t
changes(const struct notices *s)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += s->targets[i]->changes;
	return sum;
}

static void
pack(const struct notices *s, struct text *out)
{
	const struct waiting *w;
	json_t *o;
	size_t i;
	char *line;

	for (i = 0; i < s->n; i++)
		for (w = s->targets[i]->first; w != NULL; w = w->next) {
			o = notice_pack(w->notice);
			json_object_set_new(o, "target", json_string(
			    s->targets[i]->conf->name));
			line = json_dumps(o, JSON_COMPACT);
			if (line != NULL)
				text_printf(out, "%s\n", line);
			free(line);
			json_decref(o);
		}
}

void
notices_save(struct notices *s)
{
	struct text t = { 0 };

	if (s == NULL || s->fd < 0 || s->written == changes(s))
		return;
	pack(s, &t);
	s->written = changes(s);
	if (t.len == 0 && !s->full)
		return;
	s->full = t.len > 0;
	if (pwrite(s->fd, t.s != NULL ? t.s : "", t.len, 0) != (ssize_t)t.len
	    || ftruncate(s->fd, (off_t)t.len) != 0)
		log_error("%s: %s: a restart forgets who is still to be told",
		    s->path, strerror(errno));
	text_free(&t);
}

/* What is told at once is not worth a write. */
void
notices_tick(struct notices *s)
{
	int64_t now = clock_wall().tv_sec;
	size_t i;

	if (s == NULL || s->fd < 0)
		return;
	for (i = 0; i < s->n; i++)
		if (s->targets[i]->first != NULL &&
		    s->targets[i]->first->notice->at < now - YOUNG)
			break;
	if (i < s->n || s->full)
		notices_save(s);
}
