/*
 * The answer to OPTIONS, with the untidiness of servers in the field: commas
 * astray, numbers that are none, no ISTag.
 */
#include "codec/icap_options.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

static void
read_flags(struct icap_options *o, const struct icap_head *m)
{
	static const struct {
		const char	*name, *token;
		unsigned	 flag;
	} known[] = {
		{ "methods", "reqmod", ICAP_OPT_REQMOD },
		{ "methods", "respmod", ICAP_OPT_RESPMOD },
		{ "allow", "204", ICAP_OPT_204 },
		{ "allow", "206", ICAP_OPT_206 }
	};
	size_t i;

	for (i = 0; i < NELEM(known); i++)
		if (http_field_lists(m->h, m->n, known[i].name,
		    known[i].token))
			o->flags |= known[i].flag;
}

/* A number not below least; -1 if it did not come, or is of no use. */
static int64_t
number(const struct icap_head *m, const char *name, int64_t least)
{
	struct slice v = icap_value(m, name);
	int64_t n;

	return v.p != NULL && slice_number(v, &n) == 0 && n >= least ? n : -1;
}

/* All fields of that name as one list. */
static char *
joined(const struct icap_head *m, const char *name)
{
	struct text t = { NULL, 0, 0 };
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (!slice_is(m->h[i].name, name))
			continue;
		if (t.len > 0)
			text_add(&t, ",", 1);
		text_add(&t, m->h[i].value.p, m->h[i].value.len);
	}
	return text_take(&t);
}

static int
in_list(const char *list, const char *token)
{
	return slice_lists(slice_of(list, strlen(list)), token);
}

static void
read_transfer(struct icap_options *o, const struct icap_head *m)
{
	static const char *const names[] = {
		[ICAP_PREVIEW] = "transfer-preview",
		[ICAP_COMPLETE] = "transfer-complete",
		[ICAP_IGNORE] = "transfer-ignore"
	};
	size_t i;

	o->otherwise = ICAP_COMPLETE;
	for (i = NELEM(names); i-- > 0; ) {
		o->transfer[i] = joined(m, names[i]);
		if (o->transfer[i][0] != '\0')
			o->flags |= ICAP_OPT_TRANSFER;
		if (in_list(o->transfer[i], "*"))
			o->otherwise = (enum icap_transfer)i;
	}
}

int
icap_options_read(struct icap_options *o, const struct icap_head *m)
{
	memset(o, 0, sizeof(*o));
	read_flags(o, m);
	if (!(o->flags & (ICAP_OPT_REQMOD | ICAP_OPT_RESPMOD))) {
		memset(o, 0, sizeof(*o));
		return ERR_FORMAT;
	}
	o->preview = number(m, "preview", 0);
	o->ttl = number(m, "options-ttl", 0);
	o->max_connections = number(m, "max-connections", 1);
	o->istag = xstrndup(m->istag.len > 0 ? m->istag.p : "", m->istag.len);
	o->service = joined(m, "service");
	read_transfer(o, m);
	return 0;
}

void
icap_options_free(struct icap_options *o)
{
	size_t i;

	free(o->istag);
	free(o->service);
	for (i = 0; i < NELEM(o->transfer); i++)
		free(o->transfer[i]);
	memset(o, 0, sizeof(*o));
}

/* The extension of the last segment; empty if there is none. */
static struct slice
extension(struct slice path)
{
	size_t i, end;

	for (end = 0; end < path.len && path.p[end] != '?' &&
	    path.p[end] != '#'; end++)
		;
	for (i = end; i > 0 && path.p[i - 1] != '/'; i--)
		if (path.p[i - 1] == '.')
			return slice_of(path.p + i, end - i);
	return slice_of("", 0);
}

enum icap_transfer
icap_transfer(const struct icap_options *o, struct slice path)
{
	struct slice ext = extension(path);
	char text[32];
	size_t i;

	if (ext.len == 0 || ext.len >= sizeof(text))
		return o->otherwise;
	memcpy(text, ext.p, ext.len);
	text[ext.len] = '\0';
	for (i = ICAP_PREVIEW; i <= ICAP_IGNORE; i++)
		if (o->transfer[i] != NULL && in_list(o->transfer[i], text))
			return (enum icap_transfer)i;
	return o->otherwise;
}
