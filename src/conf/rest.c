/*
 * The keys of a sensor with `listen`, and files of tokens.
 */
#include "conf/rest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "codec/slice.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "conf/verdicts.h"
#include "net/special.h"
#include "util/err.h"
#include "util/mem.h"

#define FILE_MAX	((size_t)1 << 20)
#define TOKENS		1000
#define NAME_MAX_	64		/* characters of a name */
#define PROBLEMS_MAX	20		/* shown of one file */
#define ORDER		100000		/* behind the files of lists */

const struct word conf_roles[] = {
	{ "sensor", ROLE_SENSOR }, { "viewer", ROLE_VIEWER },
	{ "operator", ROLE_OPERATOR }, { NULL }
};

const char *
conf_role_str(enum conf_role r)
{
	size_t i;

	for (i = 0; conf_roles[i].name != NULL; i++)
		if (conf_roles[i].value == (int)r)
			return conf_roles[i].name;
	return "nobody";
}

const struct conf_token *
conf_token_find(const struct conf_tokens *t, const char *text, size_t len)
{
	unsigned char want[SHA256_DIGEST_LENGTH], is[SHA256_DIGEST_LENGTH];
	const struct conf_token *found = NULL;
	size_t i;

	SHA256((const unsigned char *)text, len, want);
	for (i = 0; i < t->n; i++) {
		SHA256((const unsigned char *)t->v[i].token,
		    strlen(t->v[i].token), is);
		if (CRYPTO_memcmp(is, want, sizeof(is)) == 0)
			found = &t->v[i];
	}
	return found;
}

struct reader {
	struct load	*l;
	const char	*path;
	struct conf_tokens *tokens;
	unsigned	 line;
	size_t		 told;
};

static void
token_bad(struct reader *r, size_t column, const char *what)
{
	struct conf_pos pos = { r->line, (unsigned)column };

	if (r->told++ < PROBLEMS_MAX)
		problem_add(&r->l->problems, r->path, ORDER, pos, "%s", what);
}

static int
role_of(struct slice s)
{
	size_t i;

	for (i = 0; conf_roles[i].name != NULL; i++)
		if (slice_eq(s, conf_roles[i].name))
			return conf_roles[i].value;
	return 0;
}

/* What a header field can carry (RFC 6750, 2.1: b64token). */
static int
token_valid(struct slice s)
{
	static const char more[] = "-._~+/=";
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') &&
		    memchr(more, s.p[i], sizeof(more) - 1) == NULL)
			return 0;
	return s.len >= TOKEN_MIN && s.len <= TOKEN_MAX;
}

static int
token_twice(const struct conf_tokens *t, struct slice token)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (slice_eq(token, t->v[i].token))
			return 1;
	return 0;
}

static void
token_add(struct reader *r, struct slice name, int role, struct slice token)
{
	struct conf_tokens *t = r->tokens;
	struct conf_token *k;
	char *copy = xstrndup(name.p, name.len);
	size_t column = (size_t)(token.p - name.p) + 1;

	if (!token_valid(token))
		token_bad(r, column, "this is no token; write 16 to 256 "
		    "letters, digits and -._~+/= (openssl rand -hex 32 makes "
		    "one)");
	else if (token_twice(t, token))
		token_bad(r, column, "this token is here twice; give each "
		    "its own");
	else if (t->n == TOKENS)
		token_bad(r, 1, "more than 1000 tokens; take some out");
	else {
		t->v = xrealloc(t->v, (t->n + 1) * sizeof(*t->v));
		k = &t->v[t->n++];
		k->name = copy;
		k->role = (enum conf_role)role;
		k->token = xstrndup(token.p, token.len);
		return;
	}
	free(copy);
}

static void
token_line(struct reader *r, struct slice s)
{
	struct slice rest, name, word;
	int role;

	r->line++;
	s = rest = slice_trim(s);
	if (s.len > 0 && s.p[s.len - 1] == '\r')
		s.len = rest.len = s.len - 1;
	if (s.len == 0 || s.p[0] == '#')
		return;
	if (!slice_cut(&rest, ':', &name)) {
		/* Its name is that of the sensor. */
		token_add(r, slice_of(s.p, 0), ROLE_OPERATOR, s);
		return;
	}
	if (!slice_cut(&rest, ':', &word) || name.len == 0 ||
	    name.len > NAME_MAX_ || !slice_is_token(name)) {
		token_bad(r, 1, "this is no token; write NAME:ROLE:TOKEN, or "
		    "the token alone");
		return;
	}
	if ((role = role_of(word)) == 0)
		token_bad(r, name.len + 2, "there is no such role; write "
		    "sensor, viewer or operator");
	else
		token_add(r, name, role, rest);
}

static void
tokens_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct reader r = { .l = l, .tokens = field };
	struct text t = { 0 };
	struct slice s, line;
	int rv;

	if ((r.path = node_text(l, k->name, n)) == NULL)
		return;
	load_file(l, r.path);
	free(r.tokens->path);
	r.tokens->path = xstrdup(r.path);
	if (l->world->read == NULL)
		return;
	if ((rv = l->world->read(r.path, FILE_MAX, &t)) != 0) {
		load_problem(l, n, "cannot read \"%.256s\": %s; make it with "
		    "\"(umask 077; openssl rand -hex 32 >FILE)\"", r.path,
		    err_str(rv));
		return;
	}
	for (s = slice_of(t.s, t.len); slice_cut(&s, '\n', &line); )
		token_line(&r, line);
	token_line(&r, s);
	if (r.tokens->n == 0 && r.told == 0)
		load_problem(l, n, "\"%.256s\" has no tokens; make one with "
		    "\"openssl rand -hex 32\"", r.path);
	if (t.s != NULL)
		OPENSSL_cleanse(t.s, t.len);
	text_free(&t);
}

static void
tokens_drop(const struct key *k, void *field)
{
	struct conf_tokens *t = field;
	size_t i;

	for (i = 0; i < t->n; i++) {
		OPENSSL_cleanse(t->v[i].token, strlen(t->v[i].token));
		free(t->v[i].token);
		free(t->v[i].name);
	}
	free(t->v);
	free(t->path);
	memset(t, 0, sizeof(*t));
}

static int
tokens_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_tokens *t = a, *u = b;
	size_t i;

	for (i = 0; i < t->n && i < u->n; i++)
		if (strcmp(t->v[i].token, u->v[i].token) != 0 ||
		    strcmp(t->v[i].name, u->v[i].name) != 0 ||
		    t->v[i].role != u->v[i].role)
			break;
	return i == t->n && i == u->n;
}

const struct type type_tokens = {
	NULL, tokens_set, tokens_drop, .same = tokens_same
};

void
check_rest(struct load *l, yaml_node_t *n, struct conf_sensor *c)
{
	static const char *const tls[] = { "key", "client-ca", NULL };
	yaml_node_t *at = node_key(l, n, "listen");
	const char *files[] = { c->certificate, c->key, c->client_ca };
	const struct conf_sensor *other;
	size_t i;

	c->kind = SENSOR_REST;
	for (other = l->conf->sensors; other < c; other++)
		if (other->kind == SENSOR_REST &&
		    addr_eq(&other->address, &c->address))
			load_problem(l, at, "the sensor \"%s\" has this "
			    "address already", other->name != NULL ?
			    other->name : "?");
	for (i = 0; i < NELEM(files); i++)
		if (files[i] != NULL)
			load_file(l, files[i]);
	if (c->certificate != NULL && c->key == NULL)
		load_problem(l, node_key(l, n, "certificate"),
		    "\"certificate\" needs its \"key\"");
	if (c->certificate == NULL)
		check_unwanted(l, n, tls, "certificate");
	if (node_get(l, n, "token") == NULL && c->client_ca == NULL)
		load_problem(l, n, "anybody could quarantine anybody through "
		    "\"listen\"; give it \"token\", a file, or \"client-ca\"");
	if (c->certificate == NULL && !addr_is_any(&c->address) &&
	    special_of(&c->address) == SPECIAL_LOOPBACK)
		return;
	if (c->certificate == NULL)
		load_problem(l, at, "tokens would cross the network in the "
		    "clear; listen on 127.0.0.1, or give \"certificate\" and "
		    "\"key\"");
}
