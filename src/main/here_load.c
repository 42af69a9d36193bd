/*
 * Reads a configuration and checks what it needs from this machine: the user,
 * the CAs, the event log, and the parts (here_parts.c).
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/verdicts.h"
#include "main/here.h"
#include "tls/ca.h"
#include "tls/own.h"
#include "util/err.h"

#define OWN_SOON	(14 * 24 * 3600)	/* s; who renews, has by then */

/* Returns whether the user may not read the file, after reporting it. */
static int
ca_closed(const struct conf *c, struct conf_pos at, struct text *errors,
    const char *key, const char *path)
{
	struct text what = { 0 }, mend = { 0 };
	char *user;

	if (here_may(NULL, path, R_OK) != EACCES)
		return 0;
	user = here_user(c);
	text_printf(&what, "the user %s may not read %s", user, path);
	here_mend_read(user, path, &mend);
	here_problem(c, at, errors, key, what.s, mend.s);
	text_free(&what);
	text_free(&mend);
	free(user);
	return 1;
}

/* ca_load() says "ca: FILE: ..."; show each line at the key of its file. */
static void
here_pair(const struct conf *c, const char *cert, const char *key,
    const struct conf_pos at[2], const char *const names[2],
    struct text *errors)
{
	struct text said = { 0 };
	char *line, *save = NULL;
	struct ca *ca = NULL;
	size_t n;
	int i, closed;

	if (cert == NULL || key == NULL)
		return;
	closed = ca_closed(c, at[0], errors, names[0], cert);
	closed |= ca_closed(c, at[1], errors, names[1], key);
	if (closed)
		return;
	if (ca_load("ca", cert, key, &ca, &said) == 0) {
		ca_free(ca);
		return;
	}
	n = strlen(key);
	for (line = strtok_r(said.s, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		line += strlen("ca: ");
		i = strncmp(line, key, n) == 0 && line[n] == ':';
		here_problem(c, at[i], errors, names[i], line, "");
	}
	text_free(&said);
}

static void
here_ca(const struct conf *c, const struct conf_ca *ca, struct text *errors)
{
	static const char *const trusted[] = { "certificate", "key" };
	static const char *const untrusted[] = { "untrusted-certificate",
	    "untrusted-key" };

	here_pair(c, ca->cert, ca->key, ca->pos, trusted, errors);
	here_pair(c, ca->untrusted_cert, ca->untrusted_key, ca->untrusted_pos,
	    untrusted, errors);
}

/* Show each line of errors at the key of its file. */
static void
here_own(const struct conf *c, const struct conf_own *o, struct text *errors)
{
	static const char *const names[] = { "certificate", "key" };
	struct own_files files = { o->certificate.v, o->key.v, o->key.n };
	struct text said = { 0 };
	char *line, *save = NULL;
	struct own *own = NULL;
	size_t j, n;
	int i;

	if (own_load(&files, &own, &said) != 0)
		for (line = strtok_r(said.s, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save)) {
			line += strlen("certificates: ");
			for (i = 0, j = 0; j < o->key.n; j++) {
				n = strlen(o->key.v[j]);
				i |= strncmp(line, o->key.v[j], n) == 0 &&
				    line[n] == ':';
			}
			here_problem(c, o->pos[i], errors, names[i], line, "");
		}
	own_free(own);
	text_free(&said);
}

/* A sensor's certificate and key, if it has them, as those of own servers. */
static struct conf_own
sensor_own(const struct conf_sensor *s)
{
	struct conf_own own = { 0 };

	if (s->kind == SENSOR_TLS) {
		own.certificate.v = (char **)(uintptr_t)&s->certificate;
		own.key.v = (char **)(uintptr_t)&s->key;
		own.certificate.n = own.key.n = 1;
		own.pos[0] = s->tls_pos[0];
		own.pos[1] = s->tls_pos[1];
	}
	return own;
}

/* What a sensor shows, and whom it believes. */
static void
here_sensor(const struct conf *c, const struct conf_sensor *s,
    struct text *errors)
{
	struct conf_own own = sensor_own(s);
	struct text said = { 0 };
	STACK_OF(X509) *cas;

	here_own(c, &own, errors);
	if (s->client_ca == NULL)
		return;
	cas = ca_read_certs("client-ca", s->client_ca, &said);
	if (cas == NULL) {
		said.s[strcspn(said.s, "\n")] = '\0';
		here_problem(c, s->pos, errors, "client-ca", said.s +
		    strlen("client-ca: "), "");
	}
	sk_X509_pop_free(cas, X509_free);
	text_free(&said);
}

static void
here_name(const struct conf *c, struct text *errors)
{
	struct text what = { 0 };

	if (c->user == NULL || getpwnam(c->user) != NULL)
		return;
	text_printf(&what, "there is no user \"%s\"; create it (adduser "
	    "--system --group %s), or name another", c->user, c->user);
	here_problem(c, c->pos.user, errors, "user", what.s, "");
	text_free(&what);
}

static void
here_check(const struct conf *c, struct text *errors)
{
	struct text why = { 0 }, mend = { 0 };
	size_t i;

	here_name(c, errors);
	for (i = 0; i < conf_ca_count(c); i++)
		here_ca(c, conf_ca(c, i), errors);
	for (i = 0; i < c->nowns; i++)
		here_own(c, &c->owns[i], errors);
	for (i = 0; i < c->nsensors; i++)
		here_sensor(c, &c->sensors[i], errors);
	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].client.key.n > 0)
			here_own(c, &c->rules[i].client, errors);
	if (c->log.file != NULL && here_log(c, &why, &mend) != 0)
		here_problem(c, c->pos.log_file, errors, "file", why.s,
		    mend.s);
	here_parts(c, errors);
	here_rest(c, errors);
	text_free(&why);
	text_free(&mend);
}

static void
here_doubts(const struct conf *c, const char *path, struct conf_pos at,
    struct text *out)
{
	struct text doubts = { 0 }, unread = { 0 };
	X509 *x = path != NULL ? ca_read_cert("ca", path, &unread) : NULL;

	if (x != NULL)
		ca_doubts(x, &doubts);
	if (doubts.len > 0)
		text_printf(out, "%s:%u:%u: warning: %s: %s\n", c->path,
		    at.line, at.column, path, doubts.s);
	X509_free(x);
	text_free(&doubts);
	text_free(&unread);
}

/* What a certificate that is renewed while the daemon runs will need. */
static void
here_own_doubts(const struct conf *c, const struct conf_own *o,
    struct text *out)
{
	struct text unread = { 0 };
	size_t i;
	X509 *x;

	for (i = 0; i < o->key.n; i++) {
		x = ca_read_cert("own", o->certificate.v[i], &unread);
		if (x != NULL && ca_time(X509_get0_notAfter(x)) <
		    time(NULL) + OWN_SOON)
			text_printf(out, "%s:%u:%u: warning: %s: it %s\n",
			    c->path, o->pos[0].line, o->pos[0].column,
			    o->certificate.v[i], X509_cmp_current_time(
			    X509_get0_notAfter(x)) <= 0 ? "has expired" :
			    "expires within two weeks");
		X509_free(x);
		if (c->user != NULL && here_may(c->user, o->key.v[i], R_OK) !=
		    0)
			text_printf(out, "%s:%u:%u: warning: %s: the user %s "
			    "may not read it, so that a reload cannot take a "
			    "renewed one; chown %s %s\n", c->path,
			    o->pos[1].line, o->pos[1].column, o->key.v[i],
			    c->user, c->user, o->key.v[i]);
	}
	text_free(&unread);
}

void
here_warnings(const struct conf *c, struct text *out)
{
	const struct conf_ca *ca;
	struct conf_own own;
	size_t i;

	conf_warnings(c, out);
	here_notify_warnings(c, out);
	here_rest_warnings(c, out);
	for (i = 0; i < conf_ca_count(c); i++) {
		ca = conf_ca(c, i);
		here_doubts(c, ca->cert, ca->pos[0], out);
		here_doubts(c, ca->untrusted_cert, ca->untrusted_pos[0], out);
	}
	for (i = 0; i < c->nowns; i++)
		here_own_doubts(c, &c->owns[i], out);
	for (i = 0; i < c->nrules; i++)
		here_own_doubts(c, &c->rules[i].client, out);
	for (i = 0; i < c->nsensors; i++) {
		own = sensor_own(&c->sensors[i]);
		here_own_doubts(c, &own, out);
	}
}

int
here_load(const char *path, struct conf **out, struct text *errors)
{
	int rv = conf_load(path, out, errors);

	if (rv != 0)
		return rv;
	here_check(*out, errors);
	if (errors->len == 0)
		return 0;
	conf_unref(*out);
	*out = NULL;
	return ERR_USAGE;
}
