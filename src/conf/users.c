/*
 * The key authentication of a listener, and files of users.
 */
#include "conf/users.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "codec/basic.h"
#include "codec/slice.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "util/err.h"
#include "util/mem.h"

#define USERS_FILE_MAX	((size_t)16 << 20)
#define HASH_MAX	255
#define PROBLEMS_MAX	20		/* shown of one file */
#define ORDER		100000		/* behind the files of lists */

static const struct type type_users, type_realm;

static void	check_authentication(struct load *, yaml_node_t *, void *);

static const struct listof from_list = {
	sizeof(struct prefix), { NULL, &type_prefix }
};
#define F(member)	offsetof(struct conf_auth, member)
static const struct key auth_keys[] = {
	{ "users", &type_users, F(users) },
	{ "realm", &type_realm, F(realm), "clearspan", .max = 100 },
	{ "header", &type_field_name, F(header) },
	{ "from", &type_list, F(from), .arg = &from_list },
	{ NULL }
};
#undef F
const struct map map_auth = {
	"authentication", auth_keys, check_authentication
};

struct reader {
	struct load	*l;
	const char	*path;
	struct conf_users *users;
	size_t		 cap, told;
};

static void
user_bad(struct reader *r, unsigned line, size_t column, const char *what)
{
	struct conf_pos pos = { line, (unsigned)column };

	if (r->told++ < PROBLEMS_MAX)
		problem_add(&r->l->problems, r->path, ORDER, pos, "%s", what);
}

/* Why crypt(3) should not be asked, or NULL. */
static const char *
hash_wrong(const char *hash)
{
	static const char bcrypt[] = "make it with \"htpasswd -B\" (bcrypt)";
	static char why[160];
	const char *what = NULL;

	if (strncmp(hash, "$apr1$", 6) == 0)
		what = "Apache's own MD5 is not taken";
	else if (hash[0] == '{')
		what = "{SHA} and its like are not taken";
	else if (hash[0] != '$' || strlen(hash) > HASH_MAX ||
	    crypt_checksalt(hash) == CRYPT_SALT_INVALID)
		what = "this is no hash of a password";
	if (what == NULL)
		return NULL;
	snprintf(why, sizeof(why), "%s; %s", what, bcrypt);
	return why;
}

static void
user_line(struct reader *r, struct slice s, unsigned line)
{
	struct conf_users *users = r->users;
	struct conf_user *u;
	struct slice name;
	const char *wrong;

	if (s.len > 0 && s.p[s.len - 1] == '\r')
		s.len--;
	if (s.len == 0 || s.p[0] == '#')
		return;
	if (!slice_cut(&s, ':', &name) || !basic_name_valid(name.p, name.len)) {
		user_bad(r, line, 1, "this is no user; write NAME:HASH, as "
		    "\"htpasswd -B\" does");
		return;
	}
	if (users->n == r->cap) {
		r->cap = r->cap == 0 ? 16 : 2 * r->cap;
		users->v = xrealloc(users->v, r->cap * sizeof(*users->v));
	}
	u = &users->v[users->n++];
	u->name = xstrndup(name.p, name.len);
	u->hash = xstrndup(s.p, s.len);
	if ((wrong = hash_wrong(u->hash)) != NULL)
		user_bad(r, line, name.len + 2, wrong);
}

static int
user_order(const void *a, const void *b)
{
	const struct conf_user *u = a, *v = b;

	return strcmp(u->name, v->name);
}

const struct conf_user *
conf_users_find(const struct conf_users *users, const char *name)
{
	struct conf_user key = { (char *)(uintptr_t)name, NULL };

	return users->n == 0 ? NULL : bsearch(&key, users->v, users->n,
	    sizeof(key), user_order);
}

static void
users_read(struct reader *r, yaml_node_t *n, struct slice s)
{
	struct slice line;
	unsigned number = 0;
	size_t i;

	while (slice_cut(&s, '\n', &line))
		user_line(r, line, ++number);
	user_line(r, s, ++number);
	if (r->users->n == 0) {
		load_problem(r->l, n, "\"%.256s\" has no users; make one with "
		    "\"htpasswd -B -c FILE NAME\"", r->path);
		return;
	}
	qsort(r->users->v, r->users->n, sizeof(*r->users->v), user_order);
	for (i = 1; i < r->users->n; i++)
		if (strcmp(r->users->v[i - 1].name, r->users->v[i].name) == 0)
			load_problem(r->l, n, "\"%.256s\" has the user "
			    "\"%.64s\" twice; take one out", r->path,
			    r->users->v[i].name);
}

static void
users_set(struct load *l, const struct key *k, yaml_node_t *n, void *field)
{
	struct reader r = { .l = l, .users = field };
	struct text t = { 0 };
	int rv;

	if ((r.path = node_text(l, k->name, n)) == NULL)
		return;
	load_file(l, r.path);
	if (l->world->read == NULL)
		return;
	if ((rv = l->world->read(r.path, USERS_FILE_MAX, &t)) != 0)
		load_problem(l, n, "cannot read \"%.256s\": %s; make it with "
		    "\"htpasswd -B -c FILE NAME\"", r.path, err_str(rv));
	else
		users_read(&r, n, slice_of(t.s, t.len));
	text_free(&t);
}

static void
users_drop(const struct key *k, void *field)
{
	struct conf_users *users = field;
	size_t i;

	for (i = 0; i < users->n; i++) {
		free(users->v[i].name);
		free(users->v[i].hash);
	}
	free(users->v);
	memset(users, 0, sizeof(*users));
}

static int
users_same(const struct key *k, const void *a, const void *b)
{
	const struct conf_users *u = a, *w = b;
	size_t i;

	for (i = 0; i < u->n && i < w->n; i++)
		if (strcmp(u->v[i].name, w->v[i].name) != 0 ||
		    strcmp(u->v[i].hash, w->v[i].hash) != 0)
			break;
	return i == u->n && i == w->n;
}

static int
realm_parse(struct load *l, const struct key *k, const char *s, void *field,
    struct text *why)
{
	const char *p;

	for (p = s; *p >= ' ' && *p < 0x7f && *p != '"' && *p != '\\'; p++)
		continue;
	if (*p != '\0' || p == s || (uint64_t)(p - s) > k->max) {
		text_printf(why, "\"%s\" is shown to people who are asked for "
		    "their password; write up to 100 characters of ASCII, "
		    "without quotes", k->name);
		return ERR_FORMAT;
	}
	*(char **)field = xstrdup(s);
	return 0;
}

static void
check_authentication(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_auth *a = item;
	int header = node_get(l, n, "header") != NULL;
	int from = node_get(l, n, "from") != NULL;

	a->given = 1;
	if (node_get(l, n, "users") == NULL && !header)
		load_problem(l, n, "\"authentication\" needs \"users\", the "
		    "file of users; or \"header\" and \"from\"");
	if (header != from)
		load_problem(l, n, "\"header\" and \"from\" go together: the "
		    "field that has the user, and who may send it");
}

static const struct type type_users = {
	NULL, users_set, users_drop, .same = users_same
};
static const struct type type_realm = { realm_parse, NULL, text_drop };
