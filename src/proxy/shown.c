/*
 * Ports by pair of addresses, shared by all workers, and by stream within a
 * session. A pair exists while a session has it; its lists are short, so they
 * are searched.
 */
#include "proxy/shown.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/mem.h"

#define BUCKETS		4096
#define PORTS		(SHOWN_PORT_MAX - SHOWN_PORT_MIN + 1)

#define STREAMS_MIN	16
#define STREAMS_KEPT	512	/* from here on those that are over go */
#define STREAMS_MAX	4096	/* servers allow a client some 100 */

struct pair {
	struct pair	*next;
	uint8_t		 key[32];	/* two addresses */
	unsigned	 refs;		/* sessions */
	uint16_t	*port;		/* in use */
	size_t		 n, cap;
};

static struct {
	pthread_mutex_t	 lock;
	struct pair	*bucket[BUCKETS];
	unsigned	 last;		/* port given out, to any of them */
} pairs = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct shown_stream {
	uint32_t	 id;
	uint16_t	 port;
	uint16_t	 mirrors;	/* that show it; 0: it was shown */
};

struct shown {
	struct pair	*pair;		/* NULL until a stream is shown */
	struct pair	**bucket;
	uint8_t		 key[32];
	struct addr	 client, server;
	struct shown_stream *stream;	/* by their ids */
	size_t		 n, cap;
};

struct shown *
shown_new(const struct addr *client, const struct addr *server)
{
	struct shown *s = xcalloc(1, sizeof(*s));
	const uint8_t *ip;
	uint64_t h;
	size_t len;

	s->client = *client;
	s->server = *server;
	if (client->sa.sa_family != AF_UNSPEC) {
		ip = addr_ip(client, &len);
		memcpy(s->key, ip, len);
	}
	if (server->sa.sa_family != AF_UNSPEC) {
		ip = addr_ip(server, &len);
		memcpy(s->key + 16, ip, len);
	}
	h = hash_fold(hash_bytes(HASH_START, s->key, sizeof(s->key)));
	s->bucket = &pairs.bucket[h % BUCKETS];
	return s;
}

/* The pair of a session's first stream, with the lock held. */
static struct pair *
pair_get(struct shown *s)
{
	struct pair *p;

	if (s->pair != NULL)
		return s->pair;
	for (p = *s->bucket; p != NULL; p = p->next)
		if (memcmp(p->key, s->key, sizeof(p->key)) == 0)
			break;
	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		memcpy(p->key, s->key, sizeof(p->key));
		p->next = *s->bucket;
		*s->bucket = p;
	}
	p->refs++;
	return s->pair = p;
}

static void
pair_put(struct shown *s)
{
	struct pair *p = s->pair, **at = s->bucket;

	if (p == NULL || --p->refs > 0)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	free(p->port);
	free(p);
}

/* Where it is among those in use; n: nowhere. */
static size_t
port_find(const struct pair *p, uint16_t port)
{
	size_t i = 0;

	while (i < p->n && p->port[i] != port)
		i++;
	return i;
}

static uint16_t
port_use(struct pair *p, uint16_t port)
{
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 8 : p->cap * 2;
		p->port = xrealloc(p->port, p->cap * sizeof(*p->port));
	}
	return p->port[p->n++] = port;
}

/* The one wanted, if it is free, or the next that is. */
static uint16_t
port_take(struct shown *s, uint16_t wanted)
{
	uint16_t port = wanted;
	struct pair *p;

	pthread_mutex_lock(&pairs.lock);
	p = pair_get(s);
	if (p->n == PORTS) {
		pthread_mutex_unlock(&pairs.lock);
		return 0;
	}
	while (port == 0 || port_find(p, port) < p->n)
		port = (uint16_t)(SHOWN_PORT_MIN + pairs.last++ % PORTS);
	port_use(p, port);
	pthread_mutex_unlock(&pairs.lock);
	return port;
}

static void
port_give(struct shown *s, uint16_t port)
{
	struct pair *p = s->pair;

	pthread_mutex_lock(&pairs.lock);
	p->port[port_find(p, port)] = p->port[p->n - 1];
	p->n--;
	pthread_mutex_unlock(&pairs.lock);
}

/* The first with this id, or a higher one, or the end. */
static size_t
stream_at(const struct shown *s, uint32_t id)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->stream[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct shown_stream *
stream_find(const struct shown *s, uint32_t id)
{
	size_t i = stream_at(s, id);

	return i < s->n && s->stream[i].id == id ? &s->stream[i] : NULL;
}

/* Forget those of the older half that are over. */
static void
streams_forget(struct shown *s)
{
	size_t i, kept = 0;

	for (i = 0; i < s->n; i++)
		if (s->stream[i].mirrors > 0 || i >= s->n / 2)
			s->stream[kept++] = s->stream[i];
	s->n = kept;
}

/* A stream that comes, behind those that came. NULL: there are too many. */
static struct shown_stream *
stream_add(struct shown *s, uint32_t id)
{
	struct shown_stream *v;

	if (s->n > 0 && s->stream[s->n - 1].id > id)
		return NULL;
	if (s->n == s->cap && s->cap >= STREAMS_KEPT)
		streams_forget(s);
	if (s->n == STREAMS_MAX)
		return NULL;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? STREAMS_MIN : s->cap * 2;
		s->stream = xrealloc(s->stream, s->cap * sizeof(*s->stream));
	}
	v = &s->stream[s->n++];
	*v = (struct shown_stream){ .id = id };
	return v;
}

uint16_t
shown_open(struct shown *s, uint32_t id)
{
	struct shown_stream *v = stream_find(s, id);

	if (v == NULL && (v = stream_add(s, id)) == NULL)
		return 0;
	if (v->mirrors == 0 && (v->port = port_take(s, v->port)) == 0)
		return 0;
	v->mirrors++;
	return v->port;
}

void
shown_close(struct shown *s, uint32_t id)
{
	struct shown_stream *v = stream_find(s, id);

	if (--v->mirrors == 0)
		port_give(s, v->port);
}

int
shown_ends(const struct shown *s, uint32_t id, struct addr *client,
    struct addr *server)
{
	const struct shown_stream *v = s == NULL ? NULL : stream_find(s, id);

	if (v == NULL || v->port == 0)
		return 0;
	*client = s->client;
	*server = s->server;
	addr_set_port(client, v->port);
	return 1;
}

void
shown_free(struct shown *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&pairs.lock);
	pair_put(s);
	pthread_mutex_unlock(&pairs.lock);
	free(s->stream);
	free(s);
}
