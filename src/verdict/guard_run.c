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
#include "util/text.h"

#define TABLE		"inet clearspan_guard"
#define NOBODY		65534

/*
 * A map for each way of knowing an endpoint. What it sends is looked up by its
 * source, what it gets by its destination; -20: before the filters of others.
 */
#define BASE								\
	"add table " TABLE "\n"						\
	"delete table " TABLE "\n"					\
	"table " TABLE " {\n"						\
	" map mac { type ether_addr : verdict; flags timeout; }\n"	\
	" map from4 { type ipv4_addr : verdict; flags timeout; }\n"	\
	" map from6 { type ipv6_addr : verdict; flags timeout; }\n"	\
	" map to4 { type ipv4_addr : verdict; flags timeout; }\n"	\
	" map to6 { type ipv6_addr : verdict; flags timeout; }\n"	\
	" chain forward {\n"						\
	"  type filter hook forward priority -20; policy accept;\n"	\
	"  ether saddr vmap @mac\n"					\
	"  ip saddr vmap @from4\n"					\
	"  ip6 saddr vmap @from6\n"					\
	"  ip daddr vmap @to4\n"					\
	"  ip6 daddr vmap @to6\n"					\
	" }\n"								\
	"}\n"
/*
 * Servers that are denied to everybody, whatever a profile lets through: a
 * chain of its own, for what one accepts the next one may still drop.
 */
#define DENIED								\
	"table " TABLE " {\n"						\
	" set denied4 { type ipv4_addr; flags timeout; }\n"		\
	" set denied6 { type ipv6_addr; flags timeout; }\n"		\
	" chain deny {\n"						\
	"  meta l4proto tcp counter reject with tcp reset\n"		\
	"  counter reject with icmpx admin-prohibited\n"		\
	" }\n"								\
	" chain denied {\n"						\
	"  type filter hook forward priority -21; policy accept;\n"	\
	"  ip saddr @denied4 counter drop\n"				\
	"  ip6 saddr @denied6 counter drop\n"				\
	"  ip daddr @denied4 goto deny\n"				\
	"  ip6 daddr @denied6 goto deny\n"				\
	" }\n"								\
	"}\n"

struct guard_state {
	int		 fd;
	int		 release;	/* the table goes when we end */
	struct nft_ctx	*nft;
	struct text	 script;
};

int
guard_ask_check(const struct guard_ask *a, size_t len)
{
	size_t i;

	if (len != sizeof(*a) || a->verb < GUARD_BEGIN || a->verb > GUARD_DO ||
	    a->number >= GUARD_PROFILES || a->nservers > GUARD_PREFIXES ||
	    a->ndns > GUARD_PREFIXES)
		return ERR_FORMAT;
	for (i = 0; i < a->nservers + a->ndns; i++) {
		const struct prefix *p = i < a->nservers ? &a->servers[i] :
		    &a->dns[i - a->nservers];

		if (!(p->family == AF_INET && p->bits <= 32) &&
		    !(p->family == AF_INET6 && p->bits <= 128))
			return ERR_FORMAT;
	}
	if (a->verb >= GUARD_HOLD && a->verb <= GUARD_PERMIT &&
	    (!a->who.by_mac || a->verb >= GUARD_DENY) &&
	    a->who.addr.sa.sa_family != AF_INET &&
	    a->who.addr.sa.sa_family != AF_INET6)
		return ERR_FORMAT;
	return 0;
}

/* A rule for each prefix: the far end, and behind it the ports or "". */
static void
script_lets(struct text *t, uint32_t number, const struct prefix *p,
    const char *ports[2])
{
	char s[ADDR_STRLEN];
	struct addr a = prefix_addr(p, 0);
	const char *ip = p->family == AF_INET ? "ip" : "ip6";

	addr_ip_str(&a, s);
	text_printf(t, "add rule " TABLE " out%u %s daddr %s/%u %s accept\n",
	    number, ip, s, p->bits, ports[0]);
	text_printf(t, "add rule " TABLE " in%u %s saddr %s/%u %s accept\n",
	    number, ip, s, p->bits, ports[1]);
}

static void
script_profile(struct text *t, const struct guard_ask *a)
{
	static const char *all[2] = { "", "" };
	static const char *dns[2] = { "meta l4proto { tcp, udp } th dport 53",
	    "meta l4proto { tcp, udp } th sport 53" };
	uint32_t i, n = a->number;

	text_printf(t, "add chain " TABLE " out%u\nadd chain " TABLE
	    " in%u\n", n, n);
	for (i = 0; i < a->nservers; i++)
		script_lets(t, n, &a->servers[i], all);
	for (i = 0; i < a->ndns; i++)
		script_lets(t, n, &a->dns[i], dns);
	text_printf(t, "add rule " TABLE " out%u meta l4proto tcp counter "
	    "reject with tcp reset\n"
	    "add rule " TABLE " out%u counter reject with icmpx "
	    "admin-prohibited\n"
	    "add rule " TABLE " in%u counter drop\n", n, n, n);
}

/* An element is added before it is deleted: it may have timed out. */
static void
script_element(struct text *t, const char *map, const char *key,
    const char *chain, const struct guard_ask *a)
{
	text_printf(t, "add element " TABLE " %s { %s timeout %us : goto "
	    "%s%u }\n", map, key, a->verb == GUARD_HOLD ? a->n : 60, chain,
	    a->number);
	if (a->verb == GUARD_FREE)
		text_printf(t, "delete element " TABLE " %s { %s }\n", map,
		    key);
}

static void
script_endpoint(struct text *t, const struct guard_ask *a)
{
	int v6 = a->who.addr.sa.sa_family == AF_INET6;
	char s[ADDR_STRLEN];

	endpoint_str(&a->who, s);
	if (a->who.by_mac) {
		script_element(t, "mac", s, "out", a);
		return;
	}
	script_element(t, v6 ? "from6" : "from4", s, "out", a);
	script_element(t, v6 ? "to6" : "to4", s, "in", a);
}

/* As above: it may have timed out. */
static void
script_denied(struct text *t, const struct guard_ask *a)
{
	const char *set = a->who.addr.sa.sa_family == AF_INET6 ? "denied6" :
	    "denied4";
	char s[ADDR_STRLEN];

	addr_ip_str(&a->who.addr, s);
	text_printf(t, "add element " TABLE " %s { %s timeout %us }\n", set,
	    s, a->verb == GUARD_DENY ? a->n : 60);
	if (a->verb == GUARD_PERMIT)
		text_printf(t, "delete element " TABLE " %s { %s }\n", set,
		    s);
}

/* The first line of what nft says is what is wrong. */
static void
guard_do(struct guard_state *g, struct guard_answer *r)
{
	const char *said;
	int failed;

	failed = nft_run_cmd_from_buffer(g->nft, g->script.s != NULL ?
	    g->script.s : "");
	said = nft_ctx_get_error_buffer(g->nft);
	if (failed) {
		r->rv = said != NULL && strstr(said, "not permitted") != NULL ?
		    ERR_DENIED : ERR_SYS;
		snprintf(r->why, sizeof(r->why), "nftables: %.*s",
		    said != NULL ? (int)strcspn(said, "\n") : 0,
		    said != NULL ? said : "");
	}
	text_clear(&g->script);
}

/* Do what one message says. Returns 0, or ERR_*: it is over. */
static int
guard_turn(struct guard_state *g)
{
	struct guard_answer r = { 0 };
	struct guard_ask a;
	ssize_t n;

	if ((n = recv(g->fd, &a, sizeof(a), 0)) <= 0)
		return n == 0 ? ERR_EOF : ERR_SYS;
	if (guard_ask_check(&a, (size_t)n) != 0)
		return ERR_FORMAT;
	switch (a.verb) {
	case GUARD_BEGIN:
		text_clear(&g->script);
		text_puts(&g->script, BASE DENIED);
		g->release = a.n == 1;
		return 0;
	case GUARD_PROFILE:
		script_profile(&g->script, &a);
		return 0;
	case GUARD_DO:
		guard_do(g, &r);
		return send(g->fd, &r, sizeof(r), MSG_NOSIGNAL) ==
		    sizeof(r) ? 0 : ERR_EOF;
	case GUARD_DENY:
	case GUARD_PERMIT:
		script_denied(&g->script, &a);
		return 0;
	default:
		script_endpoint(&g->script, &a);
		return 0;
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
	if (helper_drop(NOBODY, 1u << CAP_NET_ADMIN) != 0 ||
	    (g.nft = nft_ctx_new(0)) == NULL) {
		log_error("guard: cannot start: %m");
		return 1;
	}
	nft_ctx_buffer_error(g.nft);
	nft_ctx_buffer_output(g.nft);
	while ((rv = guard_turn(&g)) == 0)
		;
	if (rv != ERR_EOF)
		log_error("guard: %s", err_str(rv));
	if (g.release)
		nft_run_cmd_from_buffer(g.nft, "delete table " TABLE);
	text_free(&g.script);
	nft_ctx_free(g.nft);
	return rv == ERR_EOF ? 0 : 1;
}
