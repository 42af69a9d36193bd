/*
 * What a verdict costs: rules of which each has conditions on a list, on
 * prefixes and on names, over lists that have a million names and a hundred
 * thousand prefixes together. Prints CPU time of this process alone: to load
 * the lists, to compile the policy, for a verdict that no rule but the last
 * gives, and for one that is given in the middle; and the memory that they
 * hold.
 *
 * usage: policy [rules [names [prefixes]]]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/policy.h"
#include "util/err.h"
#include "util/mem.h"

#define LISTS		100
#define VERDICTS	20000

static unsigned nrules = 1000, nnames = 1000000, nprefixes = 100000;

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The file of a list: its share of names and prefixes. */
static int
read_list(const char *path, size_t max, struct text *out)
{
	unsigned list = (unsigned)atoi(path + 1), i, n;

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

	for (i = 0; i < LISTS; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		text_clear(&t);
		read_list(path, 0, &t);
	}
	text_free(&t);
	return cpu_ns() - began;
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
	text_puts(&t, "rules:\n");
	for (i = 0; i < nrules; i++)
		if (i % 10 == 9)
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
	struct verdict v;
	unsigned i, n;

	addr_parse_ip(&f.client, "10.0.0.7");
	addr_parse_ip(&f.server, "203.0.113.9");
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

int
main(int argc, char **argv)
{
	struct policy *p;
	struct conf *c;
	uint64_t making, began, loaded, compiled;
	struct mallinfo2 before, after;

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
	    "\"verdict_last_ns\": %.0f, \"verdict_list_ns\": %.0f}\n",
	    (double)(loaded - began - making) / 1e6,
	    (double)(compiled - loaded) / 1e6,
	    (double)(after.uordblks + after.hblkhd - before.uordblks -
	    before.hblkhd) / (1 << 20),
	    verdict_ns(p, "elsewhere"), verdict_ns(p, "domain"));
	conf_unref(c);
	policy_unref(p);
	return 0;
}
