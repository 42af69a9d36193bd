/*
 * The packet rules that bring forwarded TCP to a transparent listener: one
 * nftables table, one routing rule and one route per family. Shown as a
 * shell script, or applied.
 */
#ifndef MAIN_TPROXY_H
#define MAIN_TPROXY_H

#include "util/text.h"

/* The table is `inet clearspan`; the mark and routing table are ours alone. */
#define TPROXY_MARK	"0x4353"	/* "CS" */
#define TPROXY_TABLE	"17235"		/* the same number */
#define TPROXY_PREF	"1000"		/* before main's 32766 */

/* What becomes of the connections that no listener takes. */
enum tproxy_down {
	TPROXY_REJECT = 0,		/* they are reset */
	TPROXY_PASS			/* they are forwarded, unread */
};

struct tproxy {
	char		ifaces[512];	/* nft: "\"eth1\", \"eth2\"" */
	char		ports[512];	/* nft: "443, 8000-8100"; "": all */
	unsigned	port;		/* the listener's */
	int		block_quic;	/* refuse UDP to the same ports */
	enum tproxy_down when_down;
	int		forwarding;	/* switch it on, too */
};

/* A list of names or of ports and ranges into nft's form. 0, or ERR_USAGE
 * with *bad at what is wrong in it. "all" gives "". */
int	tproxy_ifaces(struct tproxy *, const char *csv, const char **bad);
int	tproxy_ports(struct tproxy *, const char *csv, const char **bad);

/* The script that applies it, to stdout. */
void	tproxy_print(const struct tproxy *);

/*
 * Apply (what was there is replaced) or remove. 0, or ERR_SYS with what went
 * wrong and what to do about it on stderr. Removing goes on past failures,
 * and nothing there is no failure.
 */
int	tproxy_up(const struct tproxy *);
int	tproxy_down(void);

/*
 * The table that is there now, as nft(8) lists it; nothing when there is none.
 * And back to it, or to no rules at all when it is empty: 0 or ERR_SYS.
 */
void	tproxy_save(struct text *table);
int	tproxy_restore(const struct text *table);

/* A command without a shell; 0, or ERR_SYS with what to do on stderr. */
int	tproxy_run(const char *command);

/*
 * tproxy_state.c. The rules that are in place: 0; -1 when there are none, or
 * none that could be read.
 */
int	tproxy_read(struct tproxy *);

/* A list of nft's as the options have it: eth1,eth2. */
void	tproxy_plain(const char *nft, struct text *out);

/* The interfaces of the rules that are not there, with commas. */
void	tproxy_missing(const struct tproxy *, struct text *out);

/* Whether anything listens on the rules' port here. */
int	tproxy_listens(const struct tproxy *);

/* What connections do while nothing listens: "are reset". */
const char *tproxy_fate(const struct tproxy *);

/* Whether the kernel would take the rules; says and changes nothing. 0 or
 * ERR_SYS. */
int	tproxy_probe(void);

#endif
