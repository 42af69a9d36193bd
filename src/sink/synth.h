/*
 * The tap all packet sinks share: a session's events become frames
 * (codec/packet), pass the filter, get their comments, and are counted. A sink
 * embeds a synth_seat at the head of its seat and says where frames go.
 */
#ifndef SINK_SYNTH_H
#define SINK_SYNTH_H

#include <stdatomic.h>

#include "codec/packet.h"
#include "proxy/sink.h"
#include "sink/filter.h"

struct synth;
struct synth_seat;

enum synth_mode {
	SYNTH_SHOW,	/* frames are wanted */
	SYNTH_LOSE,	/* they are wanted, but cannot get out: loss */
	SYNTH_SKIP	/* nobody wants any: no frame is built, no loss */
};

struct synth_out {
	/* An event's frames follow. May change seat->path's mtu and super. */
	enum synth_mode (*ready)(struct synth_seat *);
	/*
	 * One of them. The payload stays where it is until flush has returned,
	 * the frame itself only until emit has. comment may be NULL. The sink
	 * tells what became of it by synth_sent() or synth_lost(), at the
	 * latest in flush.
	 */
	void	(*emit)(struct synth_seat *, const struct frame *,
		    const char *comment);
	/* That was all of them for now. May be NULL. */
	void	(*flush)(struct synth_seat *);
};

/* Of one sink; any thread. */
struct synth_counts {
	_Atomic uint64_t packets, bytes, lost_packets, lost_bytes;
	_Atomic(const char *) reason;	/* static text */
};

/* What a sink and its seats have in common, from the configuration. */
struct synth_sink {
	char		*name;
	struct packet_path path;	/* framer NULL: each seat has its own */
	struct filter	*filter;
	int		 comments;
	struct synth_counts counts;
};

struct synth_seat {
	struct synth_sink *sink;
	const struct synth_out *out;
	struct packet_path path;
	/* state of the sequence numbers' source */
	uint64_t	 random;
	struct synth	*now;		/* whose event is under way */
	const char	*lose;		/* SYNTH_LOSE: why; static text */
};

extern const struct tap_ops synth_tap;
/* Its sinks' begin(). */
void	*synth_open(void *seat, struct tap *, const struct record *);

/* 0, or an ERR_* with why. */
int	synth_sink_init(struct synth_sink *, const struct conf_mirror *,
	    struct text *why);
void	synth_sink_clear(struct synth_sink *);
void	synth_sink_stats(struct synth_sink *, struct sink_stats *);

/* 0 or ERR_MEM. */
int	synth_seat_init(struct synth_seat *, struct synth_sink *,
	    const struct synth_out *);
void	synth_seat_clear(struct synth_seat *);

/* What became of a frame (of all its segments) of the event under way. */
void	synth_sent(struct synth_seat *, const struct frame *);
void	synth_lost(struct synth_seat *, const struct frame *, const char *why);
/*
 * Or: it is queued, which the session counts as sent; the sink's counts come
 * by synth_written() or synth_lost_late() when that is known.
 */
void	synth_queued(struct synth_seat *, const struct frame *);
void	synth_written(struct synth_counts *, uint64_t packets,
	    uint64_t bytes);
void	synth_lost_late(struct synth_counts *, uint64_t packets,
	    uint64_t bytes, const char *why);

#endif
