/*
 * What `on:`, `must-decrypt` and `mode: monitor` make of a verdict.
 */
#include "policy/verdict.h"

#include <string.h>

static int
mirrors_same(const struct conf_rule *a, const struct conf_rule *b)
{
	size_t i;

	for (i = 0; i < a->nmirrors && i < b->nmirrors; i++)
		if (a->mirrors[i].mirror != b->mirrors[i].mirror ||
		    a->mirrors[i].after != b->mirrors[i].after)
			return 0;
	return a->nmirrors == b->nmirrors;
}

int
verdict_same(const struct verdict *v, const struct verdict *w)
{
	const struct conf_rule *a = v->rule, *b = w->rule;

	return a == b || (v->action == w->action &&
	    a->must_decrypt == b->must_decrypt && a->inspect == b->inspect &&
	    a->chain == b->chain && conf_proxies_same(a, b) &&
	    conf_own_same(&a->client, &b->client) &&
	    mirrors_same(a, b) && a->nicaps == b->nicaps &&
	    (a->nicaps == 0 || memcmp(a->icaps, b->icaps,
	    a->nicaps * sizeof(*a->icaps)) == 0));
}

void
verdict_change(struct verdict *v, enum conf_action action,
    enum undecrypted what, const char *why)
{
	v->undecrypted = what;
	v->action = action;
	v->why = why;
}

struct on_said
on_hello(const struct conf *c, const struct facts *f)
{
	struct on_said no_sni = { "no-sni", c->on.no_sni };
	struct on_said ech = { "ech", c->on.ech };
	struct on_said none = { NULL, ON_DECRYPT };

	/* A name that cannot be read is not the same as no name. */
	if (f->sni == NULL && no_sni.on != ON_DECRYPT &&
	    !(f->sni_bad && no_sni.on == ON_BYPASS))
		return no_sni;
	return f->ech ? ech : none;
}

struct on_said
on_server(const struct conf *c, const struct facts *f)
{
	struct on_said fault[] = {
		[VERIFY_OK] = { NULL, ON_DECRYPT },
		[VERIFY_UNTRUSTED] = { "untrusted-server",
		    c->on.untrusted_server },
		[VERIFY_EXPIRED] = { "expired-server", c->on.expired_server },
		[VERIFY_NAME] = { "name-mismatch", c->on.name_mismatch },
		[VERIFY_REVOKED] = { "revoked-server", c->on.revoked_server }
	};
	struct on_said incomplete = { "incomplete-chain",
	    c->on.incomplete_chain };

	/* It may be expired and of another name: a block of either counts. */
	if (f->late && c->on.expired_server == ON_BLOCK)
		return fault[VERIFY_EXPIRED];
	/* With "fetch", it could not be had. */
	if (f->verify == VERIFY_UNTRUSTED && f->lacks_issuer &&
	    incomplete.on != ON_FETCH)
		return incomplete;
	return fault[f->verify];
}

int
verdict_hello(struct verdict *v, const struct on_said *said)
{
	int no_sni = said->key != NULL && strcmp(said->key, "ech") != 0;

	if (said->on == ON_DECRYPT)
		return 0;
	verdict_change(v, said->on == ON_BLOCK || v->rule->must_decrypt ?
	    ACTION_BLOCK : ACTION_BYPASS, no_sni ? UNDECRYPTED_NO_SNI :
	    UNDECRYPTED_ECH, no_sni ? "no SNI" : "ECH");
	return 1;
}

void
verdict_monitor(struct verdict *v)
{
	static const char *const would[] = {
		[ACTION_DECRYPT] = "monitor: would decrypt",
		[ACTION_BLOCK] = "monitor: would block",
		[ACTION_RESET] = "monitor: would reset",
		[ACTION_WARN] = "monitor: would warn"
	};

	if (v->action != ACTION_BYPASS || v->later)
		verdict_change(v, ACTION_BYPASS, UNDECRYPTED_MONITOR,
		    v->later ? "monitor: would ask the certificate" :
		    would[v->action]);
	v->later = 0;
}

/* A verdict of decrypt, by what on_server() said. */
static void
verdict_server(struct verdict *v, const struct on_said *said, const char *why)
{
	if (said->on == ON_UNTRUSTED)
		v->untrusted = 1;
	else if (said->on == ON_BLOCK || said->on == ON_BYPASS)
		verdict_change(v, said->on == ON_BLOCK ||
		    v->rule->must_decrypt ? ACTION_BLOCK : ACTION_BYPASS,
		    UNDECRYPTED_VERIFY, why);
}

struct on_said
verdict_apply(struct verdict *v, const struct conf *c, const struct facts *f)
{
	struct on_said said = { NULL, ON_DECRYPT };

	if (c->monitor) {
		verdict_monitor(v);
		return said;
	}
	if (v->action != ACTION_DECRYPT || !facts_tls(f))
		return said;
	said = on_hello(c, f);
	if (verdict_hello(v, &said) || f->cert == NULL)
		return said;
	said = on_server(c, f);
	verdict_server(v, &said, f->verify_text);
	return said;
}

void
verdict_explain(struct verdict *v, const struct conf *c, const struct facts *f,
    struct text *out)
{
	static const char *const words[] = { "decrypt", "untrusted", "block",
	    "bypass", "wait", "fetch" };
	struct on_said said = verdict_apply(v, c, f);
	const char *why = v->why != NULL ? v->why : f->verify_text;

	if (said.key != NULL)
		text_printf(out, "on: %s: %s%s%s\n", said.key,
		    words[said.on], said.on == ON_BYPASS &&
		    v->rule->must_decrypt ? ", but must-decrypt" : "",
		    v->untrusted ? ": signed by the untrusted CA" : "");
	if (why != NULL && (said.key != NULL || v->why != NULL))
		text_printf(out, "why: %s\n", why);
}
