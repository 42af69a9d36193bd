/*
 * Converts a service to JSON with the keys of clearspan.yaml(5), and back. JSON
 * is YAML, so the reader of the configuration accepts it.
 */
#include "admin/icapcheck.h"

#include <stdlib.h>

#include "util/text.h"

static json_t *
servers_pack(const struct conf_icap_url *v, size_t n)
{
	json_t *all = json_array();
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
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(s->name));
	if (s->nreqmod > 0)
		json_object_set_new(o, "reqmod",
		    servers_pack(s->reqmod, s->nreqmod));
	if (s->nrespmod > 0)
		json_object_set_new(o, "respmod",
		    servers_pack(s->respmod, s->nrespmod));
	json_object_set_new(o, "preview", preview_pack(s->preview));
	json_object_set_new(o, "timeout", json_pack("{s:o,s:o,s:o}",
	    "connect", ms_pack(s->connect_timeout),
	    "first-byte", ms_pack(s->first_byte_timeout),
	    "idle", ms_pack(s->idle_timeout)));
	json_object_set_new(o, "options", json_boolean(s->options));
	json_object_set_new(o, "allow-204", json_boolean(s->allow_204));
	if (s->trust != NULL)
		json_object_set_new(o, "trust", json_string(s->trust));
	if (s->auth != NULL)
		json_object_set_new(o, "auth", json_string(s->auth));
	json_object_set_new(o, "headers", list_pack(&s->headers));
	json_object_set_new(o, "echo-headers", list_pack(&s->echo));
	return o;
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
