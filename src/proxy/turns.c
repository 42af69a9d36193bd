#include "proxy/turns.h"

#include <string.h>

#define LOOK_AT		64	/* of those that wait, per call */

void
turns_init(struct turns *t, unsigned max, uint32_t seed)
{
	memset(t, 0, sizeof(*t));
	TAILQ_INIT(&t->under_way);
	TAILQ_INIT(&t->waiting);
	t->max = max;
	t->of[0].seed = t->of[1].seed = seed;
}

/* Half of all, and one at least. */
static unsigned
turns_share(const struct turns *t)
{
	return t->max > 1 ? t->max / 2 : 1;
}

/* Whether its client (0) or its server (1) has its share. */
static int
turns_owner_full(const struct turns *t, const struct turn *a, int i)
{
	return share_of(&t->of[i], a->owner[i]) >= turns_share(t);
}

static int
turns_room(const struct turns *t, const struct turn *a)
{
	return t->n < t->max && !turns_owner_full(t, a, 0) &&
	    !turns_owner_full(t, a, 1);
}

static void
turns_begin(struct turns *t, struct turn *a, uint64_t now)
{
	a->state = TURN_HAS;
	a->since = now;
	t->n++;
	share_take(&t->of[0], a->owner[0]);
	share_take(&t->of[1], a->owner[1]);
	TAILQ_INSERT_TAIL(&t->under_way, a, link);
}

void
turns_take(struct turns *t, struct turn *a, const struct addr *client,
    const struct addr *server, uint64_t now)
{
	if (a->state == TURN_HAS)
		return;
	if (a->state == TURN_WAITS)
		TAILQ_REMOVE(&t->waiting, a, link);
	a->owner[0] = addr_owner(client);
	a->owner[1] = addr_owner(server);
	turns_begin(t, a, now);
}

int
turns_ask(struct turns *t, struct turn *a, const struct addr *client,
    const struct addr *server, uint64_t now)
{
	if (a->state == TURN_NONE) {
		a->owner[0] = addr_owner(client);
		a->owner[1] = addr_owner(server);
		a->state = TURN_WAITS;
		TAILQ_INSERT_TAIL(&t->waiting, a, link);
	}
	if (a->state == TURN_WAITS && turns_room(t, a)) {
		TAILQ_REMOVE(&t->waiting, a, link);
		turns_begin(t, a, now);
	}
	return a->state == TURN_HAS;
}

/* Whether a would have room if b ended. */
static int
turns_in_the_way(const struct turns *t, const struct turn *a,
    const struct turn *b)
{
	int i;

	for (i = 0; i < 2; i++)
		if (turns_owner_full(t, a, i) && a->owner[i] != b->owner[i])
			return 0;
	return 1;
}

struct turn *
turns_stalled(const struct turns *t, const struct turn *a, uint64_t now)
{
	struct turn *b;

	if (a->state != TURN_WAITS || turns_room(t, a))
		return NULL;
	TAILQ_FOREACH(b, &t->under_way, link) {
		if (now - b->since < TURNS_STALLED_MS)
			break;
		if (turns_in_the_way(t, a, b))
			return b;
	}
	return NULL;
}

/* The first that waits and has room. Those without room go to the end of the
 * row, so that each is looked at in time. */
static struct turn *
turns_next(struct turns *t, uint64_t now)
{
	struct turn *a;
	int n;

	for (n = 0; n < LOOK_AT && t->n < t->max; n++) {
		if ((a = TAILQ_FIRST(&t->waiting)) == NULL)
			return NULL;
		TAILQ_REMOVE(&t->waiting, a, link);
		if (turns_room(t, a)) {
			turns_begin(t, a, now);
			return a;
		}
		TAILQ_INSERT_TAIL(&t->waiting, a, link);
	}
	return NULL;
}

struct turn *
turns_end(struct turns *t, struct turn *a, uint64_t now)
{
	enum turn_state was = a->state;

	a->state = TURN_NONE;
	if (was == TURN_WAITS)
		TAILQ_REMOVE(&t->waiting, a, link);
	if (was != TURN_HAS)
		return NULL;
	TAILQ_REMOVE(&t->under_way, a, link);
	t->n--;
	share_give(&t->of[0], a->owner[0]);
	share_give(&t->of[1], a->owner[1]);
	return turns_next(t, now);
}
