/*
 * The table of bypasses as an operator sees it.
 */
#include "admin/learned.h"

#include <string.h>

#include "admin/say.h"
#include "admin/span.h"
#include "conf/pattern.h"
#include "proxy/bypasses.h"
#include "sink/eve.h"

static void
row_json(void *arg, const struct bypass_row *r)
{
	json_t *o;
	char to[ADDR_STRLEN];

	o = json_pack("{s:o,s:s,s:s,s:I,s:I,s:I}", "site", eve_string(r->site),
	    "reason", bypasses_why(r->what), "state", r->active ? "bypass" :
	    "counting", "failures", (json_int_t)r->failures, "clients",
	    (json_int_t)r->clients, "left", (json_int_t)(r->left / 1000));
	if (r->ja4[0] != '\0')
		json_object_set_new(o, "ja4", eve_string(r->ja4));
	if (r->server->sa.sa_family != AF_UNSPEC)
		json_object_set_new(o, "server", json_string(
		    addr_str(r->server, to)));
	if (r->active && r->what != UNDECRYPTED_EXEMPT)
		json_object_set_new(o, "probe",
		    json_integer((json_int_t)(r->probe / 1000)));
	json_array_append_new(arg, o);
}

json_t *
learned_json(struct bypasses *b)
{
	json_t *rows = json_array();

	bypasses_each(b, row_json, rows);
	return json_pack("{s:o}", "learned", rows);
}

/* A name or an address, as sessions have it. */
static int
site_canon(char out[PATTERN_MAX + 1], const char *s)
{
	struct addr a;
	char ip[ADDR_STRLEN];

	if (addr_parse_ip(&a, s) != 0)
		return name_canon(out, s, strlen(s)) > 0;
	strcpy(out, addr_ip_str(&a, ip));
	return 1;
}

json_t *
learned_clear(struct bypasses *b, const char *word, int exempt_only)
{
	char site[PATTERN_MAX + 1];

	if (!site_canon(site, word))
		return say_wrong("a site is a name or an address");
	return json_pack("{s:I}", "cleared", (json_int_t)bypasses_clear(b,
	    site, exempt_only));
}

json_t *
learned_exempt(struct bypasses *b, const char *word, const char *time)
{
	char site[PATTERN_MAX + 1];
	unsigned long s = span_read(time);

	if (!site_canon(site, word))
		return say_wrong("a site is a name or an address");
	if (s == 0)
		return say_wrong(SPAN_HINT);
	if (bypasses_exempt(b, site, (uint64_t)s * 1000) != 0)
		return say_wrong("too many sites are exempt; clear one");
	return json_pack("{s:s,s:I}", "exempt", site, "for", (json_int_t)s);
}
