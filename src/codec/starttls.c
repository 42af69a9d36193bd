/*
 * Cuts the bytes of a dialogue into units, and gives each to its protocol.
 */
#include "codec/starttls.h"

#include <string.h>

#include "codec/starttls_inner.h"

#define TLS_HANDSHAKE	22
#define FIRST		5	/* bytes of the server's that show its frame */

enum frame {
	FRAME_UNKNOWN,
	FRAME_LINE
};

/* By the first byte of a side; of the server's, the first FIRST are there. */
static int
frame_of(int down, const uint8_t *p)
{
	if (down)
		return p[0] != '\0' && strchr("2*+\"O", p[0]) != NULL ?
		    FRAME_LINE : -1;
	return p[0] >= ' ' && p[0] < 0x7f ? FRAME_LINE : -1;
}

/* Choose how to cut units. -1: it is nothing that we know. */
static int
frame_choose(struct starttls *t, int down, const struct starttls_unit *u)
{
	int frame;

	if (t->frame != FRAME_UNKNOWN || (down && u->len < FIRST &&
	    u->p[u->len - 1] != '\n'))
		return 0;
	if ((frame = frame_of(down, u->p)) == -1)
		return -1;
	t->frame = (uint8_t)frame;
	return 0;
}

static enum starttls_step
unit_means(struct starttls *t, int down, const struct starttls_unit *u)
{
	size_t len = u->len < sizeof(u->p) ? u->len : sizeof(u->p);

	return starttls_line(t, down, u->p, len);
}

/* One byte more. */
static enum starttls_step
unit_byte(struct starttls *t, int down, uint8_t c)
{
	struct starttls_unit *u = &t->side[down];
	enum starttls_step step;

	if (!down && u->len == 0 && c == TLS_HANDSHAKE)
		return STARTTLS_UNASKED;
	if (u->len < sizeof(u->p))
		u->p[u->len] = c;
	u->len++;
	if (frame_choose(t, down, u) == -1 ||
	    (t->seen++ >= STARTTLS_MAX && !t->asked))
		return STARTTLS_OVER;
	if (t->frame == FRAME_UNKNOWN || c != '\n')
		return STARTTLS_MORE;
	step = unit_means(t, down, u);
	u->len = 0;
	return step;
}

enum starttls_step
starttls_read(struct starttls *t, int down, const uint8_t *p, size_t len,
    size_t *n)
{
	enum starttls_step step = STARTTLS_MORE;

	*n = 0;
	while (!t->over && step == STARTTLS_MORE && *n < len)
		step = unit_byte(t, down, p[(*n)++]);
	if (step == STARTTLS_OVER || step == STARTTLS_UNASKED)
		t->over = 1;
	else if (t->over)
		step = STARTTLS_OVER;
	return step;
}

int
starttls_which(const struct starttls *t)
{
	return t->protocol == NULL ? -1 :
	    (int)(t->protocol - starttls_protocols);
}

const char *
starttls_name(unsigned which)
{
	return starttls_protocols[which].name;
}
