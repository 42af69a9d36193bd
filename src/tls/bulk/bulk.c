/*
 * The transport of our own records: reading, writing and ending in the clear
 * over the channel that a takeover has made.
 */
#include "tls/bulk/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "tls/bulk/channel.h"
#include "util/err.h"
#include "util/mem.h"

/*
 * So much ciphertext as makes room bytes of clear, if it goes on in records
 * like the last: then none is left over to be parked.
 */
static size_t
bulk_wanted(const struct bulk *b, size_t room)
{
	size_t clear = b->clear > 0 ? b->clear : RECORD_CLEAR;
	size_t n = room < clear ? 1 : room / clear, whole = RECORD_HEAD;

	n *= clear + RECORD_EXTRA;
	if (n > room + RECORD_CLEAR / 16)
		n = room + RECORD_CLEAR / 16;
	/* But no less than the record that has begun. */
	if (b->c.in_len >= RECORD_HEAD)
		record_size(b->c.in, b->c.in_len, &whole);
	if (n < whole)
		n = whole;
	return n > b->c.in_len ? n - b->c.in_len : RECORD_HEAD;
}

/* A record that does not fit into the caller's room: the rest of it waits. */
static ssize_t
bulk_part(struct bulk *b)
{
	size_t used;
	ssize_t n;

	b->rest = xmalloc(RECORD_WIRE);
	b->c.beside = RECORD_WIRE;
	n = channel_open(b->channel, b->c.in, b->c.in_len, b->rest,
	    RECORD_WIRE, &used);
	ciphertext_used(&b->c, used);
	b->rest_off = 0;
	b->rest_len = n > 0 ? (size_t)n : 0;
	return n;
}

static size_t
bulk_rest(struct bulk *b, uint8_t *buf, size_t len)
{
	size_t n = b->rest_len < len ? b->rest_len : len;

	if (b->rest == NULL)
		return 0;
	memcpy(buf, b->rest + b->rest_off, n);
	b->rest_off += n;
	b->rest_len -= n;
	if (b->rest_len == 0) {
		free(b->rest);
		b->rest = NULL;
		b->c.beside = 0;
	}
	return n;
}

/* What is to be said because of what was read: an alert, a KeyUpdate. */
static void
bulk_react(struct bulk *b)
{
	struct channel *ch = b->channel;
	uint8_t *to = b->c.scratch->out + b->c.out_len;

	if (ch->failed && ch->alert != 0)
		b->c.out_len += channel_alert(ch, ch->alert, to);
	/* One at a time, else a peer that does not read fills our memory. */
	else if (!ch->failed && ch->answer && b->c.kept_len == 0)
		b->c.out_len += channel_due(ch, to);
	b->c.failed |= ch->failed;
}

static size_t
bulk_open(struct bulk *b, uint8_t *buf, size_t len)
{
	struct ciphertext *c = &b->c;
	size_t got, used;
	ssize_t n = 0;

	got = bulk_rest(b, buf, len);
	while (got < len && !b->channel->closed) {
		n = channel_open(b->channel, c->in, c->in_len, buf + got,
		    len - got, &used);
		if (n == ERR_SHORT) {
			if (ciphertext_fill(c, bulk_wanted(b, len - got)) != 0)
				break;
			continue;
		}
		if (n == ERR_MEM) {
			if (got > 0)
				break;
			n = bulk_part(b);
			got += bulk_rest(b, buf, len);
		} else if (n >= 0) {
			ciphertext_used(c, used);
			got += (size_t)n;
		}
		if (n < 0)
			break;
		if (n > 0)
			b->clear = (size_t)n;
	}
	bulk_react(b);
	return got;
}

ssize_t
bulk_read(void *arg, uint8_t *buf, size_t len, enum end *how)
{
	struct bulk *b = arg;
	size_t got = 0;

	b->c.recvs = 0;
	if (b->c.notified)
		return ciphertext_await_fin(&b->c, how);
	if (!b->c.failed)
		got = bulk_open(b, buf, len);
	ciphertext_park(&b->c);
	return got > 0 ? (ssize_t)got :
	    ciphertext_end(&b->c, b->channel->closed, how);
}

/* As many records as there is room for. */
static size_t
bulk_seal(struct bulk *b, const uint8_t *buf, size_t len)
{
	struct ciphertext *c = &b->c;
	size_t put = 0, n, size;

	while (put < len && !b->channel->failed &&
	    c->out_len + RECORD_CLEAR + 512 <= CIPHERTEXT_OUT) {
		n = len - put < RECORD_CLEAR ? len - put : RECORD_CLEAR;
		size = channel_data(b->channel, buf + put, n,
		    c->scratch->out + c->out_len);
		c->out_len += size;
		if (size > 0)
			put += n;
	}
	c->failed |= b->channel->failed;
	return put;
}

ssize_t
bulk_write(void *arg, const uint8_t *buf, size_t len)
{
	struct bulk *b = arg;
	size_t put;
	int rv;

	if ((rv = ciphertext_flush(&b->c)) != 0)
		return rv;
	if (!b->c.sock->writable)
		return ERR_AGAIN;
	put = bulk_seal(b, buf, len);
	ciphertext_park(&b->c);
	if (b->c.broken)
		return ERR_SYS;
	return put > 0 ? (ssize_t)put : ERR_TLS;
}

static void
bulk_notify(struct bulk *b)
{
	if (b->said || b->channel->failed)
		return;
	b->said = 1;
	b->c.out_len += channel_alert(b->channel, ALERT_CLOSE_NOTIFY,
	    b->c.scratch->out + b->c.out_len);
	ciphertext_park(&b->c);
}

int
bulk_shut(void *arg, enum end how)
{
	struct bulk *b = arg;

	if (how == END_NOTIFY)
		bulk_notify(b);
	return ciphertext_shut(&b->c, how);
}

int
bulk_pending(void *arg)
{
	const struct bulk *b = arg;
	const struct ciphertext *c = &b->c;

	return c->fin || c->broken || c->failed || b->rest_len > 0 ||
	    (b->channel->closed ? !c->notified :
	    channel_ready(c->in, c->in_len));
}

void
bulk_done(struct bulk *b)
{
	if (b->channel != NULL)
		channel_done(b->channel);
	free(b->channel);
	free(b->rest);
	ciphertext_done(&b->c);
}
