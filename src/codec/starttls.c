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
	FRAME_LINE,
	FRAME_XMPP,
	FRAME_LDAP,
	FRAME_PGSQL,
	FRAME_MYSQL
};

static const struct {
	char	 last;		/* the unit ends with it, if there is no size */
	size_t	 (*size)(const uint8_t *, size_t, int);
	enum starttls_step (*means)(struct starttls *, int, const uint8_t *,
		    size_t);
} frames[] = {
	[FRAME_LINE] = { '\n', NULL, starttls_line },
	[FRAME_XMPP] = { '>', NULL, starttls_xmpp },
	[FRAME_LDAP] = { 0, starttls_ldap_size, starttls_ldap },
	[FRAME_PGSQL] = { 0, starttls_pgsql_size, starttls_pgsql },
	[FRAME_MYSQL] = { 0, starttls_mysql_size, starttls_mysql },
};

static int
frame_of_server(const struct starttls_unit *u)
{
	/* The first packet, and version 10 of the protocol. */
	if (u->len >= FIRST && u->p[3] == 0 && u->p[4] == 10)
		return FRAME_MYSQL;
	return u->p[0] != '\0' && strchr("12*+\"O", u->p[0]) != NULL ?
	    FRAME_LINE : -1;
}

static int
frame_of_client(uint8_t c)
{
	if (c == 0x30)		/* a SEQUENCE */
		return FRAME_LDAP;
	if (c == 0)		/* the high byte of a length */
		return FRAME_PGSQL;
	if (c == '<')
		return FRAME_XMPP;
	/* No command and no tag begins with "*"; Redis does. */
	return c >= ' ' && c < 0x7f && c != '*' ? FRAME_LINE : -1;
}

/* Choose how to cut units. -1: it is nothing that we know. */
static int
frame_choose(struct starttls *t, int down, const struct starttls_unit *u)
{
	int frame;

	if (t->frame != FRAME_UNKNOWN || (down && u->len < FIRST &&
	    u->p[u->len - 1] != '\n'))
		return 0;
	frame = down ? frame_of_server(u) : frame_of_client(u->p[0]);
	if (frame == -1)
		return -1;
	t->frame = (uint8_t)frame;
	return 0;
}

static size_t
unit_kept(const struct starttls_unit *u)
{
	return u->len < sizeof(u->p) ? u->len : sizeof(u->p);
}

/* Whether it ends with this byte. -1: it is no unit. */
static int
unit_whole(const struct starttls *t, int down, const struct starttls_unit *u,
    uint8_t c)
{
	size_t size;

	if (t->frame == FRAME_UNKNOWN)
		return 0;
	if (frames[t->frame].size == NULL)
		return c == (uint8_t)frames[t->frame].last;
	size = frames[t->frame].size(u->p, unit_kept(u), down);
	return size == SIZE_MAX ? -1 : size != 0 && u->len >= size;
}

/* One byte more. */
static enum starttls_step
unit_byte(struct starttls *t, int down, uint8_t c)
{
	struct starttls_unit *u = &t->side[down];
	enum starttls_step step;
	int whole;

	if (!down && u->len == 0 && c == TLS_HANDSHAKE)
		return STARTTLS_UNASKED;
	if (!down && t->ending)
		return STARTTLS_OVER;
	if (u->len < sizeof(u->p))
		u->p[u->len] = c;
	u->len++;
	if (frame_choose(t, down, u) == -1 ||
	    (t->seen++ >= STARTTLS_MAX && !t->asked))
		return STARTTLS_OVER;
	if ((whole = unit_whole(t, down, u, c)) != 1)
		return whole == 0 ? STARTTLS_MORE : STARTTLS_OVER;
	step = frames[t->frame].means(t, down, u->p, unit_kept(u));
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
