/*
 * A sighting: what a sensor saw, whatever its product calls it. conf/products
 * says which of their fields is what.
 */
#ifndef VERDICT_SIGHTING_H
#define VERDICT_SIGHTING_H

#include "conf/products.h"
#include "verdict/contain.h"
#include "verdict/fields.h"

/* Texts are those of the fields and products; NULL: it does not say. */
struct sighting {
	const char	*product;	/* "suricata", ...; never NULL */
	const char	*signature, *category;
	int		 severity;	/* 0 to 10, whatever it counts in */
	/* Fields that name the endpoint, the best first; then the two ends of
	 * what it saw, of which one is the endpoint. */
	const char	*named[PRODUCT_NAMED], *ends[2];
	/* Fields that name whom it spoke with, the best first. */
	const char	*peers[PRODUCT_FIELDS];
	const struct fields *fields;
};

#define SIGHTING_SEVERITY	5	/* where none is said */

/* Never fails: what is of no product that is known is "generic". Those of the
 * operator come first, and in place of shipped ones that have their names. */
void	sighting_read(struct sighting *, const struct conf_products *,
	    const struct fields *);

/*
 * Who it is about. is_inside says whether an address is an endpoint's. The
 * first field that names one does; else the one end that is inside. Returns 0;
 * ERR_NOTFOUND (no address at all is inside) or ERR_UNSUPPORTED (both ends are:
 * it is ambiguous).
 */
int	sighting_who(const struct sighting *, struct endpoint *,
	    int (*is_inside)(void *arg, const struct addr *), void *arg);

/*
 * Whom the endpoint spoke with: the first field that names another one than it;
 * or sighting_other(), the end that is not it. NULL: none is known. who may be
 * NULL, or have no address: then what names the endpoint is taken for it. The
 * text is the sighting's.
 */
const char	*sighting_peer(const struct sighting *,
		    const struct endpoint *who);
const char	*sighting_other(const struct sighting *,
		    const struct endpoint *who);

#endif
