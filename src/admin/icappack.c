/*
 * Converts a service to JSON with the keys of clearspan.yaml(5), and back. JSON
 * is YAML, so the reader of the configuration accepts it.
 */
#include "admin/icapcheck.h"

#include <stdlib.h>

#include "util/text.h"

/* NULL: there are none. */
static json_t *
servers_pack(const struct conf_icap_url *v, size_t n)
{
	json_t *all = n > 0 ? json_array() : NULL;
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(all, json_pack("{s:s,s:i,s:i}", "url",
		    v[i].url, "weight", (int)v[i].weight, "tier",
		    (int)v[i].tier));
	return all;
}

static json_t *
list_pack(const struct conf_list *l)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < l->n; i++)
		json_array_append_new(all, json_string(l->v[i]));
	return all;
}

static json_t *
ms_pack(uint64_t ms)
{
	return json_sprintf("%llums", (unsigned long long)ms);
}

static json_t *
preview_pack(int64_t preview)
{
	if (preview == ICAP_PREVIEW_AUTO)
		return json_string("auto");
	if (preview == ICAP_PREVIEW_OFF)
		return json_string("off");
	return json_integer(preview);
}

json_t *
icapcheck_pack(const struct conf_icap *s)
{
	return json_pack("{s:s,s:o*,s:o*,s:o,s:{s:o,s:o,s:o},s:b,s:b,s:s*,"
	    "s:s*,s:o,s:o}", "name", s->name,
	    "reqmod", servers_pack(s->reqmod, s->nreqmod),
	    "respmod", servers_pack(s->respmod, s->nrespmod),
	    "preview", preview_pack(s->preview), "timeout",
	    "connect", ms_pack(s->connect_timeout),
	    "first-byte", ms_pack(s->first_byte_timeout),
	    "idle", ms_pack(s->idle_timeout),
	    "options", s->options, "allow-204", s->allow_204,
	    "trust", s->trust, "auth", s->auth,
	    "headers", list_pack(&s->headers),
	    "echo-headers", list_pack(&s->echo));
}

struct conf *
icapcheck_unpack(const json_t *o)
{
	struct text yaml = { 0 }, errors = { 0 };
	struct conf *c = NULL;
	char *s;

	if ((s = json_dumps(o, 0)) == NULL)
		return NULL;
	text_printf(&yaml, "listen: [{name: none, mode: explicit, "
	    "address: \"127.0.0.1:1\"}]\nicap: [%s]\n", s);
	conf_parse_in(&conf_world_none, "service", yaml.s, yaml.len, &c,
	    &errors);
	free(s);
	text_free(&yaml);
	text_free(&errors);
	return c;
}
