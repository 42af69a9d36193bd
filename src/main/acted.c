/*
 * Who has done what an event tells of.
 */
#include "main/daemon.h"
#include "sink/eve.h"

json_t *
contained_acted(const struct daemon *d, json_t *o)
{
	if (d->quarantine.actor != NULL)
		json_object_set_new(o, "actor",
		    eve_string(d->quarantine.actor));
	return o;
}
