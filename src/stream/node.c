/*
 * Ends without a socket.
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
};

static ssize_t
speech_read(void *arg, uint8_t *p, size_t len, enum end *how)
{
	struct speech *s = arg;

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
	return 0;
}

static int
speech_pending(void *arg)
{
	return ((struct speech *)arg)->ended != END_FIN;
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
node_speak(struct conn *c, const char *text, size_t len)
{
	struct speech *s = xcalloc(1, sizeof(*s));

	s->text = text;
	s->len = len;
	conn_transport(c, &transport_speech, s);
}
