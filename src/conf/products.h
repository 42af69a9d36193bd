/*
 * Products: which field of a line is what. Those that we know are in files that
 * are compiled in (etc/products); others, and better ones, are in a directory
 * of the operator's (`products:`). A file is YAML:
 *
 *	products:
 *	  - name: ddi
 *	    is: {"@vendor": Trend Micro, "@product": "Deep Discovery*"}
 *	    endpoint: interestedIp
 *	    ends: [src, dst]
 *	    ...
 */
#ifndef CONF_PRODUCTS_H
#define CONF_PRODUCTS_H

#include "conf/verdicts.h"

#define PRODUCT_NAMED	4	/* fields that name the endpoint, at most */
#define PRODUCT_FIELDS	8	/* fields for any other thing, at most */

struct conf_scale {
	char		*word;		/* as the field has it, in any case */
	int		 severity;	/* 0 to 10 */
};

struct conf_product {
	char		*name;
	struct conf_pos	 pos;
	struct conf_is {		/* a kind of line: what it has */
		struct conf_field *v;
		size_t	 n;		/* 1 or more */
	} *is;
	size_t		 nis;		/* 0: lines of no other product */
	/* Names of fields, the best first; ends has two, or none. */
	struct conf_list endpoint, ends, severity, signature, category, peer;
	struct conf_scale *scale;	/* before the words that all have */
	size_t		 nscale;
	struct {			/* of numbers: what is 0, and 10 */
		unsigned lo, hi;
	} range;
};

/* The ones that are compiled in. They live as long as the program. */
const struct conf_products *products_shipped(void);

/*
 * Read a file of products in a world of the caller's, adding to out: 0, or
 * ERR_USAGE with a line for each problem. products_drop() frees them.
 */
int	products_parse(const struct conf_world *, const char *path,
	    const char *yaml, size_t len, struct conf_products *out,
	    struct text *errors);
void	products_drop(struct conf_products *);

#endif
