/*
 * Which device of a slot a pair of addresses goes through. Pure: the same pair
 * and the same devices give the same answer in every worker, in every process
 * and on every machine.
 *
 * The hash is a rendezvous (Thaler and Ravishankar, 1998): each device draws
 * lots for the pair, as many as its weight, and the highest lot wins. When a
 * device goes, only its own pairs move, each to the next best; when it comes
 * back, only those return. A changed weight moves no pair between two others.
 */
#ifndef CHAIN_PICK_H
#define CHAIN_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

#define PICK_NONE	((size_t)-1)

struct pick {
	const char	*name;		/* decides its lots */
	unsigned	 weight;	/* 1 or more */
	int		 usable;
};

/*
 * The number of a pair of addresses, whichever of them began. Ports do not
 * count; an IPv4-mapped address is that IPv4 address.
 */
uint64_t pick_pair(const struct addr *, const struct addr *);

/* The index of the usable device with the highest lot, or PICK_NONE. */
size_t	 pick(const struct pick *, size_t n, uint64_t pair);

#endif
