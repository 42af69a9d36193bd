/*
 * MAC addresses of clients.
 */
#include "policy/mac.h"

#include <string.h>

#include "util/mem.h"

struct mac_pattern *
mac_init(const struct conf_list *of)
{
	struct mac_pattern *p = xcalloc(of->n, sizeof(*p));
	size_t i;

	for (i = 0; i < of->n; i++)
		mac_pattern_parse(&p[i], of->v[i], (unsigned)strlen(of->v[i]));
	return p;
}

int
mac_holds(const struct match *m, struct view *v)
{
	size_t i;

	for (i = 0; v->f->mac_known && i < m->conf->mac.n; i++)
		if (memcmp(m->macs[i].mac, v->f->mac, m->macs[i].bytes) == 0)
			return 1;
	return 0;
}

int
mac_fact(const struct facts *f, struct text *t)
{
	char s[MAC_STRLEN];

	if (f->mac_known)
		text_puts(t, mac_str(f->mac, s));
	return f->mac_known;
}
