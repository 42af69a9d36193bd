/*
 * The guard's process. Each verb adds to a script of nft(8), which GUARD_DO
 * has the kernel take as one transaction.
 */
#include "verdict/guard_wire.h"

#include <linux/capability.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/err.h"
#include "util/helper.h"
#include "util/log.h"
#include "util/parcel.h"
#include "util/text.h"


/*
 * A map for each way of knowing an endpoint. What it sends is looked up by its
 * source, what it gets by its destination; -20: before the filters of others.
 */
#define MAPS								\
	" map mac { type ether_addr : verdict; flags timeout; }\n"	\
	" map from4 { type ipv4_addr : verdict; flags timeout; }\n"	\
	" map from6 { type ipv6_addr : verdict; flags timeout; }\n"	\
	" map to4 { type ipv4_addr : verdict; flags timeout; }\n"	\
	" map to6 { type ipv6_addr : verdict; flags timeout; }\n"
#define HOOK	"  type filter hook forward priority -20; policy accept;\n"
#define LOOKS								\
	"  ether saddr vmap @mac\n"					\
	"  ip saddr vmap @from4\n"					\
	"  ip6 saddr vmap @from6\n"					\
	"  ip daddr vmap @to4\n"					\
	"  ip6 daddr vmap @to6\n"
static const char *const bases[] = {
	"table inet " GUARD_TABLE " {\n"
	MAPS " chain forward {\n" HOOK GUARD_FIND LOOKS " }\n}\n",
	/* On a bridge, too, an endpoint may find others, and its address. */
	"table bridge " GUARD_TABLE " {\n"
	MAPS " map tomac { type ether_addr : verdict; flags timeout; }\n"
	" chain forward {\n" HOOK
	"  meta protocol arp accept\n"
	"  udp sport { 67, 68, 546, 547 } udp dport { 67, 68, 546, 547 } "
	"accept\n"
	GUARD_FIND
	LOOKS "  ether daddr vmap @tomac\n }\n}\n"
};

/*
 * Servers that are denied to everybody, whatever a profile lets through: a
 * chain of its own, for what one accepts the next one may still drop.
 */
#define DENIALS								\
	"table %s {\n"							\
	" set denied4 { type ipv4_addr; flags timeout; }\n"		\
	" set denied6 { type ipv6_addr; flags timeout; }\n"		\
	" chain deny {\n%s  counter drop\n }\n"			\
	" chain denied {\n"						\
	"  type filter hook forward priority -21; policy accept;\n"	\
	"  ip saddr @denied4 counter drop\n"				\
	"  ip6 saddr @denied6 counter drop\n"				\
	"  ip daddr @denied4 goto deny\n"				\
	"  ip6 daddr @denied6 goto deny\n"				\
	" }\n"								\
	"}\n"
/* A bridge cannot refuse what it forwards. */
#define REFUSES								\
	"  meta l4proto tcp counter reject with tcp reset\n"		\
	"  counter reject with icmpx admin-prohibited\n"

struct guard_state {
	int		 fd;
	int		 release;	/* the table goes when we end */
	int		 bridge;	/* the kernel filters bridges */
	struct nft_ctx	*nft;
	/* To be run before the script: what takes away the tables; and instead
	 * of that, if it is possible, what leaves their memory. */
	struct text	 fresh, keep;
	struct text	 script;
};

static const char *
table(int bridge)
{
	return bridge ? "bridge " GUARD_TABLE : "inet " GUARD_TABLE;
}

static int
prefixes_ok(const struct prefix *p, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n && i < GUARD_PREFIXES; i++)
		if (!(p[i].family == AF_INET && p[i].bits <= 32) &&
		    !(p[i].family == AF_INET6 && p[i].bits <= 128))
			return 0;
	return n <= GUARD_PREFIXES;
}

static int
segment_ok(const struct guard_ask *a)
{
	uint32_t i;

	for (i = 0; i < a->nports && i < CONF_SEGMENT_PORTS; i++)
		if (a->ports[i].lo > a->ports[i].hi)
			return 0;
	return a->nports <= CONF_SEGMENT_PORTS && a->number < CONF_SEGMENTS &&
	    a->n <= SEGMENT_RESET &&
	    (a->from < CONF_GROUPS || a->from == GUARD_ANY) &&
	    (a->to < CONF_GROUPS || a->to == GUARD_ANY);
}

static int
group_ok(const struct guard_ask *a)
{
	uint32_t i;

	for (i = 0; i < a->nmacs && i < GUARD_MACS; i++)
		if (a->macs[i].bytes > MAC_LEN)
			return 0;
	return a->nmacs <= GUARD_MACS && a->number < GUARD_GROUPS;
}

static int
who_ok(const struct endpoint *who)
{
	return who->by_mac || who->addr.sa.sa_family == AF_INET ||
	    who->addr.sa.sa_family == AF_INET6;
}

int
guard_ask_check(const struct guard_ask *a, size_t len)
{
	int ok;

	if (len != sizeof(*a) || !prefixes_ok(a->servers, a->nservers) ||
	    !prefixes_ok(a->dns, a->ndns))
		return ERR_FORMAT;
	switch (a->verb) {
	case GUARD_BEGIN:
	case GUARD_DEFAULT:
	case GUARD_COUNT:
	case GUARD_DO:
		ok = 1;
		break;
	case GUARD_PROFILE:
		ok = a->number < GUARD_PROFILES;
		break;
	case GUARD_HOLD:
	case GUARD_FREE:
		ok = a->number < GUARD_PROFILES && who_ok(&a->who);
		break;
	case GUARD_DENY:
	case GUARD_PERMIT:
		ok = !a->who.by_mac && who_ok(&a->who);
		break;
	case GUARD_GROUP:
		ok = group_ok(a);
		break;
	case GUARD_SEGMENT:
		ok = segment_ok(a);
		break;
	case GUARD_JOIN:
	case GUARD_LEAVE:
		ok = a->number < GUARD_GROUPS && who_ok(&a->who);
		break;
	default:
		ok = 0;
	}
	return ok ? 0 : ERR_FORMAT;
}

/* A rule for each prefix: the far end, and behind it the ports or "". */
static void
script_lets(struct text *t, uint32_t number, const struct prefix *p,
    const char *ports[2], int bridge)
{
	char s[ADDR_STRLEN];
	struct addr a = prefix_addr(p, 0);
	const char *ip = p->family == AF_INET ? "ip" : "ip6";

	addr_ip_str(&a, s);
	text_printf(t, "add rule %s out_%u %s daddr %s/%u %s accept\n",
	    table(bridge), number, ip, s, p->bits, ports[0]);
	text_printf(t, "add rule %s in_%u %s saddr %s/%u %s accept\n",
	    table(bridge), number, ip, s, p->bits, ports[1]);
}

static void
script_profile(struct text *t, const struct guard_ask *a, int bridge)
{
	static const char *all[2] = { "", "" };
	static const char *dns[2] = { "meta l4proto { tcp, udp } th dport 53",
	    "meta l4proto { tcp, udp } th sport 53" };
	uint32_t i, n = a->number;

	text_printf(t, "add chain %s out_%u\nadd chain %s in_%u\n",
	    table(bridge), n, table(bridge), n);
	for (i = 0; i < a->nservers; i++)
		script_lets(t, n, &a->servers[i], all, bridge);
	for (i = 0; i < a->ndns; i++)
		script_lets(t, n, &a->dns[i], dns, bridge);
	if (!bridge)
		text_printf(t, "add rule %s out_%u meta l4proto tcp counter "
		    "reject with tcp reset\n"
		    "add rule %s out_%u counter reject with icmpx "
		    "admin-prohibited\n", table(bridge), n, table(bridge), n);
	text_printf(t, "add rule %s out_%u counter drop\n"
	    "add rule %s in_%u counter drop\n", table(bridge), n,
	    table(bridge), n);
}

/* An element is added before it is deleted: it may have timed out. */
static void
script_element(struct text *t, const char *map, const char *key,
    const char *chain, const struct guard_ask *a, int bridge)
{
	text_printf(t, "add element %s %s { %s timeout %us : goto "
	    "%s_%u }\n", table(bridge), map, key, a->verb == GUARD_HOLD ?
	    a->n : 60, chain, a->number);
	if (a->verb == GUARD_FREE)
		text_printf(t, "delete element %s %s { %s }\n", table(bridge),
		    map, key);
}

static void
script_endpoint(struct text *t, const struct guard_ask *a, int bridge)
{
	int v6 = a->who.addr.sa.sa_family == AF_INET6;
	char s[ADDR_STRLEN];

	endpoint_str(&a->who, s);
	if (!a->who.by_mac) {
		script_element(t, v6 ? "from6" : "from4", s, "out", a, bridge);
		script_element(t, v6 ? "to6" : "to4", s, "in", a, bridge);
		return;
	}
	script_element(t, "mac", s, "out", a, bridge);
	if (bridge)
		script_element(t, "tomac", s, "in", a, bridge);
}

/* As above: it may have timed out. */
static void
script_denied(struct text *t, const struct guard_ask *a, int bridge)
{
	const char *set = a->who.addr.sa.sa_family == AF_INET6 ? "denied6" :
	    "denied4";
	char s[ADDR_STRLEN];

	addr_ip_str(&a->who.addr, s);
	text_printf(t, "add element %s %s { %s timeout %us }\n",
	    table(bridge), set, s, a->verb == GUARD_DENY ? a->n : 60);
	if (a->verb == GUARD_PERMIT)
		text_printf(t, "delete element %s %s { %s }\n", table(bridge),
		    set, s);
}

static void
script_begin(struct text *t, const struct guard_ask *a, int bridge)
{
	text_puts(t, bases[bridge]);
	text_printf(t, DENIALS, table(bridge), bridge ? "" : REFUSES);
	if (a->number == 1)
		script_segments(t, bridge);
}

/* What a message adds to a table. */
static void
script_add(struct text *t, const struct guard_ask *a, int bridge)
{
	switch (a->verb) {
	case GUARD_BEGIN:
		script_begin(t, a, bridge);
		break;
	case GUARD_PROFILE:
		script_profile(t, a, bridge);
		break;
	case GUARD_HOLD:
	case GUARD_FREE:
		script_endpoint(t, a, bridge);
		break;
	case GUARD_DENY:
	case GUARD_PERMIT:
		script_denied(t, a, bridge);
		break;
	case GUARD_GROUP:
		script_group(t, a, bridge);
		break;
	case GUARD_SEGMENT:
		script_segment(t, a, bridge);
		break;
	case GUARD_DEFAULT:
		script_default(t, a, bridge);
		break;
	default:
		script_member(t, a, bridge);
	}
}

/* Returns 0: it is done. */
static int
guard_try(struct guard_state *g, const struct text *head)
{
	struct text all = { 0 };
	int failed = 0;

	text_printf(&all, "%s%s", head->s != NULL ? head->s : "",
	    g->script.s != NULL ? g->script.s : "");
	if (all.len > 0)	/* a name is denied by the proxy alone */
		failed = nft_run_cmd_from_buffer(g->nft, all.s);
	text_free(&all);
	return failed;
}

/* The first line of what nft says is what is wrong. A memory that another
 * release has left may be of another form. */
static void
guard_do(struct guard_state *g, struct guard_answer *r)
{
	const char *said;
	int failed = 1;

	if (g->keep.len > 0)
		failed = guard_try(g, &g->keep);
	if (failed)
		failed = guard_try(g, &g->fresh);
	said = nft_ctx_get_error_buffer(g->nft);
	if (failed) {
		r->rv = said != NULL && strstr(said, "not permitted") != NULL ?
		    ERR_DENIED : ERR_SYS;
		snprintf(r->why, sizeof(r->why), "nftables: %.*s",
		    said != NULL ? (int)strcspn(said, "\n") : 0,
		    said != NULL ? said : "");
	}
	text_clear(&g->fresh);
	text_clear(&g->keep);
	text_clear(&g->script);
}

/* The tables are made anew: take away what is there. */
static void
guard_begin(struct guard_state *g, const struct guard_ask *a)
{
	int i;

	text_clear(&g->fresh);
	text_clear(&g->keep);
	text_clear(&g->script);
	g->release = a->n == 1;
	for (i = 0; i <= g->bridge; i++)
		text_printf(&g->fresh, "add table %s\ndelete table %s\n",
		    table(i), table(i));
	if (!g->bridge || a->number != 1)
		return;
	nft_ctx_output_set_flags(g->nft, NFT_CTX_OUTPUT_JSON |
	    NFT_CTX_OUTPUT_TERSE);
	if (nft_run_cmd_from_buffer(g->nft, "list table bridge "
	    GUARD_TABLE) == 0 && script_clear(&g->keep,
	    nft_ctx_get_output_buffer(g->nft)) == 0)
		text_printf(&g->keep, "add table %s\ndelete table %s\n",
		    table(0), table(0));
	nft_ctx_output_set_flags(g->nft, 0);
}

static int
guard_tell(const struct guard_state *g, const void *answer, size_t len)
{
	return parcel_send(g->fd, answer, len, NULL, 0) < 0 ? ERR_EOF : 0;
}

/* Read the counters of both tables. */
static int
guard_count(struct guard_state *g)
{
	struct guard_counts c = { { 0 } };
	char ask[100];
	int i;

	nft_ctx_output_set_flags(g->nft, NFT_CTX_OUTPUT_JSON);
	for (i = 0; i <= g->bridge; i++) {
		snprintf(ask, sizeof(ask), "list counters table %s", table(i));
		if (nft_run_cmd_from_buffer(g->nft, ask) == 0)
			guard_counted(nft_ctx_get_output_buffer(g->nft), &c);
	}
	nft_ctx_output_set_flags(g->nft, 0);
	return guard_tell(g, &c, sizeof(c));
}

/* Do what one message says. Returns 0, or ERR_*: it is over. */
static int
guard_turn(struct guard_state *g)
{
	struct guard_answer r = { 0 };
	struct guard_ask a;
	int n, i;

	if ((n = parcel_recv(g->fd, &a, sizeof(a), NULL, NULL)) < 0)
		return n;
	if (guard_ask_check(&a, (size_t)n) != 0)
		return ERR_FORMAT;
	if (a.verb == GUARD_COUNT)
		return guard_count(g);
	if (a.verb == GUARD_DO) {
		guard_do(g, &r);
		return guard_tell(g, &r, sizeof(r));
	}
	if (a.verb == GUARD_BEGIN)
		guard_begin(g, &a);
	for (i = 0; i <= g->bridge; i++)
		script_add(&g->script, &a, i);
	return 0;
}

/* Whether the kernel has tables for bridges. */
static int
guard_bridges(struct guard_state *g)
{
	return nft_run_cmd_from_buffer(g->nft, "add table bridge " GUARD_TABLE
	    "\nadd chain bridge " GUARD_TABLE " forward { type filter hook "
	    "forward priority -20; }\n") == 0;
}

static void
guard_release(struct guard_state *g)
{
	char ask[100];
	int i;

	for (i = 0; i <= g->bridge; i++) {
		snprintf(ask, sizeof(ask), "delete table %s", table(i));
		nft_run_cmd_from_buffer(g->nft, ask);
	}
}

int
guard_run(int fd)
{
	struct guard_state g = { .fd = fd };
	int rv;

	if (helper_begin(fd, GUARD_NAME) != 0) {
		fprintf(stderr, "clearspan: %s is what the daemon runs for "
		    "quarantines; it is of no other use\n", GUARD_ARG);
		return 2;
	}
	/* No file of root's is ours. */
	if (helper_drop(HELPER_NOBODY, 1u << CAP_NET_ADMIN) != 0 ||
	    (g.nft = nft_ctx_new(0)) == NULL) {
		log_error("guard: cannot start: %m");
		return 1;
	}
	nft_ctx_buffer_error(g.nft);
	nft_ctx_buffer_output(g.nft);
	if (!(g.bridge = guard_bridges(&g)))
		log_info("guard: this kernel cannot filter bridges; what is "
		    "forwarded by routes is judged all the same");
	while ((rv = guard_turn(&g)) == 0)
		;
	if (rv != ERR_EOF)
		log_error("guard: %s", err_str(rv));
	if (g.release)
		guard_release(&g);
	text_free(&g.fresh);
	text_free(&g.keep);
	text_free(&g.script);
	nft_ctx_free(g.nft);
	return rv == ERR_EOF ? 0 : 1;
}
