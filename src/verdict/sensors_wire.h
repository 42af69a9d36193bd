/*
 * What the daemon gives to the process that reads sensors: each with the socket
 * or file that it is read from. What comes back is in verdict/fields.h.
 */
#ifndef VERDICT_SENSORS_WIRE_H
#define VERDICT_SENSORS_WIRE_H

#include "conf/verdicts.h"

#define SENSOR_FROM	256

struct sensor_given {
	uint32_t	 index;
	uint32_t	 kind;		/* enum sensor_kind */
	uint32_t	 at_end;	/* FILE: what is in it is old */
	uint32_t	 nfrom;
	struct prefix	 from[SENSOR_FROM];
};

#endif
