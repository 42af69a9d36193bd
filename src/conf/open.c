/*
 * Lists of prefixes: the default of `allow`, which is this host and the private
 * nets, and who is inside. And the warning that others may read decrypted
 * traffic.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "util/mem.h"

#define LIFETIME_BROWSERS	((uint64_t)200 * 86400 * 1000)

/* Loopback and the private and link-local nets. */
static const char *const nets[] = { "127.0.0.0/8", "10.0.0.0/8",
    "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1",
    "fc00::/7", "fe80::/10" };

void
allow_default(struct conf_prefixes *allow)
{
	size_t i;

	allow->v = xcalloc(NELEM(nets), sizeof(*allow->v));
	allow->n = NELEM(nets);
	for (i = 0; i < NELEM(nets); i++)
		if (prefix_parse(&allow->v[i], nets[i]) != 0)
			abort();
}

int
conf_prefixes_have(const struct conf_prefixes *l, const struct addr *a)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (prefix_has(&l->v[i], a))
			return 1;
	return 0;
}

int
conf_from_outside(const struct conf *c, const struct addr *client,
    const struct addr *server)
{
	return conf_prefixes_have(&c->inside, server) &&
	    !conf_prefixes_have(&c->inside, client);
}

/* Whether all addresses of p are in the private nets. */
static int
prefix_is_private(const struct prefix *p)
{
	struct addr a = prefix_addr(p, 0);
	struct prefix net;
	size_t i;

	for (i = 0; i < NELEM(nets); i++)
		if (prefix_parse(&net, nets[i]) == 0 && net.bits <= p->bits &&
		    prefix_has(&net, &a))
			return 1;
	return 0;
}

static int
addr_is_private(const struct addr *a)
{
	struct prefix p = { .family = (uint8_t)a->sa.sa_family };
	size_t len;
	const uint8_t *ip = addr_ip(a, &len);

	memcpy(p.ip, ip, len);
	p.bits = (uint8_t)(len * 8);
	return prefix_is_private(&p);
}

int
conf_mirror_open(const struct conf_mirror *m, struct text *why)
{
	char name[ADDR_STRLEN];
	size_t i;
	int wide = 0;

	if (m->kind != MIRROR_PCAPIP || addr_is_private(&m->listen))
		return 0;
	for (i = 0; i < m->allow.n; i++)
		wide |= !prefix_is_private(&m->allow.v[i]);
	if (m->allow_given && !wide)
		return 0;
	text_printf(why, "PCAP-over-IP on %s, which is not a private address: "
	    "%s may read all that is decrypted, and it goes there in the "
	    "clear; listen on 127.0.0.1, or name the readers in \"allow\" of "
	    "the mirror \"%s\"", addr_str(&m->listen, name), wide ?
	    "others than private nets" : "every host of the private nets",
	    m->name);
	return 1;
}

void
conf_warnings(const struct conf *c, struct text *out)
{
	struct text why = { 0 };
	size_t i;

	for (i = 0; i < c->nmirrors; i++) {
		text_clear(&why);
		if (conf_mirror_open(&c->mirrors[i], &why))
			text_printf(out, "%s:%u:%u: warning: %s\n", c->path,
			    c->mirrors[i].pos.line, c->mirrors[i].pos.column,
			    why.s);
	}
	text_free(&why);
	if (c->forge_lifetime > LIFETIME_BROWSERS)
		text_printf(out, "%s:%u:%u: warning: Chromium refuses "
		    "certificates of more than 200 days\n", c->path,
		    c->pos.lifetime.line, c->pos.lifetime.column);
	chain_warnings(c, out);
	hostbits_warnings(c, out);
	text_puts(out, c->odd_feeds.s != NULL ? c->odd_feeds.s : "");
}
