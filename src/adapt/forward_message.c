/*
 * Sends a kept body to the receiver as there is room.
 */
#include "adapt/adapt.h"
#include "util/err.h"

/* How far reading may be ahead of sending. */
#define READ_AHEAD	(256 * 1024)

int
forward_message_head(struct adapted_message *m, const struct http_head *h,
    int body, int64_t length, unsigned flags)
{
	struct exchange *x = &m->a->x;
	int rv;

	rv = x->codec->head(x->conn, m->dir, h, body, length, flags);
	if (rv != 0)
		exchange_refuse(x, 502, "what a service made of the message "
		    "cannot be sent");
	return rv;
}

/*
 * Bound reading ahead. But bytes that were read must not take the room in the
 * flow that sending needs.
 */
static void
read_ahead(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	struct http_message *virgin = m->virgin;

	virgin->max = m->sent + READ_AHEAD;
	if (!virgin->ended && message_over(virgin) &&
	    x->codec->blocked(x->conn, m->dir)) {
		virgin->max = spool_size(virgin->body);
		x->user->wake(x->arg);
	}
}

/* 1: all of it is sent; 0: not yet; ERR_*: it never will be. */
static int
is_sent(const struct adapted_message *m, int rv)
{
	if (m->virgin->lost || (rv != 0 && rv != ERR_EOF))
		return ERR_SHORT;
	if (m->from == NULL)
		return 1;
	if (spool_ended(m->from) == -1)
		return ERR_SHORT;
	if (rv == 0 || spool_ended(m->from) == 0)
		return 0;
	/* A 206 may name a byte that never came. */
	return m->sent == spool_size(m->from) ? 1 : ERR_SHORT;
}

void
forward_message_more(struct adapted_message *m)
{
	struct exchange *x = &m->a->x;
	const uint8_t *p;
	size_t len, n;
	int rv = ERR_EOF, bad = 0;

	while (m->from != NULL &&
	    (rv = spool_at(m->from, m->sent, &p, &len)) == 0) {
		n = x->codec->data(x->conn, m->dir, p, len, &bad);
		if (n == 0)
			break;
		m->sent += n;
		spool_drop(m->from, m->sent);
	}
	if (m->from != NULL && m->from == m->virgin->body)
		read_ahead(m);
	rv = is_sent(m, rv);
	if (bad || rv < 0)
		exchange_break(x, "the message broke off");
	else if (rv == 1 && !x->codec->ended(x->conn, m->dir) &&
	    x->codec->end(x->conn, m->dir, m->now.head == NULL ?
	    &m->virgin->trailers : NULL) != 0)
		exchange_break(x, "the message is shorter than its head "
		    "says");
}
