/*
 * The verb lease.
 */
#include "admin/leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/say.h"
#include "admin/span.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"
#include "verdict/leased.h"

#define LEASE_SPAN	86400	/* s, of one without a time */

static json_t *
row(const struct lease *l, uint64_t now)
{
	char s[ADDR_STRLEN], m[ADDR_STRLEN];

	return json_pack("{s:s,s:s,s:s,s:I}", "address",
	    addr_ip_str(&l->addr, s), "mac", mac_str(l->mac, m), "name",
	    l->name, "left", l->end > now ?
	    (json_int_t)((l->end - now) / 1000) : 0);
}

static json_t *
verb_list(struct quarantine *q)
{
	json_t *rows = json_array();
	struct lease *v;
	size_t i, n;

	v = leases_list(q->leases, NULL, &n);
	for (i = 0; i < n; i++)
		json_array_append_new(rows, row(&v[i], clock_ms()));
	free(v);
	return json_pack("{s:o}", "leases", rows);
}

/* NAME and FOR: either may be missing. Without a name the host keeps what it
 * has. */
static int
more_read(struct lease *l, const char *name, const char *span)
{
	unsigned long s = LEASE_SPAN;

	if (name != NULL && span == NULL && span_read(name) > 0) {
		span = name;
		name = NULL;
	}
	if (span != NULL && (s = span_read(span)) == 0)
		return ERR_FORMAT;
	if (name != NULL)
		l->name[0] = '\0';
	if (name != NULL && strcmp(name, "-") != 0 &&
	    strlen(name) < sizeof(l->name))
		memcpy(l->name, name, strlen(name) + 1);
	l->until = clock_wall().tv_sec + (int64_t)s;
	l->end = clock_ms() + s * 1000;
	return 0;
}

static json_t *
verb_add(struct quarantine *q, const char *addr, const char *mac,
    const char *name, const char *span)
{
	struct lease l = { 0 };

	if (addr == NULL || mac == NULL || addr_parse_ip(&l.addr, addr) != 0 ||
	    mac_parse(l.mac, mac) != 0)
		return say_wrong("lease add takes an address and a MAC "
		    "address, and perhaps the host's name and a time (30m, "
		    "8h)");
	leases_name(q->leases, l.mac, l.name);
	if (more_read(&l, name, span) != 0)
		return say_wrong(SPAN_HINT);
	if (leased_put(q, &l, clock_wall().tv_sec, clock_ms()) != 0)
		return say_wrong("there are too many leases");
	return json_pack("{s:o}", "lease", row(&l, clock_ms()));
}

static json_t *
verb_del(struct quarantine *q, const char *addr, const char *mac)
{
	uint8_t m[MAC_LEN];
	struct addr a = { 0 };

	if (addr == NULL || addr_parse_ip(&a, addr) != 0 || (mac != NULL &&
	    mac_parse(m, mac) != 0))
		return say_wrong("lease del takes an address, and perhaps the "
		    "MAC address that must have had it");
	if (leased_del(q, &a, mac != NULL ? m : NULL) != 0)
		return say_wrong("there is no such lease: see lease list");
	return json_pack("{s:s}", "deleted", addr);
}

json_t *
leases_verb(struct quarantine *q, const char *words)
{
	char *copy = xstrdup(words), *save = NULL, *w[6] = { NULL };
	json_t *o;
	size_t i;

	w[0] = strtok_r(copy, " \t", &save);
	for (i = 1; i < NELEM(w) && w[i - 1] != NULL; i++)
		w[i] = strtok_r(NULL, " \t", &save);
	if (w[0] == NULL || (strcmp(w[0], "list") == 0 && w[1] == NULL))
		o = verb_list(q);
	else if (strcmp(w[0], "add") == 0 && w[5] == NULL)
		o = verb_add(q, w[1], w[2], w[3], w[4]);
	else if (strcmp(w[0], "del") == 0 && w[3] == NULL)
		o = verb_del(q, w[1], w[2]);
	else
		o = say_wrong("lease takes list, add ADDRESS MAC [NAME] [FOR] "
		    "or del ADDRESS [MAC]");
	free(copy);
	return o;
}
