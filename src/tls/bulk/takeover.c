/*
 * When and where our records begin.
 */
#include "tls/bulk/bulk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/bulk/channel.h"
#include "util/err.h"
#include "util/mem.h"

#define NEAR	(64 * 1024)	/* tickets and small sessions are libssl's */
#define SMALL	4096		/* records copied before that */
#define TRIES	1000		/* then it is not going to happen */

struct secrets {
	uint8_t	secret[2][RECORD_SECRET];	/* client's, server's */
	size_t	len;
};

static int		 secrets_index = -1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
secrets_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	if (ptr == NULL)
		return;
	OPENSSL_cleanse(ptr, sizeof(struct secrets));
	free(ptr);
}

static void
takeover_init(void)
{
	secrets_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
	    secrets_free);
}

int
takeover_on(void)
{
	pthread_once(&once, takeover_init);
	return secrets_index != -1;
}

/* "LABEL client-random secret", in hex. */
void
takeover_keylog(const SSL *ssl, const char *line)
{
	static const char *const labels[] = { "CLIENT_TRAFFIC_SECRET_0 ",
	    "SERVER_TRAFFIC_SECRET_0 " };
	struct secrets *s;
	const char *hex;
	size_t i;

	for (i = 0; i < 2; i++)
		if (strncmp(line, labels[i], strlen(labels[i])) == 0)
			break;
	if (i == 2 || (hex = strrchr(line, ' ')) == NULL)
		return;
	if ((s = SSL_get_ex_data(ssl, secrets_index)) == NULL) {
		s = xcalloc(1, sizeof(*s));
		if (!SSL_set_ex_data((SSL *)(uintptr_t)ssl, secrets_index, s)) {
			free(s);
			return;
		}
	}
	if (!OPENSSL_hexstr2buf_ex(s->secret[i], RECORD_SECRET, &s->len,
	    hex + 1, '\0'))
		s->len = 0;
}

static void
secrets_drop(SSL *ssl)
{
	secrets_free(NULL, SSL_get_ex_data(ssl, secrets_index), NULL, 0, 0,
	    NULL);
	SSL_set_ex_data(ssl, secrets_index, NULL);
}

static void
watch_done(struct takeover_watch *w)
{
	free(w->last);
	memset(w, 0, sizeof(*w));
}

static void
watch_drop(struct takeover_watch *w)
{
	free(w->last);
	w->last = NULL;
	w->len = w->size = 0;
}

/* A header is whole: is the record worth a copy? */
static void
watch_head(struct takeover_watch *w, size_t max)
{
	size_t size;

	w->left = (size_t)(w->head[3] << 8 | w->head[4]);
	size = sizeof(w->head) + w->left;
	w->count += w->head[0] == RECORD_DATA;
	w->len = 0;
	if (w->head[0] != RECORD_DATA || size > max) {
		watch_drop(w);
		return;
	}
	if (size > w->size) {
		free(w->last);
		w->last = xmalloc(size);
		w->size = size;
	}
	memcpy(w->last, w->head, sizeof(w->head));
	w->len = sizeof(w->head);
}

static void
watch_saw(struct takeover_watch *w, const uint8_t *p, size_t len, size_t max)
{
	size_t n;

	while (len > 0) {
		if (w->left == 0) {
			w->head[w->have++] = *p++;
			len--;
			if (w->have < sizeof(w->head))
				continue;
			w->have = 0;
			watch_head(w, max);
			continue;
		}
		n = len < w->left ? len : w->left;
		if (w->last != NULL) {
			memcpy(w->last + w->len, p, n);
			w->len += n;
		}
		w->left -= n;
		p += n;
		len -= n;
	}
}

int
takeover_near(const struct takeover *t)
{
	return !t->off && t->moved >= NEAR;
}

int
takeover_holds(const struct takeover *t, const struct ciphertext *c)
{
	return takeover_near(t) && t->in.have == 0 && t->in.left == 0 &&
	    c->in_len > 0 && !channel_ready(c->in, c->in_len);
}

static size_t
takeover_max(const struct takeover *t)
{
	return takeover_near(t) ? RECORD_WIRE : SMALL;
}

void
takeover_saw_in(struct takeover *t, const uint8_t *p, size_t len)
{
	if (!t->off)
		watch_saw(&t->in, p, len, t->begun ? takeover_max(t) : 0);
}

void
takeover_saw_out(struct takeover *t, const uint8_t *p, size_t len)
{
	if (!t->off)
		watch_saw(&t->out, p, len, takeover_max(t));
}

void
takeover_turn(struct takeover *t)
{
	t->out.count = 0;
	watch_drop(&t->out);
}

static void
takeover_off(struct takeover *t, SSL *ssl)
{
	t->off = 1;
	if (secrets_index != -1)
		secrets_drop(ssl);
	watch_done(&t->in);
	watch_done(&t->out);
}

/*
 * A server writes its tickets, under the new keys, after it has read the
 * client's Finished; a client's own Finished is under the old ones still.
 * Where short records were agreed (RFC 6066, 4) libssl makes them.
 */
void
takeover_begin(struct takeover *t, SSL *ssl)
{
	t->begun = 1;
	t->in.count = 0;
	if (!SSL_is_server(ssl))
		takeover_turn(t);
	if (!takeover_on() || SSL_version(ssl) != TLS1_3_VERSION ||
	    SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl)) !=
	    TLSEXT_max_fragment_length_DISABLED ||
	    !record_suite(SSL_CIPHER_get_protocol_id(
	    SSL_get_current_cipher(ssl))) ||
	    SSL_get_ex_data(ssl, secrets_index) == NULL)
		takeover_off(t, ssl);
}

/* Between two records, and none of libssl's own affairs under way. */
static int
takeover_still(const struct takeover *t, SSL *ssl)
{
	return t->in.have == 0 && t->in.left == 0 && t->out.have == 0 &&
	    t->out.left == 0 && SSL_is_init_finished(ssl) &&
	    !SSL_has_pending(ssl) && SSL_get_shutdown(ssl) == 0 &&
	    SSL_get_key_update_type(ssl) == SSL_KEY_UPDATE_NONE;
}

/* After this record the same keys hold, if it is data or only tickets. */
static int
proof_says(uint8_t type, const uint8_t *p, size_t len)
{
	size_t n;

	for (; type == RECORD_HANDSHAKE && len >= 4 && p[0] == 4; len -= n) {
		n = 4 + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
		if (n > len)
			return ERR_AGAIN;
		p += n;
		if (n == len)
			return 0;
	}
	return type == RECORD_DATA ? 0 : ERR_AGAIN;
}

/*
 * r stands before the last record of w: open it with o, which has the same
 * secret; and if r seals, it makes the same record. 0; ERR_AGAIN: the next
 * one will tell; ERR_DENIED: no.
 */
static int
proof(const struct takeover_watch *w, struct record_dir *r,
    struct record_dir *o)
{
	uint8_t *clear, type = 0;
	ssize_t n;
	int rv = ERR_DENIED;

	if (w->last == NULL)
		return ERR_AGAIN;
	clear = xmalloc(2 * RECORD_WIRE + RECORD_EXTRA);
	o->seq = w->count - 1;
	n = record_open(o, w->last, w->len, clear, &type);
	if (n >= 0)
		rv = proof_says(type, clear, (size_t)n);
	if (rv == 0 && r != o) {
		r->seq = w->count - 1;
		if (record_seal(r, type, clear, (size_t)n, clear +
		    RECORD_WIRE) != w->len || memcmp(clear + RECORD_WIRE,
		    w->last, w->len) != 0)
			rv = ERR_DENIED;
	}
	OPENSSL_cleanse(clear, 2 * RECORD_WIRE + RECORD_EXTRA);
	free(clear);
	return rv;
}

/* Where nothing has passed yet, there is nothing to count wrong. */
static int
takeover_prove(struct takeover *t, struct channel *s, unsigned int suite,
    const uint8_t *secret, size_t len)
{
	struct record_dir check;
	int rv = 0;

	if (t->in.count > 0)
		rv = proof(&t->in, &s->in, &s->in);
	if (rv != 0 || t->out.count == 0)
		return rv;
	if (record_init(&check, suite, secret, len, 0) != 0)
		return ERR_DENIED;
	rv = proof(&t->out, &s->out, &check);
	record_done(&check);
	return rv;
}

static int
takeover_make(struct takeover *t, SSL *ssl, struct channel *s)
{
	const struct secrets *k = SSL_get_ex_data(ssl, secrets_index);
	unsigned int suite = SSL_CIPHER_get_protocol_id(
	    SSL_get_current_cipher(ssl));
	int server = SSL_is_server(ssl) != 0, rv;

	channel_init(s);
	s->server = server & 1;
	if (record_init(&s->in, suite, k->secret[!server], k->len, 0) != 0 ||
	    record_init(&s->out, suite, k->secret[server], k->len, 1) != 0)
		return ERR_DENIED;
	rv = takeover_prove(t, s, suite, k->secret[server], k->len);
	s->in.seq = t->in.count;
	s->out.seq = t->out.count;
	return rv;
}

struct channel *
takeover_try(struct takeover *t, SSL *ssl)
{
	struct channel *s;
	int rv;

	if (!takeover_near(t) || !takeover_still(t, ssl) ||
	    t->in.count + t->out.count == 0)
		return NULL;
	if (++t->tries > TRIES) {
		takeover_off(t, ssl);
		return NULL;
	}
	if ((t->in.count > 0 && t->in.last == NULL) ||
	    (t->out.count > 0 && t->out.last == NULL))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	if ((rv = takeover_make(t, ssl, s)) == 0) {
		takeover_off(t, ssl);
		return s;
	}
	if (rv != ERR_AGAIN)
		takeover_off(t, ssl);
	channel_done(s);
	free(s);
	ERR_clear_error();
	return NULL;
}

void
takeover_done(struct takeover *t)
{
	watch_done(&t->in);
	watch_done(&t->out);
}
