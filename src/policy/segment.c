/*
 * From whom to whom.
 */
#include "policy/segment.h"

#include <stdlib.h>
#include <string.h>

#include "policy/group.h"
#include "util/mem.h"

struct end {			/* of a connection */
	struct addr	 addr;	/* AF_UNSPEC: not known */
	const uint8_t	*mac;	/* or NULL */
	const char	*tags;	/* or NULL */
};

void
segments_init(struct view_sets *sets, const struct conf *c)
{
	const struct conf_segment *s;
	size_t i;

	sets->conf = c;
	sets->segments = xcalloc(c->nsegments, sizeof(*sets->segments));
	for (i = 0; i < c->nsegments; i++) {
		s = &c->segments[i];
		sets->segments[i].conf = s;
		sets->segments[i].from = s->from == CONF_ANY ? NULL :
		    &sets->groups[s->from];
		sets->segments[i].to = s->to == CONF_ANY ? NULL :
		    &sets->groups[s->to];
	}
}

static struct end
end_client(const struct facts *f)
{
	struct end e = { f->client, f->mac_known ? f->mac : NULL, f->tags };

	return e;
}

static struct end
end_server(const struct facts *f)
{
	struct end e = { f->server, f->server_mac_known ? f->server_mac : NULL,
	    f->server_tags };
	static const struct end none;

	return f->proxied ? none : e;
}

static int
end_in(const struct end *e, const struct group *g)
{
	return g == NULL || group_has(g, &e->addr, e->mac, e->tags);
}

static int
segment_matches(const struct segment *s, const struct end *client,
    const struct end *server, uint16_t port)
{
	return conf_segment_port(s->conf, port) && end_in(client, s->from) &&
	    end_in(server, s->to);
}

/* Whether it is for the default to say who may reach this end. */
static int
end_kept(const struct view_sets *sets, const struct end *e)
{
	size_t i;

	for (i = 0; i < sets->ngroups; i++)
		if (end_in(e, &sets->groups[i]))
			return 1;
	return e->addr.sa.sa_family != AF_UNSPEC &&
	    conf_prefixes_have(&sets->conf->inside, &e->addr);
}

const struct conf_segment *
segment_of(const struct view_sets *sets, const struct facts *f)
{
	const struct conf *c = sets->conf;
	struct end client = end_client(f), server = end_server(f);
	size_t i;

	for (i = 0; i < c->nsegments; i++)
		if (segment_matches(&sets->segments[i], &client, &server,
		    f->port))
			return sets->segments[i].conf;
	return c->segments_deny && end_kept(sets, &server) ?
	    &conf_segment_default : NULL;
}

const struct conf_segment *
segment_view(struct view *v)
{
	if (!v->segment_known)
		v->segment = segment_of(v->sets, v->f);
	v->segment_known = 1;
	return v->segment;
}

int
segment_open(const struct facts *f)
{
	return f->server.sa.sa_family == AF_UNSPEC && !f->proxied;
}

enum conf_action
segment_action(const struct conf_segment *s, const struct conf_rule *r)
{
	if (s == NULL)
		return r->action;
	if (s->action == SEGMENT_DECRYPT && r->action == ACTION_BYPASS)
		return ACTION_DECRYPT;
	if (s->action == SEGMENT_BYPASS && r->action == ACTION_DECRYPT &&
	    !r->must_decrypt)
		return ACTION_BYPASS;
	return r->action;
}

enum conf_segment_action
segment_forwarded(const struct conf *c, const struct conf_segment *s)
{
	return s == NULL || c->monitor || !conf_segment_refuses(s) ?
	    SEGMENT_ALLOW : (enum conf_segment_action)s->action;
}

static void
end_print(const struct end *e, struct text *out)
{
	char s[ADDR_STRLEN];

	text_printf(out, "\"%s", e->addr.sa.sa_family != AF_UNSPEC ?
	    addr_ip_str(&e->addr, s) : "not known");
	if (e->mac != NULL)
		text_printf(out, " (%s)", mac_str(e->mac, s));
	if (e->tags != NULL)
		text_printf(out, " with the tags %s", e->tags);
	text_puts(out, "\"");
}

static void
explain_one(const struct segment *s, const struct end *client,
    const struct end *server, uint16_t port, struct text *out)
{
	if (!end_in(client, s->from)) {
		text_puts(out, "no match: from ");
		end_print(client, out);
		text_printf(out, " is not in %s\n", s->from->name);
	} else if (!end_in(server, s->to)) {
		text_puts(out, "no match: to ");
		end_print(server, out);
		text_printf(out, " is not in %s\n", s->to->name);
	} else if (!conf_segment_port(s->conf, port)) {
		text_printf(out, port != 0 ? "no match: port %u is not in it\n"
		    : "no match: it is for ports, and there is none\n", port);
	} else {
		text_puts(out, "match\n");
	}
}

void
segment_explain(const struct view_sets *sets, const struct conf *c,
    const struct facts *f, struct text *out)
{
	const struct conf_segment *s = segment_of(sets, f);
	struct end client = end_client(f), server = end_server(f);
	size_t i;

	for (i = 0; i < c->nsegments; i++) {
		text_printf(out, "segment %s (%s:%u): ", c->segments[i].name,
		    c->path, c->segments[i].pos.line);
		explain_one(&sets->segments[i], &client, &server, f->port,
		    out);
		if (s == &c->segments[i])
			break;
	}
	text_printf(out, "segment: %s%s%s\n", s != NULL ? s->name : "none",
	    s != NULL ? ": " : "",
	    s != NULL ? conf_segment_action_str(s->action) : "");
	text_printf(out, "not intercepted: %s\n", conf_segment_action_str(
	    (int)segment_forwarded(c, s)));
}

int
segment_given(const struct conf_match *m)
{
	return m->segment != NULL;
}

int
segment_holds(const struct match *m, struct view *v)
{
	return segment_view(v) == m->conf->segment;
}

int
segment_fact(const struct facts *f, struct text *t)
{
	if (f->segment != NULL)
		text_puts(t, f->segment);
	return f->segment != NULL;
}

void
segment_wants(const struct conf_match *m, struct text *t)
{
	text_puts(t, m->segment->name);
}
