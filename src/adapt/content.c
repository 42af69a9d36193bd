/*
 * Changes or refuses messages that services could not scan, or lets them pass
 * unseen: parts of an object, codings that the scanner does not know, bodies
 * that are too large, and switches to a protocol that nobody reads.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapt/adapt.h"
#include "util/err.h"
#include "util/mem.h"

static int
slice_begins(struct slice s, const char *text, size_t n)
{
	return s.len >= n && strncasecmp(s.p, text, n) == 0;
}

/* Media that never end, or cannot be looked at (bypass-types). */
int
content_is_stream(const struct adapted_message *m,
    const struct conf_icap *conf)
{
	struct slice type = http_value(m->now->head, "content-type");
	const char *p;
	size_t i, n;

	/* Our default list must not let pass what the rule forbids. */
	if (!conf->types_given && !conf_icap_passes(conf, 1,
	    plan_inspect(m->a->plan)->endless_open))
		return 0;
	for (i = 0; i < conf->bypass_types.n; i++) {
		p = conf->bypass_types.v[i];
		n = strlen(p);
		if (n > 0 && p[n - 1] == '*' ?
		    slice_begins(type, p, n - 1) : slice_begins(type, p, n) &&
		    (type.len == n || type.p[n] == ';' || type.p[n] == ' '))
			return 1;
	}
	return 0;
}

/* The next item of a list. A comma within quotes does not separate items. */
static int
quoted_item(struct slice *list, struct slice *item)
{
	size_t i;
	int quoted = 0;

	if (list->p == NULL)
		return 0;
	for (i = 0; i < list->len && (quoted || list->p[i] != ','); i++) {
		if (list->p[i] == '"')
			quoted = !quoted;
		else if (list->p[i] == '\\' && quoted && i + 1 < list->len)
			i++;
	}
	*item = slice_trim(slice_of(list->p, i));
	*list = i < list->len ? slice_of(list->p + i + 1, list->len - i - 1) :
	    slice_of(NULL, 0);
	return 1;
}

/* The next value of Content-Type, without parameters. */
static int
type_item(struct slice *value, struct slice *type)
{
	struct slice item;

	if (!quoted_item(value, type))
		return 0;
	item = *type;
	slice_cut(&item, ';', type);
	*type = slice_trim(*type);
	return 1;
}

/*
 * Whether there are two different media types. The scanner could take one of
 * them and the browser the other.
 */
static int
type_twice(const struct http_head *h)
{
	struct slice first = { NULL, 0 }, value, type;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, "content-type"))
			continue;
		value = h->h[i].value;
		while (type_item(&value, &type)) {
			if (type.len == 0)
				continue;
			if (first.p != NULL && (type.len != first.len ||
			    strncasecmp(type.p, first.p, type.len) != 0))
				return 1;
			first = type;
		}
	}
	return 0;
}

int
content_ambiguous(struct adapted_message *m)
{
	if (!plan_serves(m->a->plan) || !type_twice(m->virgin->head))
		return 0;
	exchange_refuse(&m->a->x, m->dir == DIR_UP ? 400 : 502,
	    "two different Content-Types");
	return 1;
}

static int
coding_listed(const struct conf_list *known, struct slice coding)
{
	size_t i;

	/* The old names of two of them (RFC 9110, 8.4.1). */
	if (slice_is(coding, "x-gzip") || slice_is(coding, "x-compress"))
		coding = slice_of(coding.p + 2, coding.len - 2);
	if (slice_is(coding, "identity"))
		return 1;
	for (i = 0; i < known->n; i++)
		if (slice_is(coding, known->v[i]) ||
		    strcmp(known->v[i], "any") == 0)
			return 1;
	return 0;
}

/* The codings that a service decodes: its own list, or the rule's. */
static const struct conf_list *
coding_list(const struct plan *p, const struct conf_icap *conf)
{
	return conf->encodings.n > 0 ? &conf->encodings :
	    &plan_inspect(p)->encodings;
}

/* The service's configuration, if it sees the response and is no monitor. */
static const struct conf_icap *
sees_response(const struct plan *p, size_t k)
{
	const struct conf_icap *conf = plan_conf(p, k);

	return !conf->monitor && conf->nrespmod > 0 ? conf : NULL;
}

/* Whether every service that sees the response knows the coding. */
static int
coding_allowed(const struct adaptation *a, struct slice item)
{
	const struct plan *p = a->plan;
	struct slice coding = item;
	const struct conf_icap *conf;
	size_t k;

	slice_cut(&item, ';', &coding);
	coding = slice_trim(coding);
	for (k = 0; k < p->nrow; k++)
		if ((conf = sees_response(p, k)) != NULL &&
		    !coding_listed(coding_list(p, conf), coding))
			return 0;
	return 1;
}

static int
coding_any(const struct conf_list *known)
{
	return known->n == 1 && strcmp(known->v[0], "any") == 0;
}

/*
 * A message may have one coding, of the list, because scanners decode it once.
 * Without a body there is nothing to decode.
 */
static int
coding_known(const struct adapted_message *m, const struct conf_icap *conf)
{
	const struct conf_list *known = coding_list(m->a->plan, conf);
	const struct http_head *h = m->now->head;
	struct slice list, item;
	size_t i, n = 0;

	if (coding_any(known) || !m->now->bodied)
		return 1;
	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, "content-encoding"))
			continue;
		list = h->h[i].value;
		while (slice_item(&list, &item)) {
			if (item.len == 0 || slice_is(item, "identity"))
				continue;
			if (!coding_listed(known, item) || ++n > 1)
				return 0;
		}
	}
	return 1;
}

/* Count and log the message: it passes unscanned, or gets a page. */
static int
is_unseen(struct adapted_message *m, enum icap_fault fault, int passes,
    int status, const char *why)
{
	const struct plan *p = m->a->plan;

	icap_unseen(p->clients[p->row[m->k]], input_method(m), m, fault, passes,
	    why);
	if (passes)
		return 1;
	exchange_refuse(&m->a->x, status, why);
	return ERR_DENIED;
}

int
content_exempt(struct adapted_message *m)
{
	const struct conf_icap *conf = plan_conf(m->a->plan, m->k);
	int endless = plan_inspect(m->a->plan)->endless_open;
	int down = m->dir == DIR_DOWN;
	int64_t length = m->now->head->length;

	if (down && content_is_stream(m, conf))
		return is_unseen(m, ICAP_F_TYPE, 1, 0,
		    "of a type in bypass-types");
	if (!coding_known(m, conf))
		return is_unseen(m, ICAP_F_CODING, down ?
		    conf->fail.respmod : conf->fail.reqmod, down ? 502 : 415,
		    "in a content coding that the scanner does not know");
	if (length <= 0 || (uint64_t)length <= conf->max_body)
		return 0;
	return is_unseen(m, ICAP_F_OVERSIZE,
	    conf_icap_passes(conf, down, endless), 403,
	    "larger than what is scanned");
}

/*
 * Put the items of a field that are wanted into left; next finds them. 1:
 * they are fewer than came.
 */
static int
list_limit(const struct adaptation *a, const struct http_head *h,
    const char *name, int (*next)(struct slice *, struct slice *),
    int (*wanted)(const struct adaptation *, struct slice), struct text *left)
{
	struct slice list, item;
	size_t i;
	int less = 0;

	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, name))
			continue;
		list = h->h[i].value;
		while (next(&list, &item)) {
			if (item.len == 0)
				continue;
			if (!wanted(a, item)) {
				less = 1;
				continue;
			}
			text_puts(left, left->len > 0 ? ", " : "");
			text_add(left, item.p, item.len);
		}
	}
	return less;
}

/* Whether `upgrade:` has a protocol of an Upgrade field. An entry without a
 * version covers all versions. */
static int
upgrade_listed(const struct conf_list *list, struct slice item)
{
	struct slice rest = item, name = item;
	size_t i;

	slice_cut(&rest, '/', &name);
	for (i = 0; i < list->n; i++)
		if (slice_is(item, list->v[i]) ||
		    slice_is(name, list->v[i]))
			return 1;
	return 0;
}

/*
 * Whether an upgrade is allowed. HTTP/2 is, where it will be read, as anything
 * else would hide requests from the rules. If a service sees messages, others
 * must be in the list.
 */
static int
upgrade_allowed(const struct adaptation *a, struct slice item)
{
	if (slice_is(item, "h2c"))
		return a->to_http2;
	return !plan_serves(a->plan) ||
	    upgrade_listed(&plan_inspect(a->plan)->upgrade, item);
}

/* Whether the client asked for the protocol that the server switched to. */
static int
upgrade_asked(const struct http_head *asked, struct slice protocol)
{
	char text[64];

	if (asked == NULL || protocol.len >= sizeof(text))
		return 0;
	memcpy(text, protocol.p, protocol.len);
	text[protocol.len] = '\0';
	return http_has_token(asked, "upgrade", text);
}

/*
 * An origin takes the authority of an absolute-form as the host. One that takes
 * Host must not get another (RFC 9112, 3.2.2).
 */
void
content_one_host(struct adaptation *a)
{
	const struct http_head *h = a->x.msg[DIR_UP].head;
	struct http_edit edit = { "host", NULL };
	char *value;

	if (h->scheme.len == 0 || http_find(h, "host") == NULL)
		return;
	value = xstrndup(h->authority.p, h->authority.len);
	edit.value = value;
	if (!slice_eq(http_value(h, "host"), value))
		a->x.codec->edit(a->x.conn, DIR_UP, &edit, 1);
	free(value);
}

/* Whether a service sees the response, which must then be whole. */
static int
is_scanned(const struct plan *p)
{
	size_t k;

	for (k = 0; k < p->nrow; k++)
		if (sees_response(p, k) != NULL)
			return plan_inspect(p)->ranges != RANGES_PASS;
	return 0;
}

/* Ask for no codings but those that scanners know. Returns the edits. */
static size_t
limit_codings(const struct adaptation *a, const char *name, struct text *left,
    struct http_edit *edit)
{
	if (!list_limit(a, a->x.msg[DIR_UP].head, name, slice_item,
	    coding_allowed, left))
		return 0;
	edit->name = name;
	edit->value = left->len > 0 ? left->s : "identity";
	return 1;
}

void
content_request(struct adaptation *a)
{
	struct http_edit edit[7] = { { "range", NULL }, { "if-range", NULL } };
	const struct http_head *h = a->x.msg[DIR_UP].head;
	struct text codings = { 0 }, upgrade = { 0 }, grpc = { 0 };
	size_t n = 0;

	if (!a->plan->judged)
		return;
	if (is_scanned(a->plan)) {
		n = 2;
		if (plan_inspect(a->plan)->ranges == RANGES_WHOLE)
			part_ask(a);
	}
	if (list_limit(a, h, "upgrade", slice_item, upgrade_allowed,
	    &upgrade)) {
		/* The session goes on, and is read: no more than a number. */
		if (a->plan->nrow > 0)
			a->plan->host.unread(a->plan->host.session,
			    UNREAD_UPGRADE, 1, NULL);
		edit[n].name = "upgrade";
		edit[n++].value = upgrade.len > 0 ? upgrade.s : NULL;
		if (!a->to_http2)
			edit[n++].name = "http2-settings";
	}
	n += limit_codings(a, "accept-encoding", &codings, &edit[n]);
	if (plan_scans(a->plan, MESSAGES_GRPC))
		n += limit_codings(a, "grpc-accept-encoding", &grpc, &edit[n]);
	if (plan_scans(a->plan, MESSAGES_WEBSOCKET))	/* no RFC 7692 */
		edit[n++].name = "sec-websocket-extensions";
	a->x.codec->edit(a->x.conn, DIR_UP, edit, n);
	text_free(&codings);
	text_free(&grpc);
	text_free(&upgrade);
}

/* Whether an alternative service (RFC 7838) is not one over QUIC. */
static int
service_read(const struct adaptation *a, struct slice item)
{
	static const char *const quic[] = { "h3=", "h3-", "hq=", "hq-",
	    "quic=" };
	size_t i;

	for (i = 0; i < NELEM(quic); i++)
		if (slice_begins(item, quic[i], strlen(quic[i])))
			return 0;
	return 1;
}

void
content_response(struct adaptation *a)
{
	struct http_edit edit = { "alt-svc", NULL };
	struct text left = { 0 };

	if (!a->plan->judged || plan_inspect(a->plan)->alt_svc_pass)
		return;
	if (list_limit(a, a->x.msg[DIR_DOWN].head, "alt-svc", quoted_item,
	    service_read, &left)) {
		edit.value = left.len > 0 ? left.s : NULL;
		a->x.codec->edit(a->x.conn, DIR_DOWN, &edit, 1);
	}
	text_free(&left);
}

int
content_may_switch(struct adaptation *a)
{
	const struct http_head *asked = a->x.msg[DIR_UP].head;
	const struct http_head *h = a->x.msg[DIR_DOWN].head;
	struct slice value = http_value(h, "upgrade"), item;
	size_t n = 0;

	if (!a->plan->judged || h->status != 101)
		return 1;
	if (!plan_serves(a->plan) && !http_has_token(h, "upgrade", "h2c"))
		return asked != NULL && http_value(asked, "upgrade").len > 0;
	while (slice_item(&value, &item)) {
		if (item.len == 0)
			continue;
		n++;
		if (!upgrade_allowed(a, item) || !upgrade_asked(asked, item) ||
		    (slice_is(item, "h2c") && !slice_is(http_value(h,
		    "upgrade"), "h2c"))) {
			plan_unread(a->plan, UNREAD_UPGRADE, 1, item);
			return 0;
		}
	}
	if (n == 0)
		plan_unread(a->plan, UNREAD_UPGRADE, 1, slice_of(NULL, 0));
	return n > 0;
}

/* Extended CONNECT (RFC 8441) is HTTP/2's switch of protocols. */
static int
content_extends(struct adaptation *a, struct slice protocol)
{
	if (!a->plan->judged || upgrade_allowed(a, protocol))
		return 0;
	plan_unread(a->plan, UNREAD_UPGRADE, 1, protocol);
	exchange_refuse(&a->x, 501, "a protocol that the rule does not switch "
	    "to (inspect: upgrade)");
	return 1;
}

int
content_connects(struct adaptation *a)
{
	const struct http_head *h = a->x.msg[DIR_UP].head;

	if (h->protocol.len > 0)
		return content_extends(a, h->protocol);
	if (!slice_eq(h->method, "CONNECT") || !plan_blocks(a->plan))
		return 0;
	plan_unread(a->plan, UNREAD_CONNECT, 1, slice_of(NULL, 0));
	exchange_refuse(&a->x, 403, "a tunnel by CONNECT, which the rule "
	    "blocks (inspect: non-http)");
	return 1;
}
