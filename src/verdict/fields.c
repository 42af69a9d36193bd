/*
 * Lines to messages (in the process that reads sensors), and back.
 */
#include "verdict/fields.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/report.h"
#include "util/err.h"

#define DEPTH	4		/* of JSON that is looked at */
#define OURS	1		/* fields that fields_add() has room for */
#define OURS_BYTES 512

/* A text up to and with its NUL, or NULL. */
static const char *
next_text(const char **p, const char *end)
{
	const char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

	if (nul != NULL)
		*p = nul + 1;
	return nul != NULL ? s : NULL;
}

int
fields_read(struct fields *f, const void *message, size_t len)
{
	const char *p = message, *end = p + len;
	size_t i;

	memset(f, 0, sizeof(f->head) + sizeof(f->line) + sizeof(f->n));
	if (len < sizeof(f->head))
		return ERR_FORMAT;
	memcpy(&f->head, p, sizeof(f->head));
	p += sizeof(f->head);
	if (f->head.n > FIELDS_MAX || (f->line = next_text(&p, end)) == NULL)
		return ERR_FORMAT;
	for (i = 0; i < f->head.n; i++)
		if ((f->v[i].name = next_text(&p, end)) == NULL ||
		    (f->v[i].value = next_text(&p, end)) == NULL)
			return ERR_FORMAT;
	f->n = f->head.n;
	return p == end ? 0 : ERR_FORMAT;
}

const char *
fields_get(const struct fields *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcasecmp(f->v[i].name, name) == 0 &&
		    f->v[i].value[0] != '\0')
			return f->v[i].value;
	return NULL;
}

struct making {
	struct text	*t;
	uint32_t	 n;
};

/* A NUL within would end the text. */
static void
add_text(struct text *t, const char *s, size_t len)
{
	text_add(t, s, strnlen(s, len));
	text_add(t, "", 1);
}

static void
add(struct making *m, const char *name, size_t namelen, const char *value,
    size_t len)
{
	if (m->n == FIELDS_MAX - OURS || len == 0 || namelen == 0 ||
	    m->t->len + namelen + len + 2 > FIELDS_BYTES - OURS_BYTES)
		return;
	add_text(m->t, name, namelen);
	add_text(m->t, value, len);
	m->n++;
}

static void
add_slice(struct making *m, const char *name, struct slice s)
{
	add(m, name, strlen(name), s.p, s.len);
}

static void
add_json(struct making *m, const char *name, const json_t *v)
{
	char number[32];
	size_t n = 0;

	if (json_is_string(v)) {
		add(m, name, strlen(name), json_string_value(v),
		    json_string_length(v));
		return;
	}
	if (json_is_integer(v))
		n = (size_t)snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(v));
	else if (json_is_real(v))
		n = (size_t)snprintf(number, sizeof(number), "%.6g",
		    json_real_value(v));
	else if (json_is_boolean(v))
		n = (size_t)snprintf(number, sizeof(number), "%s",
		    json_is_true(v) ? "true" : "false");
	add(m, name, strlen(name), number, n);
}

/* The members of an object, and of those in it; of an array the first. */
static void
add_object(struct making *m, const char *prefix, json_t *o, int depth)
{
	const char *key;
	char name[256];
	json_t *v;
	int deeper;

	json_object_foreach(o, key, v) {
		if (depth == 0 && key[0] == '@')
			continue;	/* it is taken for none of ours */
		if (json_is_array(v))
			v = json_array_get(v, 0);
		deeper = json_is_object(v) && depth < DEPTH;
		if ((size_t)snprintf(name, sizeof(name), "%s%s%s", prefix,
		    key, deeper ? "." : "") >= sizeof(name))
			continue;
		if (deeper)
			add_object(m, name, v, depth + 1);
		else
			add_json(m, name, v);
	}
}

/* Suricata writes much that is no finding. */
static int
is_finding(const json_t *o)
{
	const char *type = json_string_value(json_object_get(o,
	    "event_type"));

	return type == NULL || strcmp(type, "alert") == 0;
}

static int
make_json(struct making *m, struct slice json, const char **why)
{
	json_t *o = json_loadb(json.p, json.len, JSON_DISABLE_EOF_CHECK |
	    JSON_ALLOW_NUL, NULL);
	int rv = 0;

	if (!json_is_object(o)) {
		*why = "it is no JSON object";
		rv = ERR_FORMAT;
	} else if (!is_finding(o)) {
		rv = ERR_NOTFOUND;
	} else {
		add_object(m, "", o, 0);
	}
	json_decref(o);
	return rv;
}

static void
make_report(struct making *m, const struct report *r)
{
	char name[256];
	size_t i;

	add_slice(m, "@host", r->host);
	add_slice(m, "@app", r->app);
	add_slice(m, "@vendor", r->vendor);
	add_slice(m, "@product", r->product);
	add_slice(m, "@id", r->id);
	add_slice(m, "@name", r->name);
	add_slice(m, "@severity", r->severity);
	for (i = 0; i < r->nfield; i++) {
		/* None can be taken for one of those above. */
		if (r->field[i].name.len >= sizeof(name) ||
		    r->field[i].name.p[0] == '@')
			continue;
		memcpy(name, r->field[i].name.p, r->field[i].name.len);
		add(m, name, r->field[i].name.len, r->field[i].value.p,
		    r->field[i].value.len);
	}
}

int
fields_make(struct text *t, uint32_t sensor, uint64_t at, char *line,
    size_t len, const char **why)
{
	struct fields_head head = { .sensor = sensor, .at = at };
	struct making m = { .t = t };
	static struct report r;
	int rv;

	text_clear(t);
	text_add(t, (const char *)&head, sizeof(head));
	add_text(t, line, len);
	if ((rv = report_parse(line, len, &r, why)) != 0)
		return ERR_FORMAT;
	if (r.dialect == REPORT_JSON)
		rv = make_json(&m, r.json, why);
	else
		make_report(&m, &r);
	head.n = m.n;
	memcpy(t->s, &head, sizeof(head));
	return rv;
}

void
fields_add(struct text *t, const char *name, const char *value)
{
	struct fields_head head;

	memcpy(&head, t->s, sizeof(head));
	if (head.n == FIELDS_MAX || t->len + strlen(name) + strlen(value) + 2 >
	    FIELDS_BYTES)
		return;
	add_text(t, name, strlen(name));
	add_text(t, value, strlen(value));
	head.n++;
	memcpy(t->s, &head, sizeof(head));
}
