/*
 * The tap that all packet sinks share. A session's events become frames
 * (codec/packet), pass the filter, get their comments, and are counted. A sink
 * embeds a synth_seat at the start of its seat, and sends the frames.
 */
#ifndef SINK_SYNTH_H
#define SINK_SYNTH_H

#include <stdatomic.h>

#include "codec/packet.h"
#include "proxy/sink.h"

struct bpf_program;
struct synth;
struct synth_seat;

enum synth_mode {
	SYNTH_SHOW,	/* frames are wanted */
	SYNTH_LOSE,	/* frames are wanted, but cannot get out: a loss */
	SYNTH_SKIP	/* nobody wants frames: none is built, no loss */
};

struct synth_out {
	/* The frames of an event follow. It may change seat->path's mtu and
	 * super. */
	enum synth_mode (*ready)(struct synth_seat *);
	/*
	 * One of the frames. Its payload is good until flush has returned, the
	 * frame itself only until emit has. comment may be NULL. The sink
	 * reports it by synth_sent() or synth_lost(), at the latest in flush.
	 */
	void	(*emit)(struct synth_seat *, const struct frame *,
		    const char *comment);
	/* The event has no more frames. May be NULL. */
	void	(*flush)(struct synth_seat *);
	/* The conversation has ended; synth_mine() is good for the last time.
	 * May be NULL. */
	void	(*over)(struct synth_seat *);
};

/* The counts of one sink. Any thread. */
struct synth_counts {
	_Atomic uint64_t packets, bytes, lost_packets, lost_bytes;
	_Atomic(const char *) reason;	/* static text */
	_Atomic uint64_t streams[SINK_STREAMS];
};

/* Shared by a sink and its seats, from the configuration. */
struct synth_sink {
	char		*name;
	struct packet_path path;	/* framer NULL: each seat has its own */
	struct bpf_program *filter;	/* immutable; NULL: all pass */
	int		 comments;
	int		 http11;	/* sink/split does it */
	int		 starttls;	/* shown; 0: see sink/strip */
	struct synth_counts counts;
};

struct synth_seat {
	struct synth_sink *sink;
	const struct synth_out *out;
	struct packet_path path;
	/* state of the sequence numbers' source */
	uint64_t	 random;
	struct synth	*now;		/* the session of the current event */
	const char	*lose;		/* SYNTH_LOSE: why; static text */
	struct text	 made;		/* sink/split: bytes of an event */
};

extern const struct tap_ops synth_tap;
/* The state of a session's tap, for synth_tap. NULL: no memory. */
void	*synth_open(struct synth_seat *, const struct record *);
/*
 * The same for a stream of the session, as a conversation of its own from this
 * port of the client.
 */
void	*synth_open_stream(struct synth_seat *, const struct record *,
	    uint32_t stream, uint16_t port);
/* Say why (static) in a comment on its next packet. */
void	 synth_note(void *state, const char *why);

/*
 * Within an event: its conversation; what the sink keeps with it, NULL at
 * first; and whose it is. synth_about adds what is known of a conversation, as
 * comments say it, without the rest that is said at its events; in the worker,
 * while it has not ended.
 */
void	**synth_mine(const struct synth_seat *);
const struct record *synth_record(const struct synth_seat *);
void	 synth_about(const void *conversation, struct text *);

/* 0, or an ERR_* with why. */
int	synth_sink_init(struct synth_sink *, const struct conf_mirror *,
	    struct text *why);
void	synth_sink_clear(struct synth_sink *);
/* As stats in struct sink_ops, for a sink that begins with a synth_sink. */
void	synth_sink_stats(void *sink, struct sink_stats *);

void	synth_seat_init(struct synth_seat *, struct synth_sink *,
	    const struct synth_out *);
void	synth_seat_clear(struct synth_seat *);

/* Report what became of a frame of the current event, with all its segments. */
void	synth_sent(struct synth_seat *, const struct frame *);
void	synth_lost(struct synth_seat *, const struct frame *, const char *why);
/*
 * Or report that it is queued. The session counts it as sent; the sink counts
 * it when synth_written() or synth_lost_late() tells the outcome.
 */
void	synth_queued(struct synth_seat *, const struct frame *);
void	synth_written(struct synth_counts *, uint64_t packets,
	    uint64_t bytes);
void	synth_lost_late(struct synth_counts *, uint64_t packets,
	    uint64_t bytes, const char *why);

#endif
