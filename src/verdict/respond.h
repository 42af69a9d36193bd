/*
 * What is done about a sighting: the first of `responses` that matches; and
 * what keeps a sensor that has gone wild from doing harm. The clock is passed
 * in.
 */
#ifndef VERDICT_RESPOND_H
#define VERDICT_RESPOND_H

#include "conf/verdicts.h"
#include "verdict/sighting.h"

struct respond;

struct respond	*respond_new(uint64_t seed);
void		 respond_free(struct respond *);	/* NULL is allowed */

/*
 * The response for a sighting of that sensor, or NULL. who is the endpoint, or
 * NULL where it is not known. One with a count matches when it has been seen so
 * often; each call counts.
 */
const struct conf_response *respond_match(struct respond *,
		    const struct conf *, const char *sensor,
		    const struct sighting *, const struct endpoint *who,
		    uint64_t now);

/*
 * Whether the same (response, endpoint or both ends, signature, result) has
 * been told of within the last minute; from then on it has.
 */
int		 respond_again(struct respond *, const struct conf_response *,
		    const struct sighting *, const struct endpoint *who,
		    int result, uint64_t now);

/* Whether the breaker lets one more quarantine through, which counts. */
int		 respond_may(struct respond *, const struct conf_breaker *,
		    uint64_t now);

#endif
