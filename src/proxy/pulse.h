/*
 * Does a worker's loop still turn? Another thread asks it now and then, and it
 * answers when its loop gets to that. Pure: time is given.
 */
#ifndef PROXY_PULSE_H
#define PROXY_PULSE_H

#include <stdint.h>

#define PULSE_LATE_MS	2000

enum pulse_is {
	PULSE_FINE,
	PULSE_LATE,		/* since this look */
	PULSE_LATE_STILL,
	PULSE_BACK		/* it was late, and is no more */
};

struct pulse {			/* begins zeroed */
	uint64_t	 asked;	/* ms: when; 0: not yet */
	int		 late;
};

/*
 * Has it answered what it was asked last? *ask is set when it is to be asked
 * again; *waited is for how many ms its answer is due.
 */
enum pulse_is	pulse_look(struct pulse *, int answered, uint64_t now,
		    int *ask, uint64_t *waited);

#endif
