/*
 * How much of a body a server is shown at first: the preview (RFC 3507, 4.5),
 * all of it, or nothing, as it wants no such file (4.10.2).
 */
#include "icap/own.h"

#define PREVIEW_GUESS	4096	/* before OPTIONS are known */
/*
 * A preview costs a service that wants the rest anyway a round trip. So where
 * a quarter of them and more went on, a small body that is here goes whole
 * (RFC 3507, 4.5: a preview is the client's to send). One in so many is asked
 * the other way, to hear if that is still so.
 */
#define WHOLE_MAX	16384
#define WHOLE_SHARE	64	/* of 256 */
#define WHOLE_ASK	16
#define LEARN		8	/* the last weighs 1/8 */

int64_t
icap_txn_preview(const struct icap_txn *t, const struct icap_known *k)
{
	const struct conf_icap *c = t->seat->service->conf;
	int64_t n = c->preview;

	if (n == ICAP_PREVIEW_OFF)
		return -1;
	if (k != NULL) {
		if (k->o.preview < 0 ||
		    ((k->o.flags & ICAP_OPT_TRANSFER) != 0 &&
		    icap_transfer(&k->o, t->job.path) == ICAP_COMPLETE))
			return -1;
		if (n < 0 || k->o.preview < n)
			n = k->o.preview;
	} else if (n < 0)
		return -1;
	if (t->job.body == NULL)
		return 0;
	return n > ICAP_PREVIEW_MAX ? ICAP_PREVIEW_MAX : n;
}

int
icap_txn_ignored(const struct icap_txn *t, const struct icap_known *k)
{
	return k != NULL && (k->o.flags & ICAP_OPT_TRANSFER) != 0 &&
	    icap_transfer(&k->o, t->job.path) == ICAP_IGNORE;
}

/* Shall it go whole, if it can? */
static int
txn_small(const struct icap_txn *t, const struct icap_known *k)
{
	struct icap_service *s = t->seat->service;
	enum icap_method m = t->job.method;

	return k != NULL && s->conf->preview == ICAP_PREVIEW_AUTO &&
	    s->conf->allow_204 && (k->o.flags & ICAP_OPT_204) != 0 &&
	    t->job.body != NULL && t->job.length > k->o.preview &&
	    t->job.length <= WHOLE_MAX && !t->job.copy &&
	    !icap_txn_ignored(t, k) && s->went_on[m] >= WHOLE_SHARE &&
	    s->small[m]++ % WHOLE_ASK != 0;
}

int
icap_txn_whole(const struct icap_txn *t)
{
	return t->whole && t->known != NULL &&
	    (t->known->o.flags & ICAP_OPT_204) != 0 &&
	    spool_ended(t->job.body) == 1;
}

void
icap_txn_learn(const struct icap_txn *t, int went_on)
{
	_Atomic unsigned *share =
	    &t->seat->service->went_on[t->job.method];
	unsigned now = *share;	/* another worker's may be lost: no matter */

	*share = went_on ? now + (256 - now) / LEARN :
	    now - (now + LEARN - 1) / LEARN;
}

uint64_t
icap_txn_wants(struct icap_txn *t)
{
	const struct icap_service *s = t->seat->service;
	struct icap_known *k = icap_expect(t->seat->service, t->job.method);
	int64_t n = icap_txn_preview(t, k);

	if (k == NULL && s->conf->options &&
	    s->conf->preview == ICAP_PREVIEW_AUTO)
		n = PREVIEW_GUESS;
	t->whole = n >= 0 && txn_small(t, k);
	if (t->whole)
		n = t->job.length;
	icap_known_free(k);
	return n < 0 ? UINT64_MAX : (uint64_t)n;
}
