/*
 * How much of a body a server is shown at first: a preview (RFC 3507, 4.5) or
 * all of it (4.10.2).
 */
#include "icap/attempt.h"

#define PREVIEW_MAX	65536
#define PREVIEW_GUESS	4096	/* before OPTIONS are known */
/*
 * A preview costs a round trip if the service wants the rest anyway. So where a
 * quarter or more of them were followed by the rest, a small body that is here
 * goes whole, as the client may decide (RFC 3507, 4.5). One in WHOLE_ASK still
 * goes with a preview, to learn whether that has changed.
 */
#define WHOLE_MAX	16384
#define WHOLE_SHARE	64	/* of 256 */
#define WHOLE_ASK	16
#define LEARN		8	/* the last weighs 1/8 */

int64_t
icap_preview(const struct icap_service *s, const struct icap_offer *offer,
    const struct icap_input *in)
{
	int64_t n = s->conf->preview;

	if (n == ICAP_PREVIEW_OFF || in->method == ICAP_OPTIONS)
		return -1;
	if (offer->known) {
		if (offer->preview < 0 || offer->transfer == ICAP_COMPLETE)
			return -1;
		if (n < 0 || offer->preview < n)
			n = offer->preview;
	} else if (n < 0)
		return -1;
	if (in->body == NULL)
		return 0;
	return n > PREVIEW_MAX ? PREVIEW_MAX : n;
}

/* Shall it go whole, if it can? */
static int
preview_whole(struct icap_service *s, const struct icap_offer *offer,
    const struct icap_input *in)
{
	return s->conf->preview == ICAP_PREVIEW_AUTO &&
	    s->conf->allow_204 && (offer->flags & ICAP_OPT_204) != 0 &&
	    in->body != NULL && in->length > offer->preview &&
	    in->length <= WHOLE_MAX && !in->monitor &&
	    offer->transfer != ICAP_IGNORE &&
	    s->went_on[in->method] >= WHOLE_SHARE &&
	    s->small[in->method]++ % WHOLE_ASK != 0;
}

void
icap_preview_learn(struct icap_service *s, enum icap_method m, int went_on)
{
	unsigned now = s->went_on[m];	/* another worker's may be lost: no
					   matter */

	s->went_on[m] = went_on ? now + (256 - now) / LEARN :
	    now - (now + LEARN - 1) / LEARN;
}

uint64_t
icap_preview_wants(struct icap_service *s, const struct icap_input *in,
    int *whole)
{
	struct icap_offer offer = icap_expect(s, in->method, in->path);
	int64_t n = icap_preview(s, &offer, in);

	if (!offer.known && s->conf->options &&
	    s->conf->preview == ICAP_PREVIEW_AUTO)
		n = PREVIEW_GUESS;
	*whole = n >= 0 && preview_whole(s, &offer, in);
	if (*whole)
		n = in->length;
	return n < 0 ? UINT64_MAX : (uint64_t)n;
}
