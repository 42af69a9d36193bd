/*
 * The file of leases. Held to: each address is there once, leased for a time
 * that is neither over nor endless, by a name that can be shown; and what was
 * read, written in its form, is read again as the same.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/leases.h"

#define WALL	1800000000
#define NOW	5000
#define MOST	(NOW + UINT64_C(315360000) * 1000)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct leases *
read_leases(void *data, size_t len, unsigned *bad)
{
	struct leases *t = leases_new(1);
	FILE *f = fmemopen(data, len, "r");

	assert(f != NULL);
	*bad = leases_load(t, f, WALL, NOW);
	fclose(f);
	return t;
}

static void
check_lease(struct leases *t, const struct lease *l)
{
	uint8_t mac[MAC_LEN];
	const char *s;

	assert(l->end > NOW && l->end <= MOST);
	assert(memchr(l->name, '\0', LEASE_NAME) != NULL);
	for (s = l->name; *s != '\0'; s++)
		assert(isalnum((unsigned char)*s) || strchr("-_.", *s));
	assert(leases_mac(t, &l->addr, mac) == 0);
	assert(memcmp(mac, l->mac, MAC_LEN) == 0);
}

static char *
written(struct leases *t, size_t *len)
{
	char *out = NULL, s[ADDR_STRLEN], m[MAC_STRLEN];
	FILE *f = open_memstream(&out, len);
	struct lease *v;
	size_t i, n;

	v = leases_list(t, NULL, &n);
	for (i = 0; i < n; i++) {
		check_lease(t, &v[i]);
		fprintf(f, "%s %s %lld %s\n", addr_ip_str(&v[i].addr, s),
		    mac_str(v[i].mac, m), (long long)v[i].until, v[i].name);
	}
	fclose(f);
	free(v);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct leases *t, *again;
	size_t n, k, lines = 0, i;
	char *one;
	unsigned bad;

	if (len == 0)		/* fmemopen(3) may refuse it */
		return 0;
	for (i = 0; i < len; i++)
		lines += data[i] == '\n' || i + 1 == len;
	t = read_leases((void *)(uintptr_t)data, len, &bad);
	assert(bad <= lines);
	one = written(t, &n);
	if (n > 0) {
		again = read_leases(one, n, &bad);
		assert(bad == 0);
		free(written(again, &k));
		assert(n == k);	/* the order in a bucket may be another */
		leases_free(again);
	}
	free(one);
	leases_free(t);
	return 0;
}
