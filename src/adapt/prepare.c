/*
 * What is changed in a request before it goes on so that services see what
 * they are for: parts of an object cannot be scanned, nor codings that the
 * scanner does not know; after a switch to HTTP/2 nothing could be. And the
 * client that waits for 100 before it sends the body that a service wants.
 */
#include <string.h>

#include "adapt/side.h"
#include "util/mem.h"

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

/* Those that a service looks into: its own, or the rule's. */
static const struct conf_list *
coding_list(const struct exchange *x, const struct conf_icap *conf)
{
	return conf->encodings.n > 0 ? &conf->encodings :
	    &x->rec->verdict->rule->inspect->encodings;
}

/* Whether every service that sees the response knows the coding. */
static int
coding_allowed(const struct exchange *x, struct slice item)
{
	struct slice coding = item;
	const struct conf_icap *conf;
	size_t k;

	slice_cut(&item, ';', &coding);
	coding = slice_trim(coding);
	for (k = 0; k < x->nrow; k++) {
		conf = icap_service_conf(x->env->services[x->row[k]]);
		if (!conf->monitor && conf->nrespmod > 0 &&
		    !coding_listed(coding_list(x, conf), coding))
			return 0;
	}
	return 1;
}

static int
coding_any(const struct conf_list *known)
{
	return known->n == 1 && strcmp(known->v[0], "any") == 0;
}

/*
 * One coding at most, and that one of the list: scanners open a message once.
 * Without a body there is nothing to open.
 */
int
side_coding_known(const struct side *s, const struct conf_icap *conf)
{
	const struct conf_list *known = coding_list(s->x, conf);
	const struct http_head *h = side_http(s);
	struct slice list, item;
	size_t i, n = 0;

	if (coding_any(known) || (s->http != NULL ? s->body == NULL :
	    s->m.body.kind == HTTP1_NONE))
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

/* Accept-Encoding without what they do not know; 1: that is less. */
static int
coding_limit(const struct exchange *x, const struct http_head *h,
    struct text *value)
{
	struct slice list, item;
	size_t i;
	int less = 0;

	for (i = 0; i < h->n; i++) {
		if (!slice_is(h->h[i].name, "accept-encoding"))
			continue;
		list = h->h[i].value;
		while (slice_item(&list, &item)) {
			if (item.len == 0)
				continue;
			if (!coding_allowed(x, item)) {
				less = 1;
				continue;
			}
			text_puts(value, value->len > 0 ? ", " : "");
			text_add(value, item.p, item.len);
		}
	}
	if (less && value->len == 0)
		text_puts(value, "identity");
	return less;
}

/* Some service, not a monitor, sees the response. */
static int
prepare_wanted(const struct exchange *x)
{
	const struct conf_icap *conf;
	size_t k;

	for (k = 0; k < x->nrow; k++) {
		conf = icap_service_conf(x->env->services[x->row[k]]);
		if (!conf->monitor && conf->nrespmod > 0)
			return 1;
	}
	return 0;
}

int
side_prepare(struct side *s)
{
	struct message_edit edit[5] = { { "range", NULL },
	    { "if-range", NULL } };
	struct text codings = { 0 }, upgrade = { 0 };
	size_t n = 0;
	int rv;

	if (!exchange_inline(s->x))
		return 0;
	if (prepare_wanted(s->x) && !side_inspect(s)->ranges_pass)
		n = 2;
	if (exchange_upgrades(s->x, &upgrade)) {
		edit[n].name = "upgrade";
		edit[n++].value = upgrade.len > 0 ? upgrade.s : NULL;
		edit[n++] = (struct message_edit){ "http2-settings", NULL };
	}
	if (coding_limit(s->x, s->m.http, &codings)) {
		edit[n].name = "accept-encoding";
		edit[n++].value = codings.s;
	}
	rv = message_edit(&s->m, edit, n);
	text_free(&codings);
	text_free(&upgrade);
	if (rv != 0)
		side_refuse(s->x, 431, "there is no room to take out of the "
		    "request what must not be asked for");
	return rv;
}

/* HTTP/1.0 knows no 100 (RFC 9110, 10.1.1). */
void
side_expect(struct side *s)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct message_edit expect = { "expect", NULL };
	struct deliver *down = &s->x->side[DIR_DOWN].out;

	if (!http_has_token(s->m.http, "expect", "100-continue"))
		return;
	message_edit(&s->m, &expect, 1);
	if (s->x->old_client)
		return;
	deliver_text(down, interim, sizeof(interim) - 1);
	down->began = 0;
}
