/*
 * Nodes that are not plain sockets: an end that says a text, and a hop.
 */
#include "stream/node.h"

#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

struct speech {
	const char	*text;
	size_t		 len, said;
	enum end	 ended;		/* as reported to the reader */
	/* Until it has something to say: what it hears; or NULL. */
	void		(*heard)(void *, const uint8_t *, size_t);
	void		*arg;
};

static ssize_t
speech_read(void *arg, uint8_t *p, size_t len, enum end *how)
{
	struct speech *s = arg;

	if (s->heard != NULL)
		return ERR_AGAIN;
	if (s->said == s->len) {
		*how = s->ended = s->ended == END_NONE ? END_NOTIFY : END_FIN;
		return ERR_EOF;
	}
	if (len > s->len - s->said)
		len = s->len - s->said;
	memcpy(p, s->text + s->said, len);
	s->said += len;
	return (ssize_t)len;
}

static ssize_t
speech_write(void *arg, const uint8_t *p, size_t len)
{
	struct speech *s = arg;

	if (s->heard != NULL)
		s->heard(s->arg, p, len);
	return (ssize_t)len;
}

static int
speech_flush(void *arg)
{
	return 0;
}

static int
speech_shut(void *arg, enum end how)
{
	struct speech *s = arg;

	if (s->heard != NULL)
		s->heard(s->arg, NULL, 0);
	return 0;
}

static int
speech_pending(void *arg)
{
	struct speech *s = arg;

	return s->heard == NULL && s->ended != END_FIN;
}

static const struct transport_ops transport_speech = {
	.read = speech_read,
	.write = speech_write,
	.flush = speech_flush,
	.shut = speech_shut,
	.pending = speech_pending,
	.free = free,
};

void
node_listen(struct conn *c, void (*heard)(void *, const uint8_t *, size_t),
    void *arg)
{
	struct speech *s = xcalloc(1, sizeof(*s));

	s->heard = heard;
	s->arg = arg;
	conn_transport(c, &transport_speech, s);
}

void
node_say(struct conn *c, const char *text, size_t len)
{
	struct speech *s = c->tp;

	s->heard = NULL;
	s->text = text;
	s->len = len;
}

void
node_speak(struct conn *c, const char *text, size_t len)
{
	node_listen(c, NULL, NULL);
	node_say(c, text, len);
}

/*
 * An end of a hop. The device between them is plain TCP, which has no
 * close_notify: that becomes FIN on this side of the device, and on the other
 * side FIN is reported as what it was here. What a device ends by itself is
 * ended in order.
 */
struct port {
	struct sock	*sock;
	struct port	*other;
	struct ports	*both;
	enum end	 told;		/* of the end that goes to the device */
	unsigned	 notified:1;	/* ... close_notify was part of it */
	unsigned	 fin:1;		/* the device's has come */
	enum end	 ended;		/* as reported to the reader */
};

struct ports {
	struct port	 end[2];
	int		 open;
};

/* The end that the reader is told of next, or END_NONE: later. */
static enum end
port_next(const struct port *p)
{
	const struct port *o = p->other;

	if (!p->fin || p->ended == END_FIN)
		return END_NONE;
	if (p->ended == END_NOTIFY)
		return o->told == END_NOTIFY ? END_NONE : END_FIN;
	return o->told == END_FIN && !o->notified ? END_FIN : END_NOTIFY;
}

static ssize_t
port_read(void *arg, uint8_t *buf, size_t len, enum end *how)
{
	struct port *p = arg;
	enum end next;
	ssize_t n;

	if (!p->fin) {
		n = transport_plain.read(p->sock, buf, len, how);
		if (n != ERR_EOF)
			return n;
		p->fin = 1;
	}
	if ((next = port_next(p)) == END_NONE) {
		p->sock->readable = 0;
		return ERR_AGAIN;
	}
	*how = p->ended = next;
	return ERR_EOF;
}

static ssize_t
port_write(void *arg, const uint8_t *buf, size_t len)
{
	return transport_plain.write(((struct port *)arg)->sock, buf, len);
}

static int
port_flush(void *arg)
{
	return 0;
}

static int
port_shut(void *arg, enum end how)
{
	struct port *p = arg;
	int rv = 0;

	if (how == END_NOTIFY)
		p->notified = 1;
	if (p->told == END_NONE)
		rv = transport_plain.shut(p->sock, END_FIN);
	if (rv == 0)
		p->told = how;
	return rv;
}

static int
port_pending(void *arg)
{
	return port_next(arg) != END_NONE;
}

static void
port_free(void *arg)
{
	struct ports *both = ((struct port *)arg)->both;

	if (--both->open == 0)
		free(both);
}

static const struct transport_ops transport_port = {
	.read = port_read,
	.write = port_write,
	.flush = port_flush,
	.shut = port_shut,
	.pending = port_pending,
	.free = port_free,
};

void
node_hop(struct conn *inside, struct conn *outside)
{
	struct ports *both = xcalloc(1, sizeof(*both));
	struct conn *c[2] = { inside, outside };
	int i;

	both->open = 2;
	for (i = 0; i < 2; i++) {
		both->end[i].sock = &c[i]->sock;
		both->end[i].other = &both->end[!i];
		both->end[i].both = both;
		conn_transport(c[i], &transport_port, &both->end[i]);
	}
}
