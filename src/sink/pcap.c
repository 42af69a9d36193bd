/*
 * Capture files: a thread that may block writes blocks of packets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink/capfile.h"
#include "sink/sinks.h"
#include "sink/stream.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/outq.h"

#define PCAP_END_MS	3000	/* at the end, for the disk to take the rest */

struct pcap_sink {
	struct stream	 stream;	/* first */
	struct outq	*outq;
	struct log_gate	 gate;
	/* Used by the writer alone. */
	struct capfile	*file;
	uint64_t	 last;		/* time of the last packet written */
};

static void
pcap_give(struct stream *stream, struct block *b)
{
	struct pcap_sink *s = (struct pcap_sink *)stream;

	/* The stream's account bounds the bytes; the queue never refuses. */
	block_uncount(b);	/* the queue counts it now */
	outq_give(s->outq, b, sizeof(*b) + b->len);
}

static void
pcap_failed(struct pcap_sink *s, const struct block *b, int err)
{
	const char *why = err == ENOSPC ? "disk full" : "write failed";
	int held;

	atomic_store(&s->stream.failing, why);
	synth_lost_late(&s->stream.synth.counts, b->packets, b->payload, why);
	if (log_gate(&s->gate, &held))
		log_warn("mirror %s: packets lost: %s: %s; %d more losses "
		    "since the last such line", s->stream.synth.name,
		    capfile_name(s->file), strerror(err), held);
}

/* data is the block; the queue frees it. */
static void
pcap_write(void *ctx, const void *data, size_t len)
{
	struct pcap_sink *s = ctx;
	struct block *b = (struct block *)(uintptr_t)data;

	block_order(b, &s->last);
	if (capfile_write(s->file, b->data, b->len) != 0) {
		pcap_failed(s, b, errno);
	} else {
		atomic_store(&s->stream.failing, NULL);
		synth_written(&s->stream.synth.counts, b->packets,
		    b->payload);
	}
	block_settle(b);
}

static void
pcap_quiet(void *ctx)
{
	capfile_tick(((struct pcap_sink *)ctx)->file);
}

static void
pcap_end(struct pcap_sink *s)
{
	capfile_free(s->file);
	synth_sink_clear(&s->stream.synth);
	free(s);
}

static int
pcap_open(const struct conf_mirror *c, void **sink, struct text *why)
{
	static const struct outq_ops ops = {
		.write = pcap_write, .quiet = pcap_quiet
	};
	struct pcap_sink *s = xcalloc(1, sizeof(*s));
	int rv;

	if ((rv = stream_init(&s->stream, c, why)) != 0 ||
	    (rv = capfile_new(c, &s->file, why)) != 0) {
		pcap_end(s);
		return rv;
	}
	s->stream.full = "disk too slow";
	s->stream.give = pcap_give;
	s->outq = outq_new("pcap", BUDGET_MIRRORS, SIZE_MAX, &ops, s);
	*sink = s;
	return 0;
}

static void
pcap_close(void *sink)
{
	struct pcap_sink *s = sink;

	if (outq_free(s->outq, PCAP_END_MS) == 0) {
		pcap_end(s);
		return;
	}
	/* The stuck writer still uses the sink, so do not free it. */
	log_warn("mirror %s: its file takes no more bytes; the packets queued "
	    "for it are lost", s->stream.synth.name);
}

static int
pcap_dropped(void *sink, struct text *why)
{
	return capfile_look(((struct pcap_sink *)sink)->file, why);
}

const struct sink_ops sink_pcap = {
	.tap = &synth_tap,
	.open = pcap_open,
	.dropped = pcap_dropped,
	.attach = stream_attach,
	.begin = synth_open,
	.detach = stream_detach,
	.close = pcap_close,
	.stats = stream_stats
};
