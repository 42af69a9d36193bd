/*
 * Reads the configuration again. Rules, lists, `on`, timeouts, limits other
 * than memory, and the log level may change while the daemon runs. The keys
 * that sockets, files and threads were made from may not: a file that changes
 * one is refused whole, with the name of the key, so that the daemon always
 * runs the text of one file.
 */
#include <string.h>

#include "chain/chain.h"
#include "chain/device.h"
#include "main/daemon.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/* Compare hashes of files. Zeros mean unknown, and count as the same. */
static int
same_sum(const uint8_t a[32], const uint8_t b[32])
{
	static const uint8_t unknown[32];

	return memcmp(a, b, 32) == 0 || memcmp(a, unknown, 32) == 0 ||
	    memcmp(b, unknown, 32) == 0;
}

static const struct {
	const char	*name;
	const char	*keys[3];
	size_t		 sum;		/* offset of such a hash, or 0 */
} fixed[] = {
	{ "workers or user", { "workers", "user" } },
	{ "ca", { "ca" }, offsetof(struct conf, ca_sum) },
	{ "listen", { "listen" } },
	{ "upstream trust", { "upstream.trust", "upstream.trust-also" },
	    offsetof(struct conf, trust_sum) },
	{ "tls", { "tls" } },
	{ "mirrors", { "mirrors" } },
	{ "icap", { "icap" } },
	{ "log file, events or keys", { "log.file", "log.events",
	    "log.keys" } },
	{ "control", { "control" } },
	{ "metrics", { "metrics" } },
	{ "limits memory", { "limits.memory" } },
};

static int
same(const struct conf *a, const struct conf *b, size_t i)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
	size_t k;

	for (k = 0; k < NELEM(fixed[i].keys) && fixed[i].keys[k] != NULL; k++)
		if (!conf_same(a, b, fixed[i].keys[k]))
			return 0;
	return fixed[i].sum == 0 ||
	    same_sum(x + fixed[i].sum, y + fixed[i].sum);
}

/* Name the keys that differ. Returns 0 if none does. */
static int
reload_differs(const struct conf *a, const struct conf *b, struct text *out)
{
	size_t i;
	int n = 0;

	for (i = 0; i < NELEM(fixed); i++)
		if (!same(a, b, i))
			text_printf(out, "%s%s", n++ > 0 ? ", " :
			    "needs a restart: ", fixed[i].name);
	return n;
}

/* They are watched, and others no longer. */
static void
reload_watch(struct daemon *d)
{
	struct text why = { 0 };

	if (d->chains != NULL &&
	    chains_watch(d->chains, d->admin.conf, &why) != 0)
		log_error("devices are not watched: %s", why.s);
	text_free(&why);
}

/* What makes their zones is started while there are privileges. */
static int
reload_first_device(const struct daemon *d, const struct conf *c,
    struct text *out)
{
	if (c->ndevices == 0 || d->zones != NULL)
		return 0;
	text_puts(out, "needs a restart: devices, as it was started without "
	    "any");
	return 1;
}

static void
reload_apply(struct daemon *d, struct conf *c)
{
	struct policy *p = policy_new(c), *old = d->policy;
	size_t i;

	for (i = 0; i < d->nrunning; i++)
		worker_policy(d->workers[i], p);
	d->policy = p;
	d->admin.conf = c;
	log_level = c->log.level;
	reload_watch(d);
	policy_unref(old);
}

/* Zones for devices that are new. */
static int
reload_devices(struct daemon *d, struct conf *c, struct text *said)
{
	device_attach(c, d->admin.conf);
	return d->chains != NULL ? chains_open(d->chains, c, said) : 0;
}

static int
reload_try(struct daemon *d, struct text *said)
{
	struct conf *c;
	int rv;

	if ((rv = conf_load(d->admin.conf->path, &c, said)) != 0)
		return rv;
	if (reload_differs(d->admin.conf, c, said) ||
	    reload_first_device(d, c, said)) {
		conf_unref(c);
		return ERR_UNSUPPORTED;
	}
	if ((rv = reload_devices(d, c, said)) == 0)
		reload_apply(d, c);
	conf_unref(c);		/* the policy has its own reference */
	return rv;
}

/* Join the lines of the errors into one sentence. */
static void
join_lines(struct text *t)
{
	size_t i;

	while (t->len > 0 && t->s[t->len - 1] == '\n')
		t->s[--t->len] = '\0';
	for (i = 0; i < t->len; i++)
		if (t->s[i] == '\n')
			t->s[i] = ';';
}

int
daemon_reload(void *arg, struct text *said)
{
	struct daemon *d = arg;
	struct text why = { 0 };
	int rv;

	if (strcmp(d->admin.conf->path, CONF_BUILT_IN) == 0) {
		text_puts(&why, "this configuration is built in");
		rv = ERR_UNSUPPORTED;
	} else {
		rv = reload_try(d, &why);
	}
	join_lines(&why);
	d->admin.reloads[rv == 0]++;
	if (rv == 0) {
		text_printf(said, "%s: %zu rules, for new sessions",
		    d->admin.conf->path, d->admin.conf->nrules);
		log_info("reloaded %s", said->s);
	} else {
		text_printf(said, "nothing was changed: %s", why.s);
		log_error("reload: %s", said->s);
	}
	text_free(&why);
	return rv;
}
