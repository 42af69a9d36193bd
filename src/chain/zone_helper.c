/*
 * A loop: a question, what it asks for, an answer.
 */
#include "chain/zone_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chain/zone_ns.h"
#include "chain/zone_wire.h"
#include "util/err.h"
#include "util/helper.h"
#include "util/log.h"
#include "util/mem.h"

/* SYS_ADMIN for namespaces, the others for what is in them. */
#define KEEP	(1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | \
		 1u << CAP_NET_RAW | 1u << CAP_NET_BIND_SERVICE)

struct helper {
	int		 fd, home;
	struct zone_ns	 zones[ZONE_MAX];
};

struct reply {
	struct zone_answer answer;
	int		 fds[ZONE_FDS];
	struct text	 why;
};

/*
 * A device that a reload changed has other zones, and the old ones may still be
 * there, with sessions in them. The configuration says whose the ports are.
 */
static void
take_over(struct helper *h, const struct zone_plan *p)
{
	size_t i, side;

	for (i = 0; i < ZONE_MAX; i++)
		for (side = 0; h->zones[i].used && side < ZONE_SIDES; side++)
			zone_ns_yield(&h->zones[i], p->side[side].port);
}

static int
do_open(struct helper *h, const struct zone_ask *a, struct reply *r)
{
	if (h->zones[a->id].used) {
		text_puts(&r->why, "there is such a zone already");
		return ERR_USAGE;
	}
	take_over(h, &a->plan);
	return zone_ns_open(&h->zones[a->id], &a->plan, h->home, &r->why);
}

static int
helper_do(struct helper *h, const struct zone_ask *a, size_t len,
    struct reply *r)
{
	struct zone_ns *z;

	if (zone_ask_check(a, len) != 0) {
		text_puts(&r->why, "the zone helper does not understand");
		return ERR_FORMAT;
	}
	z = &h->zones[a->id];
	if (a->verb != ZONE_OPEN && !z->used) {
		text_puts(&r->why, "there is no such zone");
		return ERR_NOTFOUND;
	}
	switch (a->verb) {
	case ZONE_OPEN:
		return do_open(h, a, r);
	case ZONE_LISTEN:
	case ZONE_SOCKETS:
		r->answer.nfds = a->n;
		return zone_ns_sockets(z, (enum zone_side)a->side,
		    (int)a->family, a->verb == ZONE_LISTEN ? a->port : 0,
		    r->fds, a->n);
	case ZONE_LINKS:
		r->answer.nfds = ZONE_SIDES;
		return zone_ns_links(z, r->fds);
	case ZONE_REPAIR:
		return zone_ns_repair(z, &r->why);
	default:		/* ZONE_CLOSE */
		zone_ns_close(z);
		return 0;
	}
}

/* Answer one question. Returns 0, or ERR_*: it is over. */
static int
helper_turn(struct helper *h)
{
	struct zone_ask ask;
	struct reply r = { .answer = { 0 } };
	size_t none = 0, i;
	int n;

	memset(&ask, 0, sizeof(ask));
	n = parcel_recv(h->fd, &ask, sizeof(ask), NULL, &none);
	if (n < 0)
		return n;
	r.answer.rv = helper_do(h, &ask, (size_t)n, &r);
	r.answer.err = errno;
	if (r.answer.rv != 0)
		r.answer.nfds = 0;
	if (r.why.len > 0)
		snprintf(r.answer.why, sizeof(r.answer.why), "%s", r.why.s);
	text_free(&r.why);
	n = parcel_send(h->fd, &r.answer, sizeof(r.answer), r.fds,
	    r.answer.nfds);
	for (i = 0; i < r.answer.nfds; i++)
		close(r.fds[i]);
	if (n == ERR_SYS && r.answer.nfds > 0) {	/* too many */
		r.answer.rv = ERR_LIMIT;
		r.answer.nfds = 0;
		n = parcel_send(h->fd, &r.answer, sizeof(r.answer), NULL,
		    0);
	}
	return n < 0 ? n : 0;
}

/* All of them first: until then clear text could still move. */
static void
helper_end(struct helper *h)
{
	size_t i;
	int n = 0;

	for (i = 0; i < ZONE_MAX; i++)
		if (h->zones[i].used)
			zone_ns_down(&h->zones[i]);
	for (i = 0; i < ZONE_MAX; i++)
		if (h->zones[i].used) {
			zone_ns_close(&h->zones[i]);
			n++;
		}
	if (n > 0)
		log_warn("the daemon is gone: the ports of %d device%s are "
		    "down", n, n == 1 ? "" : "s");
}

int
zone_helper(int fd)
{
	static struct helper h;
	int rv;

	if (helper_begin(fd, ZONE_HELPER_NAME) != 0) {
		fprintf(stderr, "clearspan: %s is what the daemon runs for "
		    "inline devices; it is of no other use\n",
		    ZONE_HELPER_ARG);
		return 2;
	}
	h.fd = fd;
	if ((h.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0) {
		log_error("zone helper: /proc/self/ns/net: %s",
		    strerror(errno));
		return 1;
	}
	helper_drop(HELPER_SAME, KEEP);
	while ((rv = helper_turn(&h)) == 0)
		;
	if (rv != ERR_EOF)
		log_error("zone helper: %s", err_str(rv));
	helper_end(&h);
	return rv == ERR_EOF ? 0 : 1;
}
