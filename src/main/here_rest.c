/*
 * What REST needs from this machine: its certificates, and tokens that nobody
 * else can read.
 */
#include <sys/stat.h>

#include "conf/verdicts.h"
#include "main/here.h"
#include "tls/serve.h"

void
here_rest(const struct conf *c, struct text *errors)
{
	const struct conf_sensor *s;
	struct text why = { 0 };
	SSL_CTX *ctx;
	size_t i;

	for (i = 0; i < c->nsensors; i++) {
		s = &c->sensors[i];
		if (s->kind != SENSOR_REST || s->certificate == NULL)
			continue;
		if (serve_new(s->certificate, s->key, s->client_ca, &ctx,
		    &why) != 0)
			here_problem(c, s->pos, errors, "sensors", why.s, "");
		SSL_CTX_free(ctx);
		text_clear(&why);
	}
	text_free(&why);
}

void
here_rest_warnings(const struct conf *c, struct text *out)
{
	const struct conf_sensor *s;
	struct stat st;
	size_t i;

	for (i = 0; i < c->nsensors; i++) {
		s = &c->sensors[i];
		if (s->kind == SENSOR_REST && s->tokens.path != NULL &&
		    stat(s->tokens.path, &st) == 0 &&
		    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
			text_printf(out, "%s:%u:%u: warning: others may read "
			    "the tokens in %s; chmod 600 %s\n", c->path,
			    s->pos.line, s->pos.column, s->tokens.path,
			    s->tokens.path);
		if (s->kind == SENSOR_REST && s->tokens.path != NULL &&
		    c->user != NULL && here_may(c->user, s->tokens.path,
		    4) != 0)
			text_printf(out, "%s:%u:%u: warning: %s: the user %s "
			    "may not read it, so that a reload fails; chown "
			    "%s %s\n", c->path, s->pos.line, s->pos.column,
			    s->tokens.path, c->user, c->user,
			    s->tokens.path);
	}
}
