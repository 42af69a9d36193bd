/*
 * Mirror ports: frames of the decrypted conversations on an interface.
 *
 * All workers share one raw socket: a send is whole or fails, and the device's
 * queue has the lock. With PACKET_VNET_HDR the kernel copies straight from the
 * plaintext, and segments and checksums the copy. Sends never wait: a frame
 * that the port does not take is lost and counted, and the recorder sees a gap
 * in the sequence.
 */
#include <sys/socket.h>

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "sink/port.h"
#include "sink/sinks.h"
#include "sink/strip.h"
#include "sink/synth.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define MIRROR_BATCH	64

struct mirror {
	struct synth_sink synth;	/* first */
	struct port	*port;
	unsigned	 mtu;		/* configured; 0: the port's */
	struct log_gate	 gate;
};

struct mirror_seat {
	struct synth_seat synth;	/* first: synth's ops see only it */
	struct mirror	*mirror;
	int		 watches;
	unsigned	 n;		/* frames in the batch */
	struct frame	 frame[MIRROR_BATCH];
	struct virtio_net_hdr vnet[MIRROR_BATCH];
	struct iovec	 iov[MIRROR_BATCH][3];
	struct mmsghdr	 msg[MIRROR_BATCH];
};

static void	mirror_flush(struct synth_seat *);

static void
mirror_close(void *sink)
{
	struct mirror *m = sink;

	port_close(m->port);
	synth_sink_clear(&m->synth);
	free(m);
}

static int
mirror_open(const struct conf_mirror *c, void **sink, struct text *why)
{
	struct mirror *m = xcalloc(1, sizeof(*m));
	int rv;

	m->mtu = c->mtu;
	if ((rv = synth_sink_init(&m->synth, c, why)) != 0 ||
	    (rv = port_open(c->interface, m->synth.name, c->offload, &m->port,
	    why)) != 0) {
		mirror_close(m);
		return rv;
	}
	*sink = m;
	return 0;
}

static enum synth_mode
mirror_ready(struct synth_seat *seat)
{
	struct mirror *m = ((struct mirror_seat *)seat)->mirror;
	struct port *p = m->port;
	int state = atomic_load_explicit(&p->state, memory_order_relaxed);
	unsigned mtu = atomic_load_explicit(&p->mtu, memory_order_relaxed);

	seat->path.mtu = m->mtu != 0 && m->mtu < mtu ? m->mtu : mtu;
	seat->path.super = atomic_load_explicit(&p->gso, memory_order_relaxed);
	if (state == LINK_UP)
		return SYNTH_SHOW;
	seat->lose = port_state_str(state);
	return SYNTH_LOSE;
}

static void
vnet_fill(struct virtio_net_hdr *v, const struct frame *f)
{
	memset(v, 0, sizeof(*v));
	if (!f->partial)
		return;
	v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	v->csum_start = f->tcp;
	v->csum_offset = 16;
	if (f->mss == 0)
		return;
	v->gso_type = f->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
	    VIRTIO_NET_HDR_GSO_TCPV4;
	v->gso_size = f->mss;
	v->hdr_len = f->head_len;
}

/* The pieces of a frame. v is in front if the port wants it. */
static void
mirror_pieces(const struct mirror_seat *s, struct iovec iov[3],
    const struct virtio_net_hdr *v, const struct frame *f)
{
	iov[0].iov_base = (void *)(uintptr_t)v;
	iov[0].iov_len = s->mirror->port->vnet ? sizeof(*v) : 0;
	iov[1].iov_base = (void *)(uintptr_t)f->head;
	iov[1].iov_len = f->head_len;
	iov[2].iov_base = (void *)(uintptr_t)f->data;
	iov[2].iov_len = f->len;
}

static void
mirror_emit(struct synth_seat *seat, const struct frame *f, const char *comment)
{
	struct mirror_seat *s = (struct mirror_seat *)seat;
	struct frame *own;

	if (s->n == MIRROR_BATCH)
		mirror_flush(seat);
	own = &s->frame[s->n];
	*own = *f;
	if (f->len == 0)
		own->data = own->head;
	vnet_fill(&s->vnet[s->n], f);
	mirror_pieces(s, s->iov[s->n], &s->vnet[s->n], own);
	s->msg[s->n].msg_hdr.msg_iov = s->iov[s->n];
	s->msg[s->n].msg_hdr.msg_iovlen = 3;
	s->n++;
}

static const char *
mirror_reason(int err)
{
	switch (err) {
	case EAGAIN:
	case ENOBUFS:
		return "port too slow";
	case ENETDOWN:
		return port_state_str(LINK_DOWN);
	case ENXIO:
	case ENODEV:
		return port_state_str(LINK_GONE);
	case EMSGSIZE:
		return "MTU changed";
	}
	return "send failed";
}

static void
mirror_lost(struct mirror_seat *s, const struct frame *f, int err)
{
	const char *why = mirror_reason(err);
	struct mirror *m = s->mirror;
	int held;

	synth_lost(&s->synth, f, why);
	if (log_gate(&m->gate, &held))
		log_warn("mirror %s: packets lost on %s: %s (%s); %d more "
		    "losses since the last such line", m->synth.name,
		    m->port->name, why, strerror(err), held);
}

/* Send one whole frame. */
static void
mirror_send_plain(void *arg, const struct frame *f)
{
	struct mirror_seat *s = arg;
	struct virtio_net_hdr v = { 0 };
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };

	mirror_pieces(s, iov, &v, f);
	if (sendmsg(s->mirror->port->fd, &msg, MSG_DONTWAIT) >= 0)
		synth_sent(&s->synth, f);
	else
		mirror_lost(s, f, errno);
}

/* Deal with a frame that was refused. */
static void
mirror_refused(struct mirror_seat *s, const struct frame *f, int err)
{
	if (f->partial && (err == EINVAL || err == EIO)) {
		port_no_gso(s->mirror->port, err);
		frame_segment(f, s->synth.path.mtu - (f->v6 ? 60 : 40),
		    mirror_send_plain, s);
		return;
	}
	mirror_lost(s, f, err);
}

static void
mirror_flush(struct synth_seat *seat)
{
	struct mirror_seat *s = (struct mirror_seat *)seat;
	unsigned i = 0;
	int n, err;

	while (i < s->n) {
		n = sendmmsg(s->mirror->port->fd, s->msg + i, s->n - i,
		    MSG_DONTWAIT);
		err = errno;
		for (; n > 0; n--)
			synth_sent(seat, &s->frame[i++]);
		if (n < 0)
			mirror_refused(s, &s->frame[i++], err);
	}
	s->n = 0;
}

static void *
mirror_attach(void *sink, struct event_base *base)
{
	static const struct synth_out out = {
		.ready = mirror_ready,
		.emit = mirror_emit,
		.flush = mirror_flush
	};
	struct mirror_seat *s = xcalloc(1, sizeof(*s));

	s->mirror = sink;
	synth_seat_init(&s->synth, &s->mirror->synth, &out);
	s->watches = port_watch(s->mirror->port, base);
	return s;
}

static void
mirror_detach(void *seat)
{
	struct mirror_seat *s = seat;

	if (s->watches)
		port_unwatch(s->mirror->port);
	synth_seat_clear(&s->synth);
	free(s);
}

const struct sink_ops sink_mirror = {
	.tap = &synth_tap,
	.open = mirror_open,
	.attach = mirror_attach,
	.begin = strip_open,
	.detach = mirror_detach,
	.close = mirror_close,
	.stats = synth_sink_stats
};
