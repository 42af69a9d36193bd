/*
 * Webhooks: a request of HTTP for each notice, whose status is the answer. 2xx
 * is good; 408, 425, 429 and 5xx are tried again (RFC 9110, 15.5 and 15.6; RFC
 * 6585, 4; RFC 8470, 5.2), and every other status is a refusal.
 */
#include <stdlib.h>
#include <string.h>

#include "verdict/post.h"
#include "tls/outward.h"
#include "util/mem.h"
#include "verdict/carriers.h"

struct web {
	SSL_CTX		*ctx;		/* or NULL: nothing goes by TLS */
	struct post	*post;		/* under way, or NULL */
};

static int
web_open(struct target *t, struct text *why)
{
	struct web *w = xcalloc(1, sizeof(*w));
	int rv = 0;

	if (t->conf->act.url.tls || t->conf->undo.url.tls)
		rv = outward_ctx(t->conf->trust, t->conf->certificate,
		    t->conf->key, &w->ctx, why);
	t->state = w;
	if (rv != 0)
		free(w);
	return rv;
}

static void
web_close(struct target *t)
{
	struct web *w = t->state;

	post_cancel(w->post);
	SSL_CTX_free(w->ctx);
	free(w);
}

static void
web_done(void *arg, int status, const char *said)
{
	struct target *t = arg;
	struct web *w = t->state;
	struct text answer = { 0 };
	enum target_result r = TARGET_REFUSED;

	w->post = NULL;
	if (status == 0)
		text_puts(&answer, said);
	else
		text_printf(&answer, "%d%s%s", status, said[0] != '\0' ? " " :
		    "", said);
	if (status >= 200 && status < 300)
		r = TARGET_SENT;
	else if (status == 0 || status == 408 || status == 425 ||
	    status == 429 || status >= 500)
		r = TARGET_RETRIED;
	target_answer(t, r, answer.s);
	text_free(&answer);
}

/* Whether any text of the operator's has the token in it already. */
static int
places_token(const struct conf_target *c)
{
	static const char token[] = "%{token}";
	size_t i;

	for (i = 0; i < c->headers.n; i++)
		if (strstr(c->headers.v[i].value, token) != NULL)
			return 1;
	return strstr(c->act.url.path, token) != NULL ||
	    (c->undo.url.path != NULL &&
	    strstr(c->undo.url.path, token) != NULL) ||
	    (c->act.body != NULL && strstr(c->act.body, token) != NULL) ||
	    (c->undo.body != NULL && strstr(c->undo.body, token) != NULL);
}

static const char *
field_of(const struct conf_target *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->headers.n; i++)
		if (strcasecmp(c->headers.v[i].name, name) == 0)
			return c->headers.v[i].value;
	return NULL;
}

static void
write_fields(const struct conf_target *c, const struct notice *n,
    struct text *t)
{
	size_t i;

	if (field_of(c, "User-Agent") == NULL)
		text_puts(t, "User-Agent: clearspan/" VERSION "\r\n");
	if (field_of(c, "Content-Type") == NULL)
		text_puts(t, "Content-Type: application/json\r\n");
	if (c->token.text != NULL && !places_token(c) &&
	    field_of(c, "Authorization") == NULL) {
		text_puts(t, "Authorization: Bearer ");
		fill_escape(t, c->token.text, FILL_PLAIN);
		text_puts(t, "\r\n");
	}
	for (i = 0; i < c->headers.n; i++) {
		text_printf(t, "%s: ", c->headers.v[i].name);
		notice_fill(n, c, c->headers.v[i].value, FILL_PLAIN, t);
		text_puts(t, "\r\n");
	}
}

static void
web_go(struct target *t)
{
	const struct notice *n = target_notice(t, 0);
	const struct conf_target *c = t->conf;
	const struct conf_act *act = conf_notice_is(n->kind, NOTICE_IS_OVER) &&
	    c->undo.url.text != NULL ? &c->undo : &c->act;
	struct text path = { 0 }, fields = { 0 }, body = { 0 };
	struct web *w = t->state;
	struct post_want want = { .host = act->url.host,
	    .port = act->url.port, .ctx = act->url.tls ? w->ctx : NULL,
	    .method = act->method, .timeout = c->timeout };

	notice_fill(n, c, act->url.path, FILL_URL, &path);
	write_fields(c, n, &fields);
	notice_fill(n, c, act->body != NULL ? act->body : "%{json}",
	    fill_as_of(field_of(c, "Content-Type")), &body);
	want.path = path.s;
	want.fields = slice_of(fields.s, fields.len);
	if (strcmp(act->method, "GET") != 0)
		want.body = slice_of(body.s, body.len);
	w->post = post_start(t->base, t->names, &want, web_done, t);
	text_free(&path);
	text_free(&fields);
	text_free(&body);
}

const struct carrier carrier_web = { web_open, web_close, web_go };
