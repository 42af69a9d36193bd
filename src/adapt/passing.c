/*
 * HTTP/2 that passes, where nobody may hold or change it: it is read beside the
 * bytes, each stream is an event, and so is each message of a WebSocket in one.
 * What cannot be read passes too. A connection's reading ends with its first
 * error, a stream's with its own; both are counted, and the first one of a
 * session is told in the log.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "http/h2_read.h"
#include "util/budget.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/mem.h"

/*
 * What the records of a connection's streams may take, as a request of a few
 * bytes may stand for a long one (RFC 7541). From the second step on it counts
 * in limits.memory, as heads do; the first is one session's like its state.
 */
#define KEPT_MAX	(1024 * 1024)
#define KEPT_STEP	(64 * 1024)

#define SPARE_MAX	64	/* streams whose memory is used again */

struct passing {
	const struct plan *plan;
	struct h2_read	*read;		/* NULL: nothing more is read */
	unsigned	 n;		/* exchanges so far */
	size_t		 kept, charged;	/* bytes */
	int		 told;		/* in the log */
	struct passing_stream *spare;
	unsigned	 nspare;
};

struct passing_stream {
	struct passing	*of;
	struct passing_stream *next;	/* spare */
	struct http_record *record;	/* or NULL: nobody wants it */
	unsigned	 number;
	size_t		 kept;
	struct ws	*ws;		/* what it carries; or NULL */
	int		 websocket;	/* the client asked for that */
	int		 answered;	/* the response is whole */
};

/* Something of it is not read, and why. */
static void
unread(struct passing *h, enum unread_http2 what, const char *why)
{
	const struct engine_host *host = &h->plan->host;

	host->unread_http2(host->session, what, h->told ? NULL : why);
	h->told = 1;
}

/* Room for n bytes of a record. 1: there is. */
static int
keep(struct passing *h, size_t n)
{
	size_t want = h->kept + n;

	if (want > KEPT_MAX)
		return 0;
	while (want > h->charged + KEPT_STEP) {
		if (budget_take(BUDGET_BUFFERS, KEPT_STEP, 1) != 0)
			return 0;
		h->charged += KEPT_STEP;
	}
	h->kept = want;
	return 1;
}

static struct passing_stream *
stream_new(struct passing *h)
{
	struct passing_stream *s = h->spare;

	if (s != NULL) {
		h->spare = s->next;
		h->nspare--;
		memset(s, 0, sizeof(*s));
	} else
		s = xcalloc(1, sizeof(*s));
	s->of = h;
	s->number = h->n++;
	return s;
}

static void
stream_free(struct passing_stream *s)
{
	struct passing *h = s->of;

	h->kept -= s->kept;
	ws_free(s->ws);
	if (s->record != NULL)
		http_record_free(s->record);
	free(s->record);
	if (h->nspare == SPARE_MAX) {
		free(s);
		return;
	}
	s->next = h->spare;
	h->spare = s;
	h->nspare++;
}

/* It is over: log it, and why it is if not in order. */
static void
stream_tell(struct passing_stream *s, const char *why)
{
	const struct engine_env *env = s->of->plan->env;

	if (s->record != NULL) {
		s->record->end = clock_wall();
		s->record->why = why;
		env->ended(env->arg, s->of->plan->rec, s->record);
	}
	stream_free(s);
}

/* Returns the bytes that it takes. */
static size_t
stream_record(struct passing_stream *s, uint32_t id,
    const struct http_head *head)
{
	struct http_record *r = s->record = xcalloc(1, sizeof(*r));
	struct timespec now = clock_wall();

	http_record_request(r, head, &now);
	r->number = s->number;
	r->stream = id;
	r->version[DIR_UP] = 20;	/* after an upgrade too */
	return sizeof(*r) + http_record_size(r);
}

static void *
passing_begin_stream(void *arg, uint32_t id, const struct http_head *head,
    int last)
{
	struct passing *h = arg;
	struct passing_stream *s = stream_new(h);
	size_t n = sizeof(*s);

	if (h->plan->env->ended != NULL)
		n += stream_record(s, id, head);
	s->websocket = slice_is(head->protocol, "websocket");
	if (keep(h, n)) {
		s->kept = n;
		return s;
	}
	unread(h, UNREAD_HTTP2_MEMORY, "too much at once");
	stream_free(s);
	return NULL;
}

static void
passing_head(void *arg, const struct http_head *head, int last)
{
	struct passing_stream *s = arg;
	struct timespec now;

	if (head->status < 200)
		return;
	if (s->record != NULL) {
		now = clock_wall();
		http_record_response(s->record, head, &now);
	}
	if (s->websocket && head->status < 300)
		s->ws = ws_watch(s->of->plan, s->number);
}

static void
passing_data(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct passing_stream *s = arg;

	if (s->record != NULL)
		s->record->length[dir] += len;
	ws_take(s->ws, dir, p, len);
}

static void
passing_end(void *arg, enum flow_dir dir, const struct text *trailers)
{
	if (dir == DIR_DOWN)
		((struct passing_stream *)arg)->answered = 1;
}

/* A server that has answered may say that it wants no more (RFC 9113, 8.1). */
static void
passing_over(void *arg, enum flow_dir dir, int64_t code)
{
	struct passing_stream *s = arg;
	const char *why = dir == DIR_UP ? "reset by the client" :
	    "reset by the server";

	if (code == -1 || (code == 0 && s->answered))
		why = NULL;
	else if (code < 0)
		why = s->of->read != NULL ? "HTTP/2 is not read any more" :
		    "the session ended";
	stream_tell(s, why);
}

static void
passing_bad(void *arg, uint32_t id, void *stream, enum flow_dir dir,
    const char *why)
{
	unread(arg, UNREAD_HTTP2_STREAM, why);
	if (stream != NULL)
		stream_tell(stream, why);
}

static const struct h2_read_user passing_user = {
	.begin = passing_begin_stream,
	.head = passing_head,
	.data = passing_data,
	.end = passing_end,
	.over = passing_over,
	.bad = passing_bad,
};

struct passing *
passing_begin(const struct plan *p, unsigned number,
    const struct http_head *first)
{
	struct passing *h = xcalloc(1, sizeof(*h));

	h->plan = p;
	h->n = number;
	h->read = h2_read_new(&passing_user, h, p->host.head_max, first);
	return h;
}

static void
stop(struct passing *h)
{
	struct h2_read *r = h->read;
	struct passing_stream *s;

	h->read = NULL;
	h2_read_free(r);
	while ((s = h->spare) != NULL) {
		h->spare = s->next;
		h->nspare--;
		free(s);
	}
	budget_give(BUDGET_BUFFERS, h->charged);
	h->charged = 0;
}

void
passing_free(struct passing *h)
{
	if (h == NULL)
		return;
	stop(h);
	free(h);
}

void
passing_seen(struct passing *h, enum flow_dir dir, const uint8_t *p,
    size_t len)
{
	const char *why;
	int rv;

	if (h == NULL || h->read == NULL ||
	    (rv = h2_read(h->read, dir, p, len, &why)) == 0)
		return;
	unread(h, rv == ERR_LIMIT ? UNREAD_HTTP2_LIMIT : UNREAD_HTTP2_BROKEN,
	    why);
	stop(h);
}
