/*
 * A configuration's text, in a world without files but with a list. Held to:
 * it is right and frees, or each problem is one line with its place.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf/conf.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The text is its own list file. */
static const uint8_t *given;
static size_t given_len;

static int
fuzz_read(const char *path, size_t max, struct text *out)
{
	text_add(out, (const char *)given, given_len);
	return 0;
}

static const struct conf_world world = { fuzz_read, NULL, NULL };

static void
check_errors(const char *s)
{
	assert(s != NULL && *s != '\0');
	for (; *s != '\0'; s++) {
		assert(*s != '\n');	/* no empty line */
		for (; *s != '\n'; s++)
			assert((unsigned char)*s >= ' ' && *s != 0x7f);
	}
}

/* What the chain of a session relies on. */
static void
check_chains(const struct conf *c)
{
	const struct conf_slot *s;
	size_t i, k, d;

	for (i = 0; i < c->ndevices; i++)
		assert(c->devices[i].inside != NULL &&
		    c->devices[i].outside != NULL &&
		    c->devices[i].weight > 0);
	for (i = 0; i < c->nchains; i++) {
		assert(c->chains[i].nslots > 0 &&
		    c->chains[i].nslots <= CONF_CHAIN_SLOTS);
		for (k = 0; k < c->chains[i].nslots; k++) {
			s = &c->chains[i].slots[k];
			assert(s->ndevices > 0 && s->ndevices <= CONF_DEVICES);
			for (d = 0; d < s->ndevices; d++)
				assert(s->devices[d] >= c->devices &&
				    s->devices[d] < c->devices + c->ndevices);
		}
	}
	for (i = 0; i < c->nrules; i++)
		for (k = 0; k < c->rules[i].nmirrors; k++)
			assert(!c->rules[i].mirrors[k].after ||
			    c->rules[i].chain != NULL);
}

static void
check_policy(struct conf *c)
{
	struct facts f = { .sni = "www.bank.example", .port = 443 };
	struct text out = { 0 };
	struct verdict v;
	struct policy *p;

	p = policy_new(c);
	policy_explain(p, &f, &v, &out);
	assert(v.rule != NULL && strstr(out.s, "verdict: ") != NULL);
	policy_unref(p);
	text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct text errors = { 0 };
	struct conf *c;
	int r;

	given = data;
	given_len = len;
	r = conf_parse_in(&world, "fuzz", (const char *)data, len, &c,
	    &errors);
	assert(r == 0 || r == ERR_USAGE);
	assert((c != NULL) == (r == 0));
	if (r == 0) {
		assert(c->nlistens > 0 && c->nrules > 0 && c->workers > 0);
		check_chains(c);
		check_policy(c);
	} else
		check_errors(errors.s);
	conf_unref(c);
	text_free(&errors);
	return 0;
}
