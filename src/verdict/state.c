/*
 * Lines of JSON; what a line is of is told by the key of its name:
 *	{"id":17,"who":"02:00:5e:10:00:01","profile":"all","since":...,
 *	 "until":...,"reason":"...","by":"ids"}
 *	{"id":18,"who":"10.0.0.7","tag":"infected", ...}
 *	{"id":17,"freed":true}
 */
#include "verdict/state.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"

static const char *const names[STATE_KINDS] = {
	[STATE_QUARANTINE] = "profile",
	[STATE_TAG] = "tag",
	[STATE_DENIAL] = "server",
	[STATE_STEP_UP] = "mirror",
	[STATE_PROPOSAL] = "proposed",
};

struct state {
	char		*path;
	int		 fd;
	int		 torn;		/* for keep_lines() */
};

struct reading {
	struct contain	*const *tables;
	int64_t		 wall;
	uint64_t	 now, last;
	unsigned	 bad;
};

/* A server that goes by its name is no endpoint. */
static const char nobody[] = "-";

static int
who_read(struct endpoint *who, const char *s)
{
	return strcmp(s, nobody) == 0 ? 0 : endpoint_parse(who, s);
}

static const char *
who_text(const struct endpoint *who, char *out)
{
	return !who->by_mac && who->addr.sa.sa_family == AF_UNSPEC ? nobody :
	    endpoint_str(who, out);
}

/* What a line is of, or STATE_KINDS; and its name. */
static int
line_kind(json_t *o, char **name)
{
	const char *s;
	int i;

	for (i = 0; i < STATE_KINDS; i++)
		if ((s = json_string_value(json_object_get(o, names[i]))) !=
		    NULL) {
			*name = (char *)(uintptr_t)s;
			break;
		}
	return i;
}

/* How long it lasts: by a clock that was set back, as of a machine that has
 * none while it is off, not longer than it was meant to in all. */
static uint64_t
left(const struct reading *r, const struct contained *c)
{
	int64_t s = c->until - r->wall;

	if (s > c->until - c->since)
		s = c->until - c->since;
	return s > 0 ? (uint64_t)s * 1000 : 0;
}

/* A line that says who was contained, or has a tag. */
static int
line_held(struct reading *r, json_t *o, uint64_t id)
{
	struct contained c = { .id = id }, *kept;
	json_int_t since, until;
	const char *who;
	int kind = line_kind(o, &c.profile);

	if (kind == STATE_KINDS || json_unpack(o, "{s:s,s:I,s:I,s:s,s:s}",
	    "who", &who, "since", &since, "until", &until,
	    "reason", &c.reason, "by", &c.by) != 0 ||
	    who_read(&c.who, who) != 0)
		return ERR_FORMAT;
	c.since = since;
	c.until = until;
	c.end = r->now + left(r, &c);
	kept = contained_new(&c);
	contain_put(r->tables[kind], kept);
	contained_unref(kept);
	return 0;
}

static int
line_read(struct reading *r, const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
	json_int_t id = json_integer_value(json_object_get(o, "id"));
	int i, rv = ERR_FORMAT;

	if (id > 0 && json_is_true(json_object_get(o, "freed"))) {
		for (i = 0; i < STATE_KINDS; i++)
			contained_unref(contain_take(r->tables[i],
			    (uint64_t)id));
		rv = 0;
	} else if (id > 0) {
		rv = line_held(r, o, (uint64_t)id);
	}
	if (rv == 0 && (uint64_t)id > r->last)
		r->last = (uint64_t)id;
	json_decref(o);
	return rv;
}

static int
file_read(const char *path, struct reading *r, struct text *why)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (f == NULL && errno == ENOENT)
		return 0;
	if (f == NULL) {
		text_printf(why, "cannot read %s (endpoints: state): %s", path,
		    strerror(errno));
		return ERR_SYS;
	}
	while ((n = getline(&line, &size, f)) > 0)
		if (line_read(r, line, (size_t)n) != 0)
			r->bad++;
	free(line);
	fclose(f);
	return 0;
}

/* What a sensor says need not be UTF-8, and JSON has to be. */
static json_t *
string(const char *s)
{
	struct text t = { 0 };
	json_t *v;

	text_puts_utf8(&t, s);
	v = json_stringn(t.s != NULL ? t.s : "", t.len);
	text_free(&t);
	return v;
}

static void
held_text(enum state_kind kind, const struct contained *c, struct text *t)
{
	char who[ADDR_STRLEN], *s;
	json_t *o;

	o = json_pack("{s:I,s:s,s:o,s:I,s:I,s:o,s:o}", "id",
	    (json_int_t)c->id, "who", who_text(&c->who, who), names[kind],
	    string(c->profile), "since", (json_int_t)c->since, "until",
	    (json_int_t)c->until, "reason", string(c->reason), "by",
	    string(c->by));
	s = json_dumps(o, JSON_COMPACT);
	text_printf(t, "%s\n", s != NULL ? s : "");
	free(s);
	json_decref(o);
}

struct held {			/* for held_each() */
	enum state_kind	 kind;
	struct text	*out;
};

static void
held_each(void *arg, const struct contained *c)
{
	const struct held *h = arg;

	held_text(h->kind, c, h->out);
}

/* The id that was last given out, if the endpoint with it is freed. */
static void
last_text(uint64_t last, struct text *t)
{
	if (last > 0)
		text_printf(t, "{\"id\":%llu,\"freed\":true}\n",
		    (unsigned long long)last);
}

/* A new file in its place. */
static int
file_renew(struct state *s, const struct reading *r)
{
	struct text t = { 0 };
	struct held h = { 0, &t };

	last_text(r->last, &t);
	for (; h.kind < STATE_KINDS; h.kind++)
		contain_each(r->tables[h.kind], held_each, &h);
	s->fd = keep_renew(s->path, &t);
	text_free(&t);
	return s->fd >= 0 ? 0 : ERR_SYS;
}

/* What cannot be read is for a person to look at. */
static void
file_keep(const char *path, unsigned lines)
{
	char *bad = xasprintf("%s.bad", path);

	if (rename(path, bad) != 0)
		bad[0] = '\0';
	log_warn("%s: %u lines are not ours and were left out%s%s", path,
	    lines, bad[0] != '\0' ? "; the file is kept as " : "", bad);
	free(bad);
}

int
state_open(const char *path, const char *user,
    struct contain *const tables[STATE_KINDS], int64_t wall, uint64_t now,
    uint64_t *last, struct state **out, struct text *why)
{
	struct reading r = { tables, wall, now, 0, 0 };
	struct state *s;

	if (file_read(path, &r, why) != 0)
		return ERR_SYS;
	if (r.bad > 0)
		file_keep(path, r.bad);
	keep_dir(path, 0750, user);
	s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(path);
	if (file_renew(s, &r) != 0 || keep_give(s->fd, user) != 0) {
		text_printf(why, "cannot write %s (endpoints: state): %s; "
		    "create its directory, or name another file", path,
		    strerror(errno));
		state_close(s);
		return ERR_SYS;
	}
	*last = r.last;
	*out = s;
	return 0;
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

static void
state_add(struct state *s, struct text *t)
{
	if (keep_lines(s->fd, &s->torn, t->s, t->len) != 0 ||
	    fdatasync(s->fd) != 0)
		log_error("%s: %s: a restart will not know of the last "
		    "change", s->path, strerror(errno));
	text_free(t);
}

void
state_held(struct state *s, enum state_kind kind, const struct contained *c)
{
	struct text t = { 0 };

	if (s == NULL)
		return;
	held_text(kind, c, &t);
	state_add(s, &t);
}

void
state_freed(struct state *s, const struct contained *c)
{
	struct text t = { 0 };

	if (s == NULL)
		return;
	last_text(c->id, &t);
	state_add(s, &t);
}
