/*
 * The packet rules that bring forwarded TCP, and DNS over UDP if asked, to a
 * transparent listener: one nftables table, and a routing rule and a route for
 * each family. They are printed as a shell script, or applied.
 */
#ifndef MAIN_TPROXY_H
#define MAIN_TPROXY_H

#include "util/text.h"

/* The table is `inet clearspan`; the mark and routing table are ours alone. */
#define TPROXY_MARK	"0x4353"	/* "CS" */
#define TPROXY_TABLE	"17235"		/* the same number */
#define TPROXY_PREF	"1000"		/* before main's 32766 */
#define TPROXY_DNS	"\"dns\""	/* the comment of rules for DNS */

/* What happens to connections while nothing listens. */
enum tproxy_down {
	TPROXY_REJECT = 0,		/* they are reset */
	TPROXY_PASS			/* they are forwarded, unread */
};

/* UDP that is refused, so that clients fall back from QUIC to TCP at once. */
enum tproxy_quic {
	TPROXY_QUIC_443 = 0,		/* 443, if TCP to it is intercepted */
	TPROXY_QUIC_PORTS,		/* the same ports as TCP */
	TPROXY_QUIC_PASS		/* none */
};

struct tproxy {
	char		ifaces[512];	/* nft: "\"eth1\", \"eth2\"" */
	char		ports[512];	/* nft: "443, 8000-8100"; "": all */
	unsigned	port;		/* the listener's */
	enum tproxy_quic quic;
	enum tproxy_down when_down;
	int		dns;		/* UDP 53, too */
	int		forwarding;	/* switch it on, too */
};

/* Convert a list of names, or of ports and ranges, to nft's form; "all" becomes
 * "". Returns 0, or ERR_USAGE with *bad at the error. */
int	tproxy_ifaces(struct tproxy *, const char *csv, const char **bad);
int	tproxy_ports(struct tproxy *, const char *csv, const char **bad);

/* Print the script that applies the rules. */
void	tproxy_print(const struct tproxy *);

/*
 * Apply the rules in place of the present ones, or remove them. Returns 0, or
 * ERR_SYS with the failure and a remedy on stderr. Removing goes on after a
 * failure, and succeeds if there is nothing to remove.
 */
int	tproxy_up(const struct tproxy *);
int	tproxy_down(void);

/*
 * Save the present table as nft(8) lists it; empty if there is none. Restore
 * it, or no rules if it is empty. Returns 0 or ERR_SYS.
 */
void	tproxy_save(struct text *table);
int	tproxy_restore(const struct text *table);

/* Run a command without a shell. 0, or ERR_SYS with a remedy on stderr. */
int	tproxy_run(const char *command);

/*
 * Read the rules in place. Returns 0, or -1 if there are none, or none that
 * could be read.
 */
int	tproxy_read(struct tproxy *);

/* Convert a list from nft's form to that of the options: eth1,eth2. */
void	tproxy_plain(const char *nft, struct text *out);

/* The missing interfaces of the rules, with commas. */
void	tproxy_missing(const struct tproxy *, struct text *out);

/* Whether anything listens on the port of the rules. */
int	tproxy_listens(const struct tproxy *);

/* Whether DNS over UDP is taken there. */
int	tproxy_hears_dns(const struct tproxy *);

/* What happens to connections while nothing listens: "are reset". */
const char *tproxy_fate(const struct tproxy *);
/* And to queries of DNS: "are refused". */
const char *tproxy_dns_fate(const struct tproxy *);

/* Whether the kernel would accept the rules. Prints and changes nothing. 0 or
 * ERR_SYS. */
int	tproxy_probe(void);

/* In enable.c. Each prints its errors and returns the exit status. */

/*
 * Write and enable the unit that sets these rules at each boot, before the
 * network is up, and switches forwarding on. Needs root. Does not change the
 * present rules.
 */
int	transparent_enable(const struct tproxy *);

/* Remove the unit. The rules in place stay. */
int	transparent_disable(void);

/*
 * Print the rules, whether a listener exists, what happens to connections with
 * and without it, and whether the rules survive a reboot. Also returns
 * EXIT_FAILED if the rules, an interface or the listener are missing.
 */
int	transparent_status(void);

#endif
