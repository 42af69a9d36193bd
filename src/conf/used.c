/*
 * What of a configuration is in use: how long its longest chain is, and which
 * devices and chains nothing uses.
 */
#include "conf/keys.h"

size_t
conf_hops(const struct conf *c)
{
	size_t i, most = 0;

	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].chain != NULL &&
		    c->rules[i].chain->nslots > most)
			most = c->rules[i].chain->nslots;
	return most;
}

static int
chain_has(const struct conf_chain *ch, const struct conf_device *d)
{
	size_t i, k;

	for (i = 0; i < ch->nslots; i++)
		for (k = 0; k < ch->slots[i].ndevices; k++)
			if (ch->slots[i].devices[k] == d)
				return 1;
	return 0;
}

static void
unused(const struct conf *c, const struct conf_pos *pos, const char *what,
    const char *name, const char *where, struct text *out)
{
	text_printf(out, "%s:%u:%u: warning: no %s uses the %s \"%s\"; nothing "
	    "goes through it\n", c->path, pos->line, pos->column, where, what,
	    name);
}

void
chain_warnings(const struct conf *c, struct text *out)
{
	size_t i, k;

	for (i = 0; i < c->ndevices; i++) {
		for (k = 0; k < c->nchains; k++)
			if (chain_has(&c->chains[k], &c->devices[i]))
				break;
		if (k == c->nchains)
			unused(c, &c->devices[i].pos, "device",
			    c->devices[i].name, "chain", out);
	}
	for (i = 0; i < c->nchains; i++) {
		for (k = 0; k < c->nrules; k++)
			if (c->rules[k].chain == &c->chains[i])
				break;
		if (k == c->nrules)
			unused(c, &c->chains[i].pos, "chain",
			    c->chains[i].name, "rule", out);
	}
}
