/*
 * A host for each address and each MAC address of which something is known,
 * with the groups that the guard has it in.
 */
#include "verdict/segments.h"

#include <sys/queue.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conf/group.h"
#include "conf/segment.h"
#include "net/mailbox.h"
#include "net/neighbours.h"
#include "policy/group.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/mem.h"
#include "verdict/guard.h"
#include "verdict/guard_wire.h"

#define BUCKETS		4096
#define SILENT_MAX	16384	/* members that the kernel knows no more */
#define WORDS		((GUARD_GROUPS + 63) / 64)

struct host {
	LIST_ENTRY(host) link;		/* by its key */
	LIST_ENTRY(host) by_mac;	/* an address: by mac */
	struct endpoint	 key;
	uint8_t		 mac[MAC_LEN];	/* of an address, known or at last */
	int		 mac_known;
	int		 silent;
	uint64_t	 in[WORDS];	/* groups, as the guard has them */
};
LIST_HEAD(hosts, host);

struct change {			/* of a neighbour */
	STAILQ_ENTRY(change) link;
	struct addr	 ip;
	uint8_t		 mac[MAC_LEN];
	int		 known;
};

struct segments {
	const struct conf *conf;
	struct contain	*tags;
	struct guard	*guard;		/* or NULL: not begun yet */
	struct group	*groups;
	size_t		 ngroups;
	uint64_t	 used[WORDS];	/* groups that the guard has */
	struct hosts	 keys[BUCKETS], macs[BUCKETS];
	unsigned	 nsilent;
	/* of segments with the same name, before the last renewal */
	uint64_t	 past[GUARD_COUNTS];

	/* from whichever thread has read of it */
	pthread_mutex_t	 mutex;
	struct mailbox	*mailbox;
	struct mail	 mail;
	STAILQ_HEAD(, change) changes;
};

static int
bit(const uint64_t *set, size_t i)
{
	return (int)(set[i / 64] >> i % 64 & 1);
}

static void
bit_set(uint64_t *set, size_t i)
{
	set[i / 64] |= (uint64_t)1 << i % 64;
}

static struct hosts *
mac_bucket(struct segments *s, const uint8_t *mac)
{
	return &s->macs[hash_fold(hash_bytes(HASH_START, mac, MAC_LEN)) %
	    BUCKETS];
}

static struct hosts *
key_bucket(struct segments *s, const struct endpoint *key)
{
	size_t n = MAC_LEN;
	const uint8_t *p = key->by_mac ? key->mac : addr_ip(&key->addr, &n);

	return &s->keys[hash_fold(hash_bytes(HASH_START, p, n)) % BUCKETS];
}

static struct host *
host_find(struct segments *s, const struct endpoint *key)
{
	struct host *h;

	LIST_FOREACH(h, key_bucket(s, key), link)
		if (endpoint_same(&h->key, key))
			return h;
	return NULL;
}

static struct host *
host_get(struct segments *s, const struct endpoint *key)
{
	struct host *h = host_find(s, key);

	if (h != NULL)
		return h;
	h = xcalloc(1, sizeof(*h));
	h->key = *key;
	LIST_INSERT_HEAD(key_bucket(s, key), h, link);
	return h;
}

static void
host_mac(struct segments *s, struct host *h, const uint8_t *mac)
{
	if (h->mac_known)
		LIST_REMOVE(h, by_mac);
	memcpy(h->mac, mac, MAC_LEN);
	h->mac_known = 1;
	LIST_INSERT_HEAD(mac_bucket(s, mac), h, by_mac);
}

static void
host_silent(struct segments *s, struct host *h, int silent)
{
	s->nsilent += (unsigned)(silent - h->silent);
	h->silent = silent;
}

static void
host_drop(struct segments *s, struct host *h)
{
	host_silent(s, h, 0);
	if (h->mac_known)
		LIST_REMOVE(h, by_mac);
	LIST_REMOVE(h, link);
	free(h);
}

static int
host_member(const struct host *h)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (h->in[i] != 0)
			return 1;
	return 0;
}

/* The groups that it should be in, by its MAC address or by tags; members by
 * their address are in the configuration. */
static void
host_groups(const struct segments *s, const struct host *h,
    uint64_t in[WORDS])
{
	static const struct addr nowhere;
	const uint8_t *mac = h->key.by_mac ? h->key.mac :
	    h->mac_known ? h->mac : NULL;
	char *tags = contain_names(s->tags, h->key.by_mac ? &nowhere :
	    &h->key.addr, mac, clock_ms());
	size_t i;

	memset(in, 0, WORDS * sizeof(*in));
	for (i = 0; conf_segmented(s->conf) && i < s->conf->ngroups; i++)
		if (group_has(&s->groups[i], &nowhere, mac, tags)) {
			if (bit(s->used, i))
				bit_set(in, i);
			bit_set(in, GUARD_MEMBERS);
		}
	free(tags);
}

static void
say_member(struct segments *s, enum guard_verb verb, const struct host *h,
    size_t group)
{
	struct guard_ask a = { .verb = verb, .number = (uint32_t)group,
	    .who = h->key };

	if (s->guard != NULL)
		guard_say(s->guard, &a);
}

/* Tell the guard what is otherwise now. Returns how many groups that were. */
static unsigned
host_renew(struct segments *s, struct host *h)
{
	uint64_t in[WORDS];
	unsigned n = 0;
	size_t i;

	host_groups(s, h, in);
	for (i = 0; i < GUARD_GROUPS; i++)
		if (bit(in, i) != bit(h->in, i)) {
			say_member(s, bit(in, i) ? GUARD_JOIN : GUARD_LEAVE, h,
			    i);
			n++;
		}
	memcpy(h->in, in, sizeof(in));
	return n;
}

/* Of a neighbour, more is known than its groups. */
static void
host_tidy(struct segments *s, struct host *h)
{
	if (!host_member(h) && (!h->mac_known || h->silent))
		host_drop(s, h);
}

static void
segments_done(struct segments *s, unsigned changes)
{
	struct text why = { 0 };

	if (changes > 0 && s->guard != NULL &&
	    guard_done(s->guard, &why) != 0)
		log_error("segments: only what comes through the proxy knows "
		    "who is in which group: %s", why.s);
	text_free(&why);
}

void
segments_retag(struct segments *s, const struct endpoint *who)
{
	struct endpoint key = *who;
	struct host *h, *next;
	unsigned n;

	if (s->conf == NULL)
		return;
	if (key.by_mac)
		memset(&key.addr, 0, sizeof(key.addr));
	h = host_get(s, &key);
	n = host_renew(s, h);
	host_tidy(s, h);
	for (h = who->by_mac ? LIST_FIRST(mac_bucket(s, who->mac)) : NULL;
	    h != NULL; h = next) {
		next = LIST_NEXT(h, by_mac);
		if (memcmp(h->mac, who->mac, MAC_LEN) != 0)
			continue;
		n += host_renew(s, h);
		host_tidy(s, h);
	}
	segments_done(s, n);
}

/* An address has another MAC address, or none for now. */
static unsigned
change_take(struct segments *s, const struct change *c)
{
	struct endpoint key = { .addr = c->ip };
	struct host *h = c->known ? host_get(s, &key) : host_find(s, &key);
	unsigned n = 0;

	if (h == NULL)
		return 0;
	host_silent(s, h, !c->known);
	if (c->known)
		host_mac(s, h, c->mac);
	else if (s->nsilent > SILENT_MAX) {
		LIST_REMOVE(h, by_mac);
		h->mac_known = 0;
	}
	if (s->conf != NULL)
		n = host_renew(s, h);
	host_tidy(s, h);
	return n;
}

static void
changes_take(struct segments *s)
{
	STAILQ_HEAD(, change) all = STAILQ_HEAD_INITIALIZER(all);
	struct change *c;
	unsigned n = 0;

	pthread_mutex_lock(&s->mutex);
	STAILQ_CONCAT(&all, &s->changes);
	pthread_mutex_unlock(&s->mutex);
	while ((c = STAILQ_FIRST(&all)) != NULL) {
		STAILQ_REMOVE_HEAD(&all, link);
		n += change_take(s, c);
		free(c);
	}
	segments_done(s, n);
}

static void
changes_home(struct mail *m)
{
	changes_take((struct segments *)((char *)m -
	    offsetof(struct segments, mail)));
}

static void
neighbour_changed(void *arg, const struct addr *ip, const uint8_t *mac)
{
	struct segments *s = arg;
	struct change *c = xcalloc(1, sizeof(*c));

	c->ip = *ip;
	c->known = mac != NULL;
	if (mac != NULL)
		memcpy(c->mac, mac, MAC_LEN);
	pthread_mutex_lock(&s->mutex);
	STAILQ_INSERT_TAIL(&s->changes, c, link);
	pthread_mutex_unlock(&s->mutex);
	mailbox_post(s->mailbox, &s->mail);
}

struct segments *
segments_new(struct contain *tags, struct neighbours *neighbours,
    struct mailbox *mailbox)
{
	struct segments *s = xcalloc(1, sizeof(*s));

	s->tags = tags;
	s->mailbox = mailbox;
	s->mail.run = changes_home;
	STAILQ_INIT(&s->changes);
	pthread_mutex_init(&s->mutex, NULL);
	neighbours_watch(neighbours, neighbour_changed, s);
	changes_take(s);
	return s;
}

static void
groups_free(struct segments *s)
{
	size_t i;

	for (i = 0; i < s->ngroups; i++)
		group_free(&s->groups[i]);
	free(s->groups);
	s->groups = NULL;
	s->ngroups = 0;
}

void
segments_free(struct segments *s)
{
	struct change *c;
	size_t i;

	if (s == NULL)
		return;
	groups_free(s);
	for (i = 0; i < BUCKETS; i++)
		while (LIST_FIRST(&s->keys[i]) != NULL)
			host_drop(s, LIST_FIRST(&s->keys[i]));
	while ((c = STAILQ_FIRST(&s->changes)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->changes, link);
		free(c);
	}
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* The counters begin anew; what was counted goes to the segment of the same
 * name. */
static void
counts_keep(struct segments *s, const struct conf *c)
{
	uint64_t past[GUARD_COUNTS] = { 0 };
	struct guard_counts was;
	size_t i, k;

	if (s->conf == NULL || s->guard == NULL ||
	    guard_count(s->guard, &was) != 0)
		return;
	for (i = 0; i < c->nsegments; i++)
		for (k = 0; k < s->conf->nsegments; k++)
			if (strcmp(c->segments[i].name,
			    s->conf->segments[k].name) == 0)
				past[i] = s->past[k] + was.packets[k];
	i = CONF_SEGMENTS;
	past[i] = s->past[i] + was.packets[i];
	memcpy(s->past, past, sizeof(past));
}

void
segments_renew(struct segments *s, const struct conf *c)
{
	size_t i;

	counts_keep(s, c);
	groups_free(s);
	s->conf = c;
	s->groups = xcalloc(c->ngroups, sizeof(*s->groups));
	memset(s->used, 0, sizeof(s->used));
	for (; s->ngroups < c->ngroups; s->ngroups++)
		group_init(&s->groups[s->ngroups], &c->groups[s->ngroups],
		    NULL, 0);
	for (i = 0; i < c->nsegments; i++) {
		if (c->segments[i].from != CONF_ANY)
			bit_set(s->used, c->segments[i].from);
		if (c->segments[i].to != CONF_ANY)
			bit_set(s->used, c->segments[i].to);
	}
}

static void
say_prefix(struct segments *s, struct guard_ask *a, const struct prefix *p)
{
	if (a->nservers == GUARD_PREFIXES) {
		guard_say(s->guard, a);
		a->nservers = a->nmacs = 0;
	}
	a->servers[a->nservers++] = *p;
}

static void
say_list(struct segments *s, struct guard_ask *a, const char *name)
{
	const struct conf_named_list *l;
	size_t i, k;

	for (i = 0; i < s->conf->nlists; i++) {
		l = &s->conf->lists[i];
		for (k = 0; strcmp(l->name, name) == 0 && k < l->naddresses;
		    k++)
			say_prefix(s, a, &l->addresses[k]);
	}
}

/* The members of a group that the configuration names. */
static void
say_members(struct segments *s, struct guard_ask *a,
    const struct conf_group *g)
{
	struct mac_pattern mac;
	struct prefix p;
	const char *m;
	size_t i;

	for (i = 0; i < g->members.n; i++) {
		m = g->members.v[i];
		if (m[0] == '@') {
			say_list(s, a, m + 1);
		} else if (prefix_parse(&p, m) == 0) {
			say_prefix(s, a, &p);
		} else if (mac_pattern_parse(&mac, m,
		    (unsigned)strlen(m)) == 0) {
			if (a->nmacs == GUARD_MACS) {
				guard_say(s->guard, a);
				a->nservers = a->nmacs = 0;
			}
			a->macs[a->nmacs++] = mac;
		}
	}
}

static void
say_groups(struct segments *s)
{
	const struct conf *c = s->conf;
	struct guard_ask a, all = { .verb = GUARD_GROUP,
	    .number = GUARD_MEMBERS };
	size_t i;

	for (i = 0; i < c->ngroups; i++) {
		memset(&a, 0, sizeof(a));
		a.verb = GUARD_GROUP;
		a.number = (uint32_t)i;
		if (bit(s->used, i)) {
			say_members(s, &a, &c->groups[i]);
			guard_say(s->guard, &a);
		}
		say_members(s, &all, &c->groups[i]);
	}
	for (i = 0; i < c->inside.n; i++)
		say_prefix(s, &all, &c->inside.v[i]);
	guard_say(s->guard, &all);
}

static uint32_t
end_number(size_t group)
{
	return group == CONF_ANY ? GUARD_ANY : (uint32_t)group;
}

/* Under `mode: monitor` it is only counted. */
static void
say_segment(struct segments *s, size_t i)
{
	const struct conf_segment *g = &s->conf->segments[i];
	struct guard_ask a = { .verb = GUARD_SEGMENT, .number = (uint32_t)i,
	    .n = s->conf->monitor ? SEGMENT_ALLOW : (uint32_t)g->action,
	    .from = end_number(g->from), .to = end_number(g->to),
	    .nports = (uint32_t)g->nport };

	if (g->nport > 0)
		memcpy(a.ports, g->port, g->nport * sizeof(*a.ports));
	guard_say(s->guard, &a);
}

/* It has tags since before the daemon was started. */
static void
host_tagged(void *arg, const struct contained *c)
{
	struct endpoint key = c->who;

	if (key.by_mac)
		memset(&key.addr, 0, sizeof(key.addr));
	host_get(arg, &key);
}

void
segments_say(struct segments *s, struct guard *guard)
{
	struct guard_ask deny = { .verb = GUARD_DEFAULT };
	struct host *h, *next;
	size_t i;

	s->guard = guard;
	if (!conf_segmented(s->conf))
		return;
	say_groups(s);
	for (i = 0; i < s->conf->nsegments; i++)
		say_segment(s, i);
	deny.n = s->conf->segments_deny && !s->conf->monitor;
	guard_say(guard, &deny);
	contain_each(s->tags, host_tagged, s);
	for (i = 0; i < BUCKETS; i++)
		for (h = LIST_FIRST(&s->keys[i]); h != NULL; h = next) {
			next = LIST_NEXT(h, link);
			memset(h->in, 0, sizeof(h->in));
			host_renew(s, h);
			host_tidy(s, h);
		}
}

static void
metric(struct text *out, const char *name, int action, uint64_t packets)
{
	text_printf(out, "clearspan_segment_packets_total{segment=\"%s\","
	    "action=\"%s\"} %llu\n", name, conf_segment_action_str(action),
	    (unsigned long long)packets);
}

void
segments_metrics(struct segments *s, struct text *out)
{
	const struct conf *c = s->conf;
	struct guard_counts n;
	size_t i;

	if (c == NULL || !conf_segmented(c) || s->guard == NULL ||
	    guard_count(s->guard, &n) != 0)
		return;
	text_puts(out, "# HELP clearspan_segment_packets_total Packets that "
	    "were not intercepted, by the segment that decided.\n"
	    "# TYPE clearspan_segment_packets_total counter\n");
	for (i = 0; i < c->nsegments; i++)
		metric(out, c->segments[i].name, c->segments[i].action,
		    s->past[i] + n.packets[i]);
	if (c->segments_deny)
		metric(out, conf_segment_default.name,
		    conf_segment_default.action, s->past[CONF_SEGMENTS] +
		    n.packets[CONF_SEGMENTS]);
}
