/*
 * What is changed in a request before it goes on so that services see what
 * they are for: parts of an object cannot be scanned, nor codings that the
 * scanner does not know; after a switch to HTTP/2 nothing could be. And the
 * client that waits for 100 before it sends the body that a service wants.
 */
#include <string.h>

#include "sink/side.h"
#include "util/mem.h"

static int
coding_known(const struct conf_list *known, struct slice coding)
{
	size_t i;

	if (known->n == 0 || slice_is(coding, "identity"))
		return 1;
	for (i = 0; i < known->n; i++)
		if (slice_is(coding, known->v[i]))
			return 1;
	return 0;
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
		    !coding_known(&conf->encodings, coding))
			return 0;
	}
	return 1;
}

/* Accept-Encoding without what they do not know; 1: that is less. */
static int
coding_limit(const struct exchange *x, const struct http1_head *h,
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

void
side_prepare(struct side *s)
{
	struct message_edit edit[5] = { { "range", NULL },
	    { "if-range", NULL } };
	struct text codings = { 0 };
	size_t n = 0;

	if (!exchange_inline(s->x))
		return;
	if (prepare_wanted(s->x))
		n = 2;
	if (http1_has_token(s->m.http, "upgrade", "h2c")) {
		edit[n++] = (struct message_edit){ "upgrade", NULL };
		edit[n++] = (struct message_edit){ "http2-settings", NULL };
	}
	if (coding_limit(s->x, s->m.http, &codings)) {
		edit[n].name = "accept-encoding";
		edit[n++].value = codings.s;
	}
	message_edit(&s->m, edit, n);
	text_free(&codings);
}

/* HTTP/1.0 knows no 100 (RFC 9110, 10.1.1). */
void
side_expect(struct side *s)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct message_edit expect = { "expect", NULL };
	struct deliver *down = &s->x->side[DIR_DOWN].out;

	if (!http1_has_token(s->m.http, "expect", "100-continue"))
		return;
	message_edit(&s->m, &expect, 1);
	if (s->x->old_client)
		return;
	deliver_text(down, interim, sizeof(interim) - 1);
	down->began = 0;
}
