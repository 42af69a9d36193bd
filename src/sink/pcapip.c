/*
 * PCAP-over-IP: a reader that connects gets the header of a capture file, and
 * every packet from then on. A thread of its own serves the readers. Blocks
 * come to it by mail, and all readers share them. Without a reader no packet
 * is built.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "codec/pcapfile.h"
#include "sink/reader.h"
#include "sink/sinks.h"
#include "sink/strip.h"
#include "sink/stream.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

#define PCAPIP_READERS	64
#define PCAPIP_END_MS	1000	/* at the end, for readers to take the rest */
#define PCAPIP_POLL_MS	20	/* between checks whether they have */

struct pcapip {
	struct stream	 stream;	/* first */
	_Atomic unsigned nreaders;	/* the workers read it */
	struct mailbox	*mailbox;
	struct mail	 stop;
	pthread_t	 thread;
	int		 started;
	/* Used by the server's thread alone. */
	struct event_base *base;
	struct evconnlistener *listener;
	struct event	*timer;
	unsigned	 polls;		/* left, while ending */
	struct reader	*reader[PCAPIP_READERS];	/* nreaders */
	uint8_t		 head[PCAPFILE_HEAD_MAX];
	size_t		 head_len;
	uint64_t	 last;		/* time of the last packet */
	const struct conf_prefixes *allow;	/* who may read */
	struct log_gate	 gate, refused;
};

static void	pcapip_block(struct mail *);

static int
pcapip_wanted(struct stream *stream)
{
	struct pcapip *s = (struct pcapip *)stream;

	return atomic_load_explicit(&s->nreaders, memory_order_relaxed) > 0;
}

static void
pcapip_give(struct stream *stream, struct block *b)
{
	b->mail.run = pcapip_block;
	mailbox_post(((struct pcapip *)stream)->mailbox, &b->mail);
}

static void
pcapip_too_slow(void *ctx, const struct block *b)
{
	struct pcapip *s = ctx;
	int held;

	synth_lost_late(&s->stream.synth.counts, b->packets, b->payload,
	    "reader too slow");
	if (log_gate(&s->gate, &held))
		log_warn("mirror %s: a reader is too slow, packets are lost "
		    "to it; %d more losses since the last such line",
		    s->stream.synth.name, held);
}

/* A block has come, in the server's thread. */
static void
pcapip_block(struct mail *m)
{
	struct block *b = (struct block *)m;
	struct pcapip *s = (struct pcapip *)b->stream;
	unsigned i;

	block_order(b, &s->last);
	block_share(b);
	synth_written(&s->stream.synth.counts, b->packets, b->payload);
	/* From the last, which takes the place of one that goes. */
	for (i = s->nreaders; i-- > 0;) {
		reader_give(s->reader[i], b);
		reader_flush(s->reader[i]);
	}
	block_unref(b);
}

/*
 * Readers share the memory of one queue, however many they are. Each may have
 * one block in any case, or it would never get any.
 */
static void
pcapip_share(struct pcapip *s)
{
	unsigned n = s->nreaders, i;
	size_t max = n > 0 ? s->stream.max / n : 0;

	if (max < s->stream.block)
		max = s->stream.block;
	for (i = 0; i < n; i++)
		reader_limit(s->reader[i], max);
}

/* The last takes its place. */
static void
pcapip_gone(void *ctx, struct reader *r)
{
	struct pcapip *s = ctx;
	unsigned i = 0;

	while (s->reader[i] != r)
		i++;
	s->reader[i] = s->reader[--s->nreaders];
	reader_free(r);
	pcapip_share(s);
	log_info("mirror %s: a reader has left, %u remain",
	    s->stream.synth.name, s->nreaders);
}

static void
pcapip_refuse(struct pcapip *s, int fd, const struct addr *peer,
    const char *why)
{
	char name[ADDR_STRLEN];
	int held;

	if (log_gate(&s->refused, &held))
		log_warn("mirror %s: reader %s refused: %s; %d more not shown",
		    s->stream.synth.name, addr_str(peer, name), why, held);
	evutil_closesocket(fd);
}

static void
pcapip_accept(struct evconnlistener *l, evutil_socket_t fd,
    struct sockaddr *sa, int len, void *arg)
{
	static const struct reader_ops ops = {
		.gone = pcapip_gone, .lost = pcapip_too_slow
	};
	struct pcapip *s = arg;
	char name[ADDR_STRLEN];
	struct addr peer = { 0 };
	int full = s->nreaders == PCAPIP_READERS;

	addr_set(&peer, sa);
	if (!conf_prefixes_have(s->allow, &peer) || full) {
		pcapip_refuse(s, fd, &peer, full ?
		    "the number of readers is at its limit" :
		    "it is not in the mirror's allow list");
		return;
	}
	s->reader[s->nreaders] = reader_new(s->base, fd, s->head, s->head_len,
	    &ops, s);
	s->nreaders++;
	pcapip_share(s);
	log_info("mirror %s: reader %s has connected, %u in all",
	    s->stream.synth.name, addr_str(&peer, name), s->nreaders);
}

/* Descriptors are short: let the backlog hold readers for a second. */
static void
pcapip_accept_failed(struct evconnlistener *l, void *arg)
{
	static const struct timeval second = { 1, 0 };
	struct pcapip *s = arg;

	evconnlistener_disable(l);
	evtimer_add(s->timer, &second);
}

static int
pcapip_idle(const struct pcapip *s)
{
	unsigned i;

	for (i = 0; i < s->nreaders; i++)
		if (!reader_idle(s->reader[i]))
			return 0;
	return 1;
}

/* While ending: stop when all is sent or the time is up. Else accept again. */
static void
pcapip_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval poll = { 0, PCAPIP_POLL_MS * 1000 };
	struct pcapip *s = arg;

	if (s->listener != NULL)
		evconnlistener_enable(s->listener);
	else if (s->polls-- == 0 || pcapip_idle(s))
		event_base_loopbreak(s->base);
	else
		evtimer_add(s->timer, &poll);
}

static void
pcapip_stop(struct mail *m)
{
	struct pcapip *s = (struct pcapip *)
	    ((char *)m - offsetof(struct pcapip, stop));

	evconnlistener_free(s->listener);
	s->listener = NULL;
	s->polls = PCAPIP_END_MS / PCAPIP_POLL_MS;
	pcapip_timer(-1, 0, s);
}

static void *
pcapip_run(void *arg)
{
	struct pcapip *s = arg;

	event_base_dispatch(s->base);
	return NULL;
}

static void
pcapip_close(void *sink)
{
	struct pcapip *s = sink;
	unsigned i;

	if (s->started) {
		s->stop.run = pcapip_stop;
		mailbox_post(s->mailbox, &s->stop);
		pthread_join(s->thread, NULL);
	}
	for (i = 0; i < s->nreaders; i++)
		reader_free(s->reader[i]);
	mailbox_free(s->mailbox);
	if (s->listener != NULL)
		evconnlistener_free(s->listener);
	if (s->timer != NULL)
		event_free(s->timer);
	if (s->base != NULL)
		event_base_free(s->base);
	synth_sink_clear(&s->stream.synth);
	free(s);
}

static int
pcapip_listen(struct pcapip *s, const struct addr *a, struct text *why)
{
	char name[ADDR_STRLEN];

	if ((s->base = event_base_new()) == NULL ||
	    (s->mailbox = mailbox_new(s->base)) == NULL ||
	    (s->timer = evtimer_new(s->base, pcapip_timer, s)) == NULL) {
		text_puts(why, "cannot make an event loop");
		return ERR_SYS;
	}
	s->listener = evconnlistener_new_bind(s->base, pcapip_accept, s,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
	    -1, &a->sa, (int)addr_len(a));
	if (s->listener == NULL) {
		text_printf(why, "cannot listen on %s for PCAP-over-IP: %s",
		    addr_str(a, name), strerror(errno));
		return ERR_SYS;
	}
	evconnlistener_set_error_cb(s->listener, pcapip_accept_failed);
	return 0;
}

static int
pcapip_start(struct pcapip *s, struct text *why)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&s->thread, NULL, pcapip_run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err != 0) {
		text_printf(why, "cannot make a thread: %s", strerror(err));
		return ERR_SYS;
	}
	pthread_setname_np(s->thread, "pcapip");
	s->started = 1;
	return 0;
}

static int
pcapip_open(const struct conf_mirror *c, void **sink, struct text *why)
{
	struct pcapip *s = xcalloc(1, sizeof(*s));
	int rv;

	s->allow = &c->allow;
	s->head_len = pcapfile_head(s->head, c->pcapng, c->name,
	    "Clearspan " VERSION);
	if ((rv = stream_init(&s->stream, c, why)) != 0 ||
	    (rv = pcapip_listen(s, &c->listen, why)) != 0) {
		pcapip_close(s);
		return rv;
	}
	s->stream.wanted = pcapip_wanted;
	s->stream.give = pcapip_give;
	if ((rv = pcapip_start(s, why)) != 0) {
		pcapip_close(s);
		return rv;
	}
	*sink = s;
	return 0;
}

static void
pcapip_stats(void *sink, struct sink_stats *st)
{
	struct pcapip *s = sink;

	stream_stats(&s->stream, st);
	st->readers = atomic_load(&s->nreaders);
}

const struct sink_ops sink_pcapip = {
	.tap = &synth_tap,
	.open = pcapip_open,
	.attach = stream_attach,
	.begin = strip_open,
	.detach = stream_detach,
	.close = pcapip_close,
	.stats = pcapip_stats
};
