/*
 * The CAs that sign what clients get: the one of `ca:`, and the further ones
 * of `cas:`, which rules name. All are in the order of the configuration; 0 is
 * that of `ca:`.
 */
#ifndef CONF_CA_H
#define CONF_CA_H

#include <stddef.h>
#include <stdint.h>

#include "conf/parts.h"

struct conf;

#define CONF_CAS	64	/* of `cas:`, at most */
#define CONF_CA_DEFAULT	"default"	/* what a rule calls that of `ca:` */

struct conf_ca {
	char		*name;		/* NULL: that of `ca:` */
	char		*cert, *key;	/* NULL: there is no such CA */
	char		*untrusted_cert, *untrusted_key;	/* or NULL */
	/* Each of the certificate, and of the key. */
	struct conf_pos	 pos[2], untrusted_pos[2];
	/*
	 * SHA-256 of the certificates; zeros when one cannot be read. Keys are
	 * left out: they change with their certificate, and a reload may lack
	 * the permission to read them.
	 */
	uint8_t		 sum[32];
};

size_t			 conf_ca_count(const struct conf *);	/* 1 or more */
const struct conf_ca	*conf_ca(const struct conf *, size_t);
const char		*conf_ca_name(const struct conf_ca *);

/* Whether both have the same name, the same files, and the same in them as far
 * as they could be read. */
int	conf_ca_same(const struct conf_ca *, const struct conf_ca *);
/* Whether all CAs of both are the same. */
int	conf_cas_same(const struct conf *, const struct conf *);
/* The first CA of b that has the name of one of a, and its keys in other
 * places; or NULL. */
const struct conf_ca *conf_ca_moved(const struct conf *a,
	    const struct conf *b);

#endif
