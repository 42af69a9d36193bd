/*
 * The functions that the checks of `clearspan doctor` share: they print a
 * finding, and ask the system.
 */
#ifndef MAIN_DOCTOR_H
#define MAIN_DOCTOR_H

#include <stdint.h>

#include "net/link.h"

struct conf;

enum finding {
	FIND_OK,
	FIND_WARN,	/* perhaps intended, or a problem later */
	FIND_FAIL	/* keeps it from working */
};

struct doctor {
	const struct conf *conf;	/* NULL: the system alone */
	int		 transparent;	/* has, or may have, such listeners */
	int		 fails;
};

/* Print a line "ok|warn|FAIL  what: finding", and below it the command that
 * mends it, unless that is NULL or all is well. */
void	doctor_say(struct doctor *, enum finding, const char *what,
	    const char *mend, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));

/* The first number in a file of /proc or /sys, or -1. */
int64_t	doctor_number(const char *path);
int	doctor_has_cap(unsigned cap);		/* effective, CAP_* */

/* An interface: its state; kind (see link_kind()) and mtu, if it is there. kind
 * may be NULL. */
enum link doctor_port(const char *name, int *kind, unsigned *mtu);
/* Whether it has an address; a link-local IPv6 one does not count. */
int	doctor_port_address(const char *name);

void	doctor_mirrors(struct doctor *);	/* doctor_mirror.c */
void	doctor_chains(struct doctor *);		/* doctor_chain.c */
/* Look for the zone of a port in a running daemon, and into it. Returns the
 * port's MTU; 0: there is none, and nothing was said (doctor_zone.c). */
struct conf_device;
unsigned doctor_zone(struct doctor *, const struct conf_device *,
	    const char *what, const char *port);
/* Whether the zone helper of any daemon is there. */
int	doctor_zone_helper(void);
void	doctor_notify(struct doctor *);		/* here_notify.c */
void	doctor_routing(struct doctor *);	/* doctor_routing.c */

#endif
