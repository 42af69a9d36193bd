/*
 * Asks the table of those that are denied, by all that a session says of its
 * server.
 */
#include "policy/denied.h"

#include "policy/asked.h"

static int
addr_denied(const struct facts *f, const struct addr *a)
{
	return a->sa.sa_family != AF_UNSPEC &&
	    f->denials->has_addr(f->denials, a);
}

/* A name, or an address in its place. */
static int
name_denied(const struct facts *f, const char *name)
{
	struct addr a;

	if (name == NULL)
		return 0;
	name_addr(name, &a);
	return a.sa.sa_family != AF_UNSPEC ? addr_denied(f, &a) :
	    f->denials->has_name(f->denials, name);
}

const char *
denied_by(const struct facts *f, char addr[ADDR_STRLEN],
    enum policy_stage *stage)
{
	enum policy_stage at = STAGE_CONNECTION;
	const char *by = NULL;

	if (f->denials == NULL)
		return NULL;
	if (!f->proxied && addr_denied(f, &f->server)) {
		by = addr_ip_str(&f->server, addr);
	} else if (name_denied(f, f->host)) {
		by = f->host;
		if (f->protocol == PROTO_HTTP)
			at = STAGE_REQUEST;
	} else if (name_denied(f, f->sni)) {
		by = f->sni;
		at = STAGE_HELLO;
	} else if (name_denied(f, f->request)) {
		by = f->request;
		at = STAGE_REQUEST;
	} else if (denied_names(f)) {
		at = f->request != NULL ? STAGE_REQUEST : STAGE_HELLO;
	}
	if (stage != NULL)
		*stage = at;
	return by;
}

int
denied_names(const struct facts *f)
{
	return f->denials != NULL && f->denials->has_any(f->denials, 1);
}

int
denied_to_come(const struct facts *f)
{
	if (f->denials == NULL)
		return 0;
	if (denied_names(f) &&
	    (f->sni_open || f->protocol == PROTO_UNKNOWN))
		return 1;
	return f->server.sa.sa_family == AF_UNSPEC &&
	    f->denials->has_any(f->denials, 0);
}

int
denied_given(const struct conf_match *m)
{
	return m->denied;
}

int
denied_holds(const struct match *m, struct view *v)
{
	char addr[ADDR_STRLEN];

	return denied_by(v->f, addr, NULL) != NULL;
}

int
denied_fact(const struct facts *f, struct text *t)
{
	char addr[ADDR_STRLEN];
	const char *by = denied_by(f, addr, NULL);

	if (f->denials == NULL)
		return 0;
	text_printf(t, by != NULL ? "yes (%s)" : "no", by);
	return 1;
}

void
denied_wants(const struct conf_match *m, struct text *t)
{
	text_puts(t, "yes");
}
