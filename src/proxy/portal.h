/*
 * What an explicit listener serves itself.
 */
#ifndef PROXY_PORTAL_H
#define PROXY_PORTAL_H

#include <stddef.h>

struct tls;

/* The response for this path, malloc'ed; its status. */
char	*portal_page(struct tls *, const char *path, size_t pathlen,
	    size_t *len, int *status);

#endif
