/*
 * From what a sensor says to what is done: who it is about, which response it
 * has, whether that may be done. For the main thread.
 */
#ifndef VERDICT_VERDICTS_H
#define VERDICT_VERDICTS_H

#include "conf/verdicts.h"
#include "verdict/measure.h"
#include "verdict/respond.h"

enum verdict_result {
	VERDICT_NOTIFIED,	/* do: notify */
	VERDICT_DONE,		/* contained, or longer so */
	VERDICT_DRY_RUN,
	VERDICT_AMBIGUOUS,	/* both ends are endpoints of ours */
	VERDICT_NOBODY,		/* no end is one */
	VERDICT_BREAKER,	/* too many quarantines of late */
	VERDICT_REFUSED,	/* by never, and the like */
	VERDICT_PROPOSED,	/* it waits to be approved */
	VERDICT_RESULTS
};
/* "notified", "done", ...; static. */
const char	*verdict_result_str(enum verdict_result);

#define VERDICT_ALSO	4
struct verdict_told {		/* good during the call */
	const struct conf_sensor *sensor;
	const struct sighting *sighting;
	const struct conf_response *response;
	size_t		 number;	/* of the response, from 1 */
	const struct endpoint *who;	/* or NULL */
	enum verdict_result result;
	uint64_t	 id;		/* of what is done; or 0 */
	uint64_t	 also[VERDICT_ALSO];	/* ... and others, up to a 0 */
	uint64_t	 us;		/* since its line was read */
	const char	*why;		/* it was refused, or NULL */
};

struct verdicts {
	struct quarantine *quarantine;
	struct measures	*measures;
	struct respond	*respond;
	/* sightings without a response; and with one, by what became of it */
	uint64_t	 ignored, results[VERDICT_RESULTS];
	void		(*told)(void *arg, const struct verdict_told *);
	void		*arg;
	/* Besides, of each sighting, however often; response NULL: it has
	 * none. NULL: nobody asks. */
	void		(*became)(void *arg, const struct verdict_told *);
	void		*became_arg;
};

/* Whether an address is an endpoint's of ours: by `endpoints: inside`, without
 * which the private networks are. */
int	verdicts_inside(const struct conf *, const struct addr *);
/* Who a sighting is about, as sighting_who() says, and identified. */
int	verdicts_who(const struct verdicts *, const struct sighting *,
	    struct endpoint *);
/* A sensor has said this. now is clock_ms(), us clock_us(), wall seconds since
 * 1970. */
void	verdicts_said(struct verdicts *, const struct conf_sensor *,
	    const struct fields *, int64_t wall, uint64_t now, uint64_t us);

#endif
