/*
 * Several reports in one body: objects of JSON, in arrays or one after the
 * other, over as many lines as they like; and lines of other dialects
 * (codec/report.h). They are told apart here, and not read. Each byte is
 * looked at once.
 */
#ifndef CODEC_BUNDLE_H
#define CODEC_BUNDLE_H

#include "codec/slice.h"

struct bundle {
	struct slice	 in;		/* what is left */
	int		 array;		/* we are in one */
	const char	*why;		/* the reason of an ERR_*, static */
};

/* in lives as long as what is taken out of it. */
void	bundle_init(struct bundle *, struct slice in);
/*
 * The next report, which is never empty. Returns 1; 0 at the end; or
 * ERR_FORMAT, from then on always: an object that does not end, or an array of
 * something else.
 */
int	bundle_next(struct bundle *, struct slice *out);

#endif
