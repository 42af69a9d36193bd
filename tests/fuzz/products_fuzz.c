/*
 * Files of products. Held to: it is read, or each problem has its place; what
 * was read is sound.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf/products.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_products all = { 0 };
	const struct conf_product *p;
	struct text errors = { 0 };
	size_t i, k;

	if (products_parse(&conf_world_none, "p", (const char *)data, len,
	    &all, &errors) != 0) {
		assert(strncmp(errors.s, "p:", 2) == 0);
	} else {
		for (i = 0; i < all.n; i++) {
			p = &all.v[i];
			assert(p->name != NULL && p->range.lo != p->range.hi);
			assert(p->endpoint.n <= PRODUCT_NAMED &&
			    (p->ends.n == 0 || p->ends.n == 2));
			assert(p->endpoint.n > 0 || p->ends.n > 0);
			for (k = 0; k < p->nis; k++)
				assert(p->is[k].n > 0);
			for (k = 0; k < p->nscale; k++)
				assert(p->scale[k].severity >= 0 &&
				    p->scale[k].severity <= 10);
		}
	}
	products_drop(&all);
	text_free(&errors);
	return 0;
}
