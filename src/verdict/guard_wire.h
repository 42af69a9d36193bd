/*
 * What the daemon and the guard say to each other: messages of one kind, and an
 * answer to GUARD_DO. The guard believes nothing that guard_ask_check() has not
 * seen.
 */
#ifndef VERDICT_GUARD_WIRE_H
#define VERDICT_GUARD_WIRE_H

#include "conf/group.h"
#include "conf/segment.h"
#include "util/mac.h"
#include "util/text.h"
#include "verdict/contain.h"

#define GUARD_NAME	"clearspan-guard"	/* comm (proc(5)) */
#define GUARD_ARG	"--guard"

#define GUARD_PROFILES	65	/* of the configuration, and one for none */
#define GUARD_PREFIXES	64

enum guard_verb {
	GUARD_BEGIN = 1,	/* the tables anew; n: 1, they go when we end;
				 * number: 1, there are segments */
	GUARD_PROFILE,		/* number, and what it lets through */
	GUARD_HOLD,		/* who, under profile number, for s seconds */
	GUARD_FREE,		/* who, of profile number */
	GUARD_DENY,		/* the address of who, for n seconds */
	GUARD_PERMIT,		/* no longer */
	/* Segments, in this order after the profiles. */
	GUARD_GROUP,		/* number, and members of it: prefixes in
				 * servers, and macs; several times if they are
				 * many */
	GUARD_SEGMENT,		/* number, from, to, ports, n: its action */
	GUARD_DEFAULT,		/* n: 1, what goes to a member of group
				 * GUARD_MEMBERS is denied */
	GUARD_JOIN,		/* who is in group number now ... */
	GUARD_LEAVE,		/* ... or no longer */
	GUARD_COUNT,		/* answered with a struct guard_counts */
	GUARD_DO		/* all since the last one; it is answered */
};

#define GUARD_MEMBERS	CONF_GROUPS	/* group of the members of any */
#define GUARD_GROUPS	(CONF_GROUPS + 1)
#define GUARD_ANY	UINT32_MAX	/* in place of a group */
#define GUARD_MACS	64
#define GUARD_COUNTS	(CONF_SEGMENTS + 1)	/* the last: of the default */

struct guard_ask {
	uint32_t	 verb;
	uint32_t	 number;
	uint32_t	 n;		/* s, or what the verb says */
	uint32_t	 nservers, ndns;
	uint32_t	 from, to, nports, nmacs;
	struct endpoint	 who;
	struct conf_ports ports[CONF_SEGMENT_PORTS];
	struct mac_pattern macs[GUARD_MACS];
	struct prefix	 servers[GUARD_PREFIXES], dns[GUARD_PREFIXES];
};

struct guard_answer {
	int32_t		 rv;		/* 0, ERR_DENIED or ERR_SYS */
	char		 why[500];
};

struct guard_counts {		/* packets of each segment, by its number */
	uint64_t	 packets[GUARD_COUNTS];
};

/* Returns 0, or ERR_FORMAT: no question that the daemon would ask. */
int	guard_ask_check(const struct guard_ask *, size_t len);

/* The process: serve on fd until the daemon has gone. Returns the exit
 * status. */
int	guard_run(int fd);

/*
 * The script of nft(8) for groups and segments, in guard_segment.c. bridge: for
 * the table bridge, in which a frame has both MAC addresses, and conntrack may
 * be missing; else for the table inet.
 */
#define GUARD_TABLE	"clearspan_guard"
/* How hosts find each other by IPv6; nothing that a router forwards (RFC 4861,
 * 7.1). */
#define GUARD_FIND	"  icmpv6 type { nd-neighbor-solicit, "		\
	"nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept\n"
void	script_segments(struct text *, int bridge);	/* their chains */
void	script_group(struct text *, const struct guard_ask *, int bridge);
void	script_segment(struct text *, const struct guard_ask *, int bridge);
void	script_default(struct text *, const struct guard_ask *, int bridge);
void	script_member(struct text *, const struct guard_ask *, int bridge);
/*
 * Empty the table bridge, but for its memory of flows, by what `nft -j list
 * table` says it has; in guard_keep.c. Returns 0; or ERR_NOTFOUND (it has no
 * such memory) or ERR_FORMAT, with an empty script.
 */
int	script_clear(struct text *, const char *json);
/* Add what `nft -j list counters` says to the counts. */
void	guard_counted(const char *json, struct guard_counts *);

#endif
