/*
 * Turns sessions into conversations, for any packet sink.
 */
#include "sink/synth.h"

#include <sys/random.h>

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define FILTER_PAYLOAD	256	/* the filter sees so much of it */
#define FILTER_SNAPLEN	262144

#define COMMENT_BEGIN	1	/* next packet: the session's addresses */
#define COMMENT_FACTS	2	/* next packet: the facts of TLS */

struct synth {
	struct packet	 packet;
	struct synth_seat *seat;
	const struct record *record;
	uint64_t	 packets, bytes, lost;
	const char	*note;		/* for the next packet; or NULL */
	void		*mine;		/* the sink's */
	uint32_t	 stream;	/* of HTTP/2; 0: the whole session */
	uint8_t		 comment;	/* COMMENT_* that are due */
	uint8_t		 mode;		/* enum synth_mode of this event */
};

/* 0, or ERR_USAGE with libpcap's words in why. */
static int
filter_set(struct synth_sink *s, const char *expression, struct text *why)
{
	struct bpf_program *f = xcalloc(1, sizeof(*f));
	pcap_t *pc = pcap_open_dead(DLT_EN10MB, FILTER_SNAPLEN);

	if (pc != NULL && pcap_compile(pc, f, expression, 1,
	    PCAP_NETMASK_UNKNOWN) == 0) {
		s->filter = f;
	} else {
		text_printf(why, "filter \"%s\": %s; see pcap-filter(7)",
		    expression, pc != NULL ? pcap_geterr(pc) : "no memory");
		free(f);
	}
	if (pc != NULL)
		pcap_close(pc);
	return s->filter != NULL ? 0 : ERR_USAGE;
}

int
synth_sink_init(struct synth_sink *s, const struct conf_mirror *c,
    struct text *why)
{
	memset(s, 0, sizeof(*s));
	s->name = xstrdup(c->name);
	memcpy(s->path.source_mac, c->source_mac, 6);
	memcpy(s->path.reply_mac, c->reply_mac, 6);
	memcpy(s->path.destination_mac, c->destination_mac, 6);
	s->path.vlan = c->vlan;
	s->path.ports_map = c->ports_map;
	s->path.burst = c->acks != 0 ? c->acks : PACKET_BURST_MAX;
	s->path.mtu = c->mtu != 0 ? c->mtu : 1500;
	s->http11 = c->http11;
	s->starttls = c->starttls;
	return c->filter == NULL ? 0 : filter_set(s, c->filter, why);
}

void
synth_sink_clear(struct synth_sink *s)
{
	free(s->name);
	if (s->filter != NULL)
		pcap_freecode(s->filter);
	free(s->filter);
}

void
synth_sink_stats(void *sink, struct sink_stats *st)
{
	struct synth_counts *c = &((struct synth_sink *)sink)->counts;
	int i;

	*st = (struct sink_stats){
		.packets = atomic_load(&c->packets),
		.bytes = atomic_load(&c->bytes),
		.lost_packets = atomic_load(&c->lost_packets),
		.lost_bytes = atomic_load(&c->lost_bytes),
		.lost_reason = atomic_load(&c->reason)
	};
	for (i = 0; i < SINK_STREAMS; i++)
		st->streams[i] = atomic_load(&c->streams[i]);
}

void
synth_seat_init(struct synth_seat *seat, struct synth_sink *sink,
    const struct synth_out *out)
{
	seat->sink = sink;
	seat->out = out;
	seat->path = sink->path;
	if ((seat->path.framer = framer_new()) == NULL)
		abort();
	if (getrandom(&seat->random, sizeof(seat->random), GRND_NONBLOCK) !=
	    sizeof(seat->random))
		seat->random = clock_us() << 32 ^ (uintptr_t)seat;
}

void
synth_seat_clear(struct synth_seat *seat)
{
	framer_free(seat->path.framer);
	text_free(&seat->made);
}

/*
 * splitmix64. Nobody can send into a mirrored conversation, so its sequence
 * numbers only have to differ.
 */
static uint32_t
synth_random(struct synth_seat *seat)
{
	uint64_t z = seat->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)(z >> 32);
}

static uint64_t
frame_packets(const struct frame *f)
{
	return f->mss != 0 ? (f->len + f->mss - 1) / f->mss : 1;
}

static void
count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

void
synth_written(struct synth_counts *c, uint64_t packets, uint64_t bytes)
{
	count(&c->packets, packets);
	count(&c->bytes, bytes);
}

void
synth_queued(struct synth_seat *seat, const struct frame *f)
{
	seat->now->packets += frame_packets(f);
	seat->now->bytes += f->len;
}

void
synth_sent(struct synth_seat *seat, const struct frame *f)
{
	synth_queued(seat, f);
	synth_written(&seat->sink->counts, frame_packets(f), f->len);
}

void
synth_lost(struct synth_seat *seat, const struct frame *f, const char *why)
{
	seat->now->lost += f->len;
	synth_lost_late(&seat->sink->counts, frame_packets(f), f->len, why);
}

void
synth_lost_late(struct synth_counts *c, uint64_t packets, uint64_t bytes,
    const char *why)
{
	count(&c->lost_packets, packets);
	count(&c->lost_bytes, bytes);
	atomic_store_explicit(&c->reason, why, memory_order_relaxed);
}

/*
 * Whether the frame passes the mirror's filter, which runs on a copy of its
 * start, without our VLAN tag. A superframe passes if its first segment does.
 */
static int
filter_pass(const struct bpf_program *filter, const struct frame *f)
{
	uint8_t b[sizeof(f->head) + FILTER_PAYLOAD];
	size_t n = f->head_len - f->ip + 14, data = f->len, seen;

	if (filter == NULL)
		return 1;
	if (f->mss != 0 && data > f->mss)
		data = f->mss;
	seen = data < FILTER_PAYLOAD ? data : FILTER_PAYLOAD;
	memcpy(b, f->head, 12);
	memcpy(b + 12, f->head + f->ip - 2, n - 12);
	if (seen > 0)
		memcpy(b + n, f->data, seen);
	return bpf_filter(filter->bf_insns, b, (u_int)(n + data),
	    (u_int)(n + seen)) != 0;
}

/*
 * The comments of a session in a pcapng file: one on its first packet, and one
 * on the first packet after the handshakes; of a stream both are on its first.
 * They are "name: value" pieces, so that a Wireshark filter such as
 * frame.comment contains "sni: example.com" finds them.
 */
static void
comment_begin(struct text *t, const struct record *r, uint32_t stream)
{
	const struct facts *f = r->facts;
	char client[ADDR_STRLEN], server[ADDR_STRLEN];

	text_printf(t, "session: %llu; listener: %s; client: %s",
	    (unsigned long long)r->id, f->listener != NULL ? f->listener : "-",
	    addr_str(&f->client, client));
	if (f->server.sa.sa_family != AF_UNSPEC)
		text_printf(t, "; server: %s", addr_str(&f->server, server));
	if (f->host != NULL)
		text_printf(t, "; host: %s", f->host);
	if (stream != 0)
		text_printf(t, "; http2 stream: %u", stream);
}

static void
facts_known(struct text *t, const struct record *r)
{
	const struct facts *f = r->facts;
	const struct conf_rule *rule = r->verdict->rule;
	const char *alpn = f->tls_client.alpn;

	if (f->sni != NULL)
		text_printf(t, "; sni: %s", f->sni);
	if (f->tls_client.version != NULL)
		text_printf(t, "; client: %s %s", f->tls_client.version,
		    f->tls_client.cipher != NULL ? f->tls_client.cipher : "");
	if (f->tls_server.version != NULL)
		text_printf(t, "; server: %s %s", f->tls_server.version,
		    f->tls_server.cipher != NULL ? f->tls_server.cipher : "");
	if (f->tls_client.version != NULL)
		text_printf(t, "; alpn: %s", alpn[0] != '\0' ? alpn : "none");
	text_printf(t, "; rule: %s; action: %s", rule != NULL &&
	    rule->name != NULL ? rule->name : "none",
	    conf_action_str(r->verdict->action));
	if (f->cert != NULL)
		text_printf(t, "; certificate sha256: %s", f->cert->sha256);
	if (f->verify_text != NULL)
		text_printf(t, "; verify: %s", f->verify_text);
}

static void
comment_facts(struct text *t, const struct record *r)
{
	text_printf(t, "session: %llu", (unsigned long long)r->id);
	facts_known(t, r);
}

void
synth_about(const void *conversation, struct text *t)
{
	const struct synth *s = conversation;

	comment_begin(t, s->record, s->stream);
	facts_known(t, s->record);
}

void **
synth_mine(const struct synth_seat *seat)
{
	return &seat->now->mine;
}

const struct record *
synth_record(const struct synth_seat *seat)
{
	return seat->now->record;
}

static void
synth_comment(struct synth *s, struct text *t)
{
	if (s->comment & COMMENT_BEGIN)
		comment_begin(t, s->record, s->stream);
	if (s->comment == (COMMENT_BEGIN | COMMENT_FACTS))
		text_puts(t, "\n");
	if (s->comment & COMMENT_FACTS)
		comment_facts(t, s->record);
	if (s->note != NULL)
		text_printf(t, "%scut: %s", t->len > 0 ? "\n" : "", s->note);
	s->comment = 0;
	s->note = NULL;
}

static void
synth_emit(void *arg, const struct frame *f)
{
	struct synth *s = arg;
	struct synth_seat *seat = s->seat;
	struct text t = { 0 };

	if (!filter_pass(seat->sink->filter, f))
		return;
	if (s->mode == SYNTH_LOSE) {
		synth_lost(seat, f, seat->lose);
		return;
	}
	if ((s->comment != 0 || s->note != NULL) && seat->sink->comments)
		synth_comment(s, &t);
	seat->out->emit(seat, f, t.s);
	text_free(&t);
}

static void
synth_nothing(void *arg, const struct frame *f)
{
}

/* The function for the frames of an event. */
static frame_emit
synth_begin(struct synth *s)
{
	struct synth_seat *seat = s->seat;

	seat->now = s;
	s->mode = (uint8_t)seat->out->ready(seat);
	return s->mode == SYNTH_SKIP ? synth_nothing : synth_emit;
}

static void
synth_end(struct synth *s)
{
	if (s->mode == SYNTH_SHOW && s->seat->out->flush != NULL)
		s->seat->out->flush(s->seat);
	s->seat->now = NULL;
}

static struct synth *
synth_new(struct synth_seat *seat, const struct record *r,
    const struct addr *client, uint32_t stream)
{
	struct synth *s = xcalloc(1, sizeof(*s));
	uint32_t isn[2] = { synth_random(seat), synth_random(seat) };
	frame_emit emit;

	s->seat = seat;
	s->record = r;
	s->stream = stream;
	s->comment = COMMENT_BEGIN | (stream != 0 ? COMMENT_FACTS : 0);
	emit = synth_begin(s);
	if (packet_init(&s->packet, &seat->path, client, &r->facts->server,
	    isn) != 0) {
		free(s);
		return NULL;
	}
	packet_open(&s->packet, emit, s);
	synth_end(s);
	return s;
}

void *
synth_open(struct synth_seat *seat, const struct record *r)
{
	return synth_new(seat, r, &r->facts->client, 0);
}

void *
synth_open_stream(struct synth_seat *seat, const struct record *r,
    uint32_t stream, uint16_t port)
{
	struct addr client = r->facts->client;

	addr_set_port(&client, port);
	return synth_new(seat, r, &client, stream);
}

void
synth_note(void *state, const char *why)
{
	((struct synth *)state)->note = why;
}

static size_t
synth_data(void *state, enum flow_dir dir, const uint8_t *data, size_t len)
{
	struct synth *s = state;
	frame_emit emit = synth_begin(s);

	if (s->mode == SYNTH_SKIP)
		packet_skip(&s->packet, dir, len);
	else
		packet_data(&s->packet, dir, data, len, emit, s);
	synth_end(s);
	return len;
}

static void
synth_facts(void *state)
{
	((struct synth *)state)->comment |= COMMENT_FACTS;
}

static void
synth_eof(void *state, enum flow_dir dir)
{
	struct synth *s = state;

	packet_eof(&s->packet, dir, synth_begin(s), s);
	synth_end(s);
}

static void
synth_reset(void *state, enum flow_dir dir)
{
	struct synth *s = state;

	packet_reset(&s->packet, dir, synth_begin(s), s);
	synth_end(s);
}

/* If we ended the session without FIN or RST, close it for the recorder. */
static void
synth_close(void *state, struct tap_counts *m)
{
	struct synth *s = state;

	if (!packet_ended(&s->packet))
		synth_reset(s, DIR_UP);
	s->seat->now = s;
	if (s->seat->out->over != NULL)
		s->seat->out->over(s->seat);
	s->seat->now = NULL;
	m->port = packet_shown_port(addr_port(&s->record->facts->server),
	    s->seat->path.ports_map);
	m->packets = s->packets;
	m->bytes = s->bytes;
	m->lost = s->lost;
	free(s);
}

const struct tap_ops synth_tap = {
	.data = synth_data,
	.facts = synth_facts,
	.eof = synth_eof,
	.reset = synth_reset,
	.close = synth_close
};
