/*
 * The files of etc/products, as the Makefile has put them into the program.
 */
#ifndef CONF_SHIPPED_H
#define CONF_SHIPPED_H

struct shipped {
	const char	*name, *text;
};

/* In the order of their names; the last one has no name. */
extern const struct shipped shipped_products[];

#endif
