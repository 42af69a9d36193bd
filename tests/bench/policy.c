/*
 * What a verdict costs: rules of which each has conditions on a list, on
 * prefixes and on names, over lists that have a million names and a hundred
 * thousand prefixes together. Prints CPU time of this process alone: to load
 * the lists, to compile the policy, for a verdict that no rule but the last
 * gives, and for one that is given in the middle; and the memory that they
 * hold.
 *
 * With -m, half of the rules are by category (of a million names), country and
 * MAC address instead; and a look-up of a country is measured.
 *
 * usage: policy [-m] [rules [names [prefixes]]]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/mmdb.h"
#include "policy/policy.h"
#include "util/err.h"
#include "util/mem.h"

#define LISTS		100
#define VERDICTS	20000

static int more;			/* categories, countries ... */
static unsigned nrules = 1000, nnames = 1000000, nprefixes = 100000;

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A feed of all names, each of one of a hundred categories; and a database of
 * all prefixes, each of one of four countries. */
static int
read_feed(struct text *out)
{
	unsigned i;

	for (i = 0; i < nnames; i++)
		text_printf(out, "host%u.domain%u.example c%u\n", i, i % 1000,
		    i % LISTS);
	return 0;
}

static int
read_geo(struct text *out)
{
	static const char *const countries[] = { "DE", "JP", "CH", "SE" };
	struct mmdb m = { 0 };
	char prefix[32];
	unsigned i;

	for (i = 0; i < nprefixes; i++) {
		snprintf(prefix, sizeof(prefix), "%u.%u.%u.0/24",
		    101 + (i >> 16), i >> 8 & 255, i & 255);
		mmdb_add(&m, prefix, countries[i % 4]);
	}
	mmdb_write(&m, out);
	return 0;
}

/* The file of a list: its share of names and prefixes. */
static int
read_list(const char *path, size_t max, struct text *out)
{
	unsigned list = (unsigned)atoi(path + 1), i, n;

	if (strcmp(path, "/feed") == 0)
		return read_feed(out);
	if (strcmp(path, "/geo") == 0)
		return read_geo(out);
	for (i = list; i < nnames; i += LISTS)
		text_printf(out, "host%u.domain%u.example\n", i, i % 1000);
	for (i = list; i < nprefixes; i += LISTS) {
		n = i * 2654435761u;
		text_printf(out, "%u.%u.%u.0/24\n", 16 + (n >> 24) % 64,
		    n >> 16 & 255, n >> 8 & 255);
	}
	return 0;
}

/* How long the text itself takes, which a file would have. */
static uint64_t
time_to_make(void)
{
	uint64_t began = cpu_ns();
	struct text t = { 0 };
	char path[16];
	int i;

	for (i = more ? -2 : 0; i < LISTS; i++) {
		snprintf(path, sizeof(path), i == -2 ? "/geo" : i == -1 ?
		    "/feed" : "/%d", i);
		text_clear(&t);
		read_list(path, 0, &t);
	}
	text_free(&t);
	return cpu_ns() - began;
}

/* A rule of the other kinds: by category, country and MAC address. */
static void
more_rule(struct text *t, unsigned i)
{
	static const char *const countries[] = { "FR", "AT", "DK", "NO" };

	if (i % 3 == 0)
		text_printf(t, "- {name: r%u, action: bypass, category: c%u, "
		    "not: {client: 192.0.%u.0/24}}\n", i, i % LISTS, i % 256);
	else if (i % 3 == 1)
		text_printf(t, "- {name: r%u, action: bypass, country: [%s, "
		    "IT], not: {port: %u}}\n", i, countries[i % 4],
		    1000 + i);
	else
		text_printf(t, "- {name: r%u, action: bypass, mac: "
		    "[\"02:00:5e:00:%02x:%02x\", \"02:00:%02x:*\"]}\n", i,
		    i >> 8, i & 255, 96 + i % 64);
}

static struct conf *
load(void)
{
	static const struct conf_world world = { read_list, NULL, NULL, NULL };
	struct text t = { 0 }, errors = { 0 };
	struct conf *c;
	unsigned i;

	text_puts(&t, "listen: [{name: p, mode: explicit, address: "
	    "\"127.0.0.1:1\"}]\nlists:\n");
	for (i = 0; i < LISTS; i++)
		text_printf(&t, "  l%u: /%u\n", i, i);
	if (more)
		text_puts(&t, "categories: [/feed]\ngeo: {database: /geo}\n");
	text_puts(&t, "rules:\n");
	for (i = 0; i < nrules; i++)
		if (more && i % 2 == 0)
			more_rule(&t, i);
		else if (i % 10 == 9)
			text_printf(&t, "- {name: r%u, action: bypass, server: "
			    "[\"@l%u\", 192.0.2.%u]}\n", i, i % LISTS,
			    i % 256);
		else if (i % 2 == 1)
			text_printf(&t, "- {name: r%u, action: bypass, sni: "
			    "[\"@l%u\", name%u.example]}\n", i, i % LISTS, i);
		else
			text_printf(&t, "- {name: r%u, action: bypass, site: "
			    "\"@l%u\", not: {client: 192.0.%u.0/24}}\n", i,
			    i % LISTS, i % 256);
	text_puts(&t, "- {name: rest, action: decrypt}\n");
	if (conf_parse_in(&world, "bench", t.s, t.len, &c, &errors) != 0) {
		fprintf(stderr, "%s", errors.s);
		exit(2);
	}
	text_free(&t);
	return c;
}

/* Of names that are in a list, or in none. */
static double
verdict_ns(const struct policy *p, const char *domain)
{
	struct facts f = { .protocol = PROTO_TLS, .port = 443 };
	char (*names)[64] = xcalloc(VERDICTS, sizeof(*names));
	uint64_t took;
	struct addr server;
	struct verdict v;
	unsigned i, n;

	addr_parse_ip(&f.client, "10.0.0.7");
	f.mac_known = 1;
	addr_parse_ip(&server, "101.0.113.9");
	policy_server(p, &f, &server);
	for (i = 0; i < VERDICTS; i++) {
		n = i * 7919 % nnames;
		snprintf(names[i], sizeof(names[i]), "www.host%u.%s%u.example",
		    n, domain, n % 1000);
	}
	took = cpu_ns();
	for (i = 0; i < VERDICTS; i++) {
		f.sni = names[i];
		policy_decide(p, &f, &v);
	}
	took = cpu_ns() - took;
	free(names);
	return (double)took / VERDICTS;
}

/* Of addresses all over the database. */
static double
country_ns(const struct policy *p)
{
	struct facts f = { .port = 443 };
	struct addr *to = xcalloc(VERDICTS, sizeof(*to));
	char ip[32];
	uint64_t took;
	unsigned i, n;

	for (i = 0; i < VERDICTS; i++) {
		n = i * 7919 % nprefixes;
		snprintf(ip, sizeof(ip), "%u.%u.%u.9", 101 + (n >> 16),
		    n >> 8 & 255, n & 255);
		addr_parse_ip(&to[i], ip);
	}
	took = cpu_ns();
	for (i = 0; i < VERDICTS; i++)
		policy_server(p, &f, &to[i]);
	took = cpu_ns() - took;
	free(to);
	return (double)took / VERDICTS;
}

int
main(int argc, char **argv)
{
	struct policy *p;
	struct conf *c;
	uint64_t making, began, loaded, compiled;
	struct mallinfo2 before, after;

	if (argc > 1 && strcmp(argv[1], "-m") == 0) {
		more = 1;
		argc--;
		argv++;
	}
	if (argc > 1)
		nrules = (unsigned)atoi(argv[1]);
	if (argc > 2)
		nnames = (unsigned)atoi(argv[2]);
	if (argc > 3)
		nprefixes = (unsigned)atoi(argv[3]);
	making = time_to_make();
	malloc_trim(0);
	before = mallinfo2();
	began = cpu_ns();
	c = load();
	loaded = cpu_ns();
	p = policy_new(c);
	compiled = cpu_ns();
	after = mallinfo2();
	printf("{\"load_ms\": %.0f, \"compile_ms\": %.0f, \"memory_mib\": %.1f, "
	    "\"verdict_last_ns\": %.0f, \"verdict_list_ns\": %.0f",
	    (double)(loaded - began - making) / 1e6,
	    (double)(compiled - loaded) / 1e6,
	    (double)(after.uordblks + after.hblkhd - before.uordblks -
	    before.hblkhd) / (1 << 20),
	    verdict_ns(p, "elsewhere"), verdict_ns(p, "domain"));
	if (more)
		printf(", \"country_ns\": %.0f", country_ns(p));
	puts("}");
	conf_unref(c);
	policy_unref(p);
	return 0;
}
