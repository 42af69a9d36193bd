/*
 * Names that a client asks for.
 */
#include "policy/asked.h"

#include "policy/view.h"

const char *
asked_address(const struct facts *f)
{
	struct addr a;

	if (f->host == NULL)
		return NULL;
	name_addr(f->host, &a);
	return a.sa.sa_family != AF_UNSPEC ? f->host : NULL;
}

const char *
asked_host(const struct facts *f)
{
	if (f->request != NULL)
		return f->request;
	return f->host != NULL && asked_address(f) == NULL ? f->host : f->sni;
}

const char *
asked_site(const struct facts *f)
{
	return f->request == NULL && f->sni != NULL ? f->sni : asked_host(f);
}

void
asked_assume(struct facts *f)
{
	struct addr ip;

	if (f->protocol == PROTO_UNKNOWN && f->sni == NULL &&
	    f->host != NULL && addr_parse_ip(&ip, f->host) != 0)
		f->sni = f->host;
}
