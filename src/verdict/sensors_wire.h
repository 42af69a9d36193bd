/*
 * What the daemon gives to the process that reads sensors: each with the socket
 * or file that it is read from. What comes back is in verdict/fields.h.
 */
#ifndef VERDICT_SENSORS_WIRE_H
#define VERDICT_SENSORS_WIRE_H

#include "conf/verdicts.h"

#define SENSORS		64		/* of a configuration */
#define SENSOR_FROM	256
#define SENSOR_NAME	64
#define SENSOR_PEM	(96 * 1024)	/* bytes of TLS's files */

/*
 * TLS: PEM texts follow in the same message: the certificate with its chain,
 * its key, the CAs of clients. They are wiped on either side.
 */
struct sensor_given {
	uint32_t	 index;
	uint32_t	 kind;		/* enum sensor_kind */
	uint32_t	 at_end;	/* FILE: what is in it is old */
	uint32_t	 nfrom;
	/* bytes of each text; ca 0: anyone may send */
	uint32_t	 cert, key, ca;
	char		 name[SENSOR_NAME];
	struct prefix	 from[SENSOR_FROM];
};

#endif
