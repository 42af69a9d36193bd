/*
 * The first address of the name, IPv6 before IPv4, to which there is a way.
 */
#include "verdict/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/dgram.h"
#include "net/names.h"
#include "util/err.h"
#include "util/mem.h"

struct reach {
	struct target	*target;
	struct names_ask *ask;
	int		 fd;		/* -1: none */
	reach_there	 there;
};

struct reach *
reach_new(struct target *t)
{
	struct reach *r = xcalloc(1, sizeof(*r));

	r->target = t;
	r->fd = -1;
	return r;
}

void
reach_again(struct reach *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

void
reach_free(struct reach *r)
{
	if (r == NULL)
		return;
	if (r->ask != NULL)
		names_cancel(r->ask);
	reach_again(r);
	free(r);
}

static int
connect_to(struct reach *r, struct addr a)
{
	addr_set_port(&a, r->target->conf->act.url.port);
	r->fd = dgram_connect(&a, NULL);
	if (r->fd < 0)
		r->fd = -1;
	return r->fd >= 0;
}

static void
told(void *arg, const struct names_found *f)
{
	struct reach *r = arg;
	size_t i;

	if (!f->done4 || !f->done6)
		return;
	r->ask = NULL;
	errno = 0;
	for (i = 0; i < f->n6 && r->fd < 0; i++)
		connect_to(r, f->v6[i]);
	for (i = 0; i < f->n4 && r->fd < 0; i++)
		connect_to(r, f->v4[i]);
	r->there(r->target, r->fd, f->n4 + f->n6 == 0 ? "name not found" :
	    strerror(errno));
}

void
reach(struct reach *r, reach_there there)
{
	const char *host = r->target->conf->act.url.host;
	struct addr a = { 0 };
	int err = 0;

	r->there = there;
	if (r->fd < 0 && addr_parse_ip(&a, host) == 0)
		connect_to(r, a);
	if (r->fd >= 0 || a.sa.sa_family != AF_UNSPEC) {
		there(r->target, r->fd, strerror(errno));
		return;
	}
	r->ask = r->target->names != NULL ? names_ask(r->target->names, host,
	    NULL, told, r, &err) : NULL;
	if (r->ask == NULL)
		there(r->target, -1, "its name cannot be looked up");
}
