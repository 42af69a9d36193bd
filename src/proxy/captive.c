/*
 * The captive portal: what is told to whom.
 */
#include "proxy/captive.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "conf/contained.h"
#include "http/captive.h"
#include "proxy/endpoint.h"
#include "proxy/session.h"
#include "util/clock.h"
#include "verdict/contain.h"

#define ALLOWED_MAX	400	/* bytes, and one entry more */

static void
allowed_add(struct text *t, const char *what)
{
	if (t->len > ALLOWED_MAX)
		return;
	text_printf(t, "%s%s", t->len > 0 ? ", " : "", what);
	if (t->len > ALLOWED_MAX)
		text_puts(t, ", ...");
}

/* As a person knows it: a list by its name, a pattern by the domain. */
static void
allowed_say(struct text *t, const struct conf_quarantine *q)
{
	char s[ADDR_STRLEN + 4], ip[ADDR_STRLEN];
	const struct prefix *p;
	struct addr a;
	size_t i;

	for (i = 0; i < q->allow.n; i++)
		allowed_add(t, q->allow.v[i] + strspn(q->allow.v[i], "@="));
	for (i = 0; i < q->servers.n; i++) {
		p = &q->servers.v[i];
		a = prefix_addr(p, 0);
		addr_ip_str(&a, ip);
		if (p->bits == (p->family == AF_INET ? 32 : 128))
			snprintf(s, sizeof(s), "%s", ip);
		else
			snprintf(s, sizeof(s), "%s/%u", ip, p->bits);
		allowed_add(t, s);
	}
}

/* By its number an operator can release it. */
void
captive_say(struct captive_said *o, const struct conf *c,
    const struct contained *who, struct page *p)
{
	memset(o, 0, sizeof(*o));
	snprintf(o->reference, sizeof(o->reference), "quarantine %llu",
	    (unsigned long long)who->id);
	clock_stamp(who->until, o->until);
	allowed_say(&o->allowed, endpoint_profile(c, who));
	p->kind = PAGE_QUARANTINE;
	p->reference = o->reference;
	p->until = o->until;
	p->allowed = o->allowed.s;
	if (p->reason == NULL)
		p->reason = who->reason;
}

void
captive_said_free(struct captive_said *o)
{
	text_free(&o->allowed);
}

static char *
captive_page(struct session *s, struct page *p, size_t *len)
{
	struct captive_said said = { 0 };
	char *text;

	p->status = 200;
	p->kind = PAGE_RELEASED;
	if (s->contained != NULL)
		captive_say(&said, session_conf(s), s->contained, p);
	text = page_make(p, len);
	captive_said_free(&said);
	return text;
}

static char *
captive_api_answer(const struct session *s, struct page *p, size_t *len)
{
	struct captive c = { .host = p->host };
	struct captive_said said = { 0 };
	uint64_t now = clock_ms();
	char *text;

	if (s->contained != NULL) {
		captive_say(&said, session_conf(s), s->contained, p);
		c.reference = p->reference;
		c.reason = p->reason;
		c.until = p->until;
		c.left = s->contained->end > now ? (int64_t)
		    ((s->contained->end - now + 999) / 1000) : 0;
	}
	p->status = 200;
	text = captive_api(&c, slice_eq(p->request->method, "HEAD"), len);
	captive_said_free(&said);
	return text;
}

static char *
captive_lead(struct page *p, const char *scheme, const char *host,
    const char *path, size_t *len)
{
	struct text url = { 0 };
	char *text;

	captive_url(&url, scheme, host, path);
	p->status = 302;
	text = captive_redirect(url.s, len);
	text_free(&url);
	return text;
}

/* The site of the portal. What holds now counts, and not what did when the
 * connection began. */
static char *
captive_portal(struct session *s, struct page *p, size_t *len)
{
	endpoint_look(s);
	if (captive_path(p->request, CAPTIVE_PAGE))
		return captive_page(s, p, len);
	if (!captive_path(p->request, CAPTIVE_API))
		return NULL;
	if (!p->tls)		/* RFC 8908, 4: by TLS alone */
		return captive_lead(p, "https", p->host, CAPTIVE_API, len);
	return captive_api_answer(s, p, len);
}

/*
 * Where the portal's page is. If no name was given, the address of the server
 * that was asked: the way there comes by here, and nobody has to know a name.
 */
static const char *
captive_host(const struct session *s, char *addr)
{
	const struct conf *c = session_conf(s);

	return c->pages.captive_name == NULL &&
	    s->facts.mode == CONF_TRANSPARENT &&
	    s->facts.server.sa.sa_family != AF_UNSPEC ?
	    addr_ip_str(&s->facts.server, addr) : portal_captive(c);
}

char *
captive_answer(struct session *s, struct page *p, size_t *len)
{
	char addr[ADDR_STRLEN];

	if (session_conf(s)->nquarantines == 0)
		return NULL;
	if (s->portal)
		return captive_portal(s, p, len);
	if (s->page_due != 403 || endpoint_why(s) == NULL ||
	    !endpoint_profile(session_conf(s), s->contained)->tell)
		return NULL;
	if (captive_path(p->request, CAPTIVE_PAGE))
		return captive_page(s, p, len);
	return captive_probe(p->request) ? captive_lead(p, "http",
	    captive_host(s, addr), CAPTIVE_PAGE, len) : NULL;
}
