/*
 * Rows by client become rows by endpoint.
 */
#include "admin/usage.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/contained.h"
#include "admin/tags.h"
#include "net/neighbours.h"
#include "util/clock.h"
#include "verdict/quarantine.h"

/* What is known of an endpoint by one of its addresses. */
static json_t *
endpoint_json(const struct admin_env *e, const struct endpoint *who)
{
	const uint8_t *mac = who->by_mac ? who->mac : NULL;
	struct contained *c = contain_ask(e->quarantine->contain, &who->addr,
	    mac, clock_ms());
	char *names = contain_names(e->quarantine->tags, &who->addr, mac,
	    clock_ms());
	char s[ADDR_STRLEN], m[MAC_STRLEN];
	json_t *o;

	o = json_pack("{s:s,s:s?,s:[],s:o,s:o,s:i,s:i,s:i,s:[],s:[]}",
	    "endpoint", endpoint_str(who, s), "mac", mac != NULL ?
	    mac_str(mac, m) : NULL, "addresses", "tags",
	    tags_words(names), "quarantine", c != NULL ?
	    contained_row(c, "profile") : json_null(), "sessions", 0,
	    "toserver", 0, "toclient", 0, "applications", "devices");
	contained_unref(c);
	free(names);
	return o;
}

static void
add(json_t *to, const json_t *from, const char *key)
{
	json_object_set_new(to, key, json_integer(
	    json_integer_value(json_object_get(to, key)) +
	    json_integer_value(json_object_get(from, key))));
}

static void
add_counts(json_t *to, const json_t *from)
{
	add(to, from, "sessions");
	add(to, from, "toserver");
	add(to, from, "toclient");
}

/* The endpoint that has this address. by: from an endpoint's text to it. */
static json_t *
endpoint_of(const struct admin_env *e, json_t *by, const char *ip)
{
	struct endpoint who = { .by_mac = 0 };
	char s[ADDR_STRLEN];
	json_t *o;

	if (addr_parse_ip(&who.addr, ip) != 0)
		return NULL;
	quarantine_identify(e->quarantine, &who);
	endpoint_str(&who, s);
	if ((o = json_object_get(by, s)) == NULL) {
		o = endpoint_json(e, &who);
		json_object_set_new(by, s, o);
	}
	return o;
}

/* Rows of applications or devices go to their endpoints. */
static void
add_shares(json_t *of_client, const json_t *rows, const char *into,
    const char *key)
{
	json_t *o, *all, *row, *one = NULL;
	size_t i, k;

	json_array_foreach(rows, i, row) {
		o = json_object_get(of_client, json_string_value(
		    json_object_get(row, "client")));
		all = json_object_get(o, into);
		json_array_foreach(all, k, one)
			if (json_equal(json_object_get(one, key),
			    json_object_get(row, key)))
				break;
		if (o != NULL && k < json_array_size(all)) {
			add_counts(one, row);
		} else if (o != NULL) {
			json_object_del(row, "client");
			json_array_append(all, row);
		}
	}
}

json_t *
usage_json(const struct admin_env *e, struct top *t, uint64_t now)
{
	json_t *by = json_object(), *of_client = json_object(), *o, *row, *rows;
	json_t *all = json_array();
	const char *ip;
	size_t i;

	rows = top_json(t, TOP_CLIENT, now, SIZE_MAX);
	json_array_foreach(rows, i, row) {
		ip = json_string_value(json_object_get(row, "client"));
		if ((o = endpoint_of(e, by, ip)) == NULL)
			continue;
		add_counts(o, row);
		json_array_append_new(json_object_get(o, "addresses"),
		    json_string(ip));
		json_object_set(of_client, ip, o);
	}
	json_decref(rows);
	rows = top_json(t, TOP_APP, now, SIZE_MAX);
	add_shares(of_client, rows, "applications", "app_proto");
	json_decref(rows);
	rows = top_json(t, TOP_DEVICE, now, SIZE_MAX);
	add_shares(of_client, rows, "devices", "device");
	json_decref(rows);
	json_object_foreach(by, ip, o)
		json_array_append(all, o);
	json_decref(by);
	json_decref(of_client);
	return json_pack("{s:o}", "endpoints", all);
}

json_t *
usage_endpoint(const struct admin_env *e, const char *who)
{
	struct endpoint id;
	char ip[ADDR_STRLEN];
	json_t *o;

	if (endpoint_parse(&id, who) != 0)
		return NULL;
	quarantine_identify(e->quarantine, &id);
	o = endpoint_json(e, &id);
	if (id.addr.sa.sa_family != AF_UNSPEC)
		json_array_append_new(json_object_get(o, "addresses"),
		    json_string(addr_ip_str(&id.addr, ip)));
	return o;
}
