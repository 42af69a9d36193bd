/*
 * How long something is to last, as an operator writes it.
 */
#ifndef ADMIN_SPAN_H
#define ADMIN_SPAN_H

#define SPAN_HINT	"write the time as 30s, 10m or 2h, a year at most"

/* Seconds; 0: it is no time that we take. */
unsigned long	span_read(const char *);

#endif
