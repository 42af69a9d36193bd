/*
 * The certificate and key of a sensor that listens for TLS, as the daemon
 * reads them while it may: whoever reads the sensor has no files. They stay in
 * memory for a process that is started again.
 */
#ifndef VERDICT_SENSORS_PEM_H
#define VERDICT_SENSORS_PEM_H

#include "conf/verdicts.h"
#include "util/text.h"
#include "verdict/sensors_wire.h"

struct sensor_pem {
	char		*s;		/* SENSOR_PEM bytes; NULL: none */
	size_t		 n;
	/* as in struct sensor_given */
	uint32_t	 cert, key, ca;
};

/* Read and check them. Returns 0, or ERR_USAGE with a sentence in why. */
int	sensor_pem_read(struct sensor_pem *, const struct conf_sensor *,
	    struct text *why);
/* A copy, whatever out was. */
void	sensor_pem_copy(struct sensor_pem *out, const struct sensor_pem *);
/* Wipe and free. */
void	sensor_pem_drop(struct sensor_pem *);

#endif
