/*
 * Prefixes with bits set behind their length, as in 10.0.0.7/8: all of
 * 10.0.0.0/8 is meant by that here, and perhaps not by who wrote it.
 */
#include <string.h>

#include "conf/keys.h"

static void
hostbits_tell(const char *file, struct conf_pos pos, const char *where,
    const struct prefix *p, struct text *out)
{
	struct prefix net = *p;
	struct addr is, means;
	char a[ADDR_STRLEN], b[ADDR_STRLEN];

	prefix_mask(&net);
	if (memcmp(net.ip, p->ip, sizeof(net.ip)) == 0)
		return;
	is = prefix_addr(p, 0);
	means = prefix_addr(&net, 0);
	addr_ip_str(&is, a);
	addr_ip_str(&means, b);
	text_printf(out, "%s:%u:%u: warning: %s%s/%u has bits behind its "
	    "length and means %s/%u; write that, or %s for the one address\n",
	    file, pos.line, pos.column, where, a, p->bits, b, p->bits, a);
}

static void
hostbits_texts(const struct conf *c, const struct conf_rule *r,
    const struct conf_list *l, const char *where, struct text *out)
{
	struct prefix p;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (prefix_parse(&p, l->v[i]) == 0)
			hostbits_tell(c->path, r->pos, where, &p, out);
}

void
hostbits_warnings(const struct conf *c, struct text *out)
{
	const struct conf_named_list *l;
	const struct conf_rule *r;
	size_t i;

	for (i = 0; i < c->nrules; i++) {
		r = &c->rules[i];
		hostbits_texts(c, r, &r->match.client, "client: ", out);
		hostbits_texts(c, r, &r->match.server, "server: ", out);
		hostbits_texts(c, r, &r->except.client, "client: ", out);
		hostbits_texts(c, r, &r->except.server, "server: ", out);
	}
	for (i = 0; i < c->nlists; i++) {
		l = &c->lists[i];
		if (l->odd.line != 0)	/* the first; it is told by its line */
			hostbits_tell(l->path, l->odd, "", &l->odd_prefix,
			    out);
	}
}
