/*
 * Rules, and a connection that they decide on: the first line is a name, the
 * rest are the rules. Held to: what is said early, while facts are missing, is
 * what is decided when they are there; and explain says what is decided.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "policy/explain.h"
#include "policy/policy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char list[] = "bank.example\n!www.bank.example\n"
    "*.below.example\n192.0.2.0/24\n";

static const char feed[] = "bank.example finance\n!www.bank.example finance\n"
    "=shop.example shop,finance\n192.0.2.0/24 bad\n";

static int
fuzz_read(const char *path, size_t max, struct text *out)
{
	text_puts(out, strcmp(path, "/f") == 0 ? feed : list);
	return 0;
}

static const struct conf_world world = { fuzz_read, NULL, NULL, NULL };

static void
check_explained(const struct policy *p, const struct facts *f)
{
	struct text out = { 0 }, last = { 0 };
	struct verdict v;

	policy_explain(p, f, &v, &out);
	text_printf(&last, "\nverdict: %s rule: %s\n",
	    conf_action_str(v.action), v.rule->name);
	assert(out.len > last.len && strcmp(out.s + out.len - last.len,
	    last.s) == 0);
	text_free(&out);
	text_free(&last);
}

static int
refuses(const struct verdict *v)
{
	return v->action == ACTION_BLOCK || v->action == ACTION_RESET;
}

/* The facts come one stage after the other. */
static void
check_stages(const struct policy *p, const char *name)
{
	static const uint8_t alpn[] = "\x02h2\x08http/1.1";
	static char dn[] = "CN=www.bank.example, O=Bank";
	struct certinfo cert = { .issuer = dn, .subject = dn };
	struct facts f = { .listener = "p", .port = 443 };
	struct verdict v, early;
	int refused, bypassed, later;

	addr_parse_ip(&f.client, "10.0.0.7");
	addr_parse_ip(&f.server, "192.0.2.1");
	refused = policy_refuses(p, &f, &early);
	bypassed = policy_bypasses(p, &f);
	assert(!refused || refuses(&early));
	check_explained(p, &f);
	f.protocol = PROTO_TLS;
	f.sni = name;
	f.alpn = alpn;
	f.alpn_len = sizeof(alpn) - 1;
	strcpy(f.ja3, "0149f47eabf9a20d0893e2a44e5a6323");
	strcpy(f.ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	policy_decide(p, &f, &v);
	assert(!refused || refuses(&v));
	assert(!bypassed || v.action == ACTION_BYPASS);
	later = v.later;
	early = v;
	f.cert = &cert;
	f.verify = VERIFY_EXPIRED;
	policy_decide(p, &f, &v);
	assert(!v.later && (later || v.rule == early.rule));
	assert(!refused || refuses(&v));
	assert(!bypassed || v.action == ACTION_BYPASS);
	check_explained(p, &f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *s = (const char *)data, *eol = memchr(s, '\n', len);
	struct text t = { 0 }, errors = { 0 };
	struct policy *p;
	struct conf *c;
	char name[256];

	if (len == 0 || eol == NULL || (size_t)(eol - s) >= sizeof(name))
		return 0;
	memcpy(name, s, (size_t)(eol - s));
	name[eol - s] = '\0';
	text_puts(&t, "listen: [{name: p, mode: explicit, address: "
	    "\"127.0.0.1:1\"}]\nlists: {banks: /l}\n"
	    "categories: [/f]\nrules:\n");
	text_add(&t, eol + 1, len - (size_t)(eol + 1 - s));
	if (conf_parse_in(&world, "fuzz", t.s, t.len, &c, &errors) == 0) {
		p = policy_new(c);
		conf_unref(c);
		check_stages(p, name[0] != '\0' ? name : NULL);
		policy_unref(p);
	}
	text_free(&t);
	text_free(&errors);
	return 0;
}
