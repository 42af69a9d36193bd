/*
 * What a line says of a server is written by its sender, and partly by whoever
 * is behind what it saw: a name in a hello may be any name. So what must not be
 * denied is asked in one place, and names are taken exactly.
 */
#include "verdict/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/denied.h"
#include "net/special.h"
#include "util/err.h"
#include "util/mem.h"

/* Fields that name a server, whatever the product; those of the second list
 * are written by the client, and an address there is none of a server. */
static const char *const said[] = { "cccaDestination", "peerIp" };
static const char *const claimed[] = { "tls.sni", "http.hostname", "quic.sni",
    "dns.rrname", "dns.query.rrname", "dns.queries.rrname" };
static const char *const ports[] = { "src_port", "dest_port", "spt", "dpt",
    "srcPort", "dstPort", "srcport", "dstport", "id.resp_p", "p" };

int
server_addr(const char *s, struct addr *a)
{
	return addr_parse_ip(a, s) == 0;
}

/* The host of "http://user@host:port/path", "host:port" or "[::1]:port". */
static char *
host_of(const char *s, int *url)
{
	const char *p = strstr(s, "://"), *at, *end;
	struct addr a;
	size_t n;

	*url = p != NULL || strchr(s, '/') != NULL;
	if (p != NULL)
		s = p + 3;
	if (addr_parse_ip(&a, s) == 0)
		return xstrdup(s);
	n = strcspn(s, "/?#");
	at = memrchr(s, '@', n);
	if (at != NULL) {
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	if (*s == '[' && (end = memchr(s, ']', n)) != NULL)
		return xstrndup(s + 1, (size_t)(end - s - 1));
	end = memchr(s, ':', n);
	return xstrndup(s, end != NULL ? (size_t)(end - s) : n);
}

/* A pattern of fewer labels would be of a whole top-level domain. */
static int
name_read(char out[SERVER_STRLEN], const char *s, int exact)
{
	char canon[PATTERN_MAX + 1];
	unsigned what;

	if ((exact ? name_canon(canon, s, strlen(s)) :
	    pattern_canon(canon, s, strlen(s), 0)) == 0 ||
	    strchr(pattern_name(canon, &what), '.') == NULL)
		return ERR_FORMAT;
	snprintf(out, SERVER_STRLEN, "%s%s", exact ? "=" : "", canon);
	return 0;
}

int
server_read(char out[SERVER_STRLEN], const char *s, int exact)
{
	struct addr a;
	int url, rv = 0;
	char *host = host_of(s, &url);

	if (addr_parse_ip(&a, host) == 0)
		addr_ip_str(&a, out);
	else
		rv = name_read(out, host, exact || url);
	free(host);
	return rv;
}

static void
servers_add(struct servers *v, const char *s, int name_only)
{
	char text[SERVER_STRLEN];
	struct addr a;
	size_t i;

	if (s == NULL || v->n == SERVERS_MAX || server_read(text, s, 1) != 0 ||
	    (name_only && server_addr(text, &a)))
		return;
	for (i = 0; i < v->n; i++)
		if (strcmp(v->v[i], text) == 0)
			return;
	memcpy(v->v[v->n++], text, strlen(text) + 1);
}

static int
is_dns(const struct fields *f)
{
	const char *s = fields_get(f, "app_proto");
	size_t i;

	if (s != NULL && strcasecmp(s, "dns") == 0)
		return 1;
	for (i = 0; i < NELEM(ports); i++)
		if ((s = fields_get(f, ports[i])) != NULL &&
		    (strcmp(s, "53") == 0 || strcmp(s, "853") == 0 ||
		    strcmp(s, "5353") == 0))
			return 1;
	return 0;
}

void
servers_of(struct servers *v, const struct sighting *s,
    const struct endpoint *who)
{
	size_t i;
	int dns = is_dns(s->fields);

	v->n = 0;
	for (i = 0; i < NELEM(said); i++)
		servers_add(v, fields_get(s->fields, said[i]), dns && i > 0);
	servers_add(v, sighting_peer(s, who), dns);
	if (!dns)
		servers_add(v, sighting_other(s, who), 0);
	for (i = 0; i < NELEM(claimed); i++)
		servers_add(v, fields_get(s->fields, claimed[i]), 1);
}

/* Without `endpoints: inside` the private networks are. */
static int
addr_inside(const struct conf *c, const struct addr *a)
{
	return special_of(a) != SPECIAL_NONE || (c->inside.n > 0 ?
	    conf_prefixes_have(&c->inside, a) : special_inside(a));
}

int
server_may(const struct conf *c, const char *server, struct text *why)
{
	const char *never;
	struct addr a;

	if (server_addr(server, &a) && addr_inside(c, &a))
		text_puts(why, "it is inside (endpoints: inside)");
	else if ((never = conf_never_denied(c, server)) != NULL)
		text_printf(why, "it is never denied (%s)", never);
	return why->len == 0;
}
