/*
 * Leases as DHCP servers tell them, and as an operator sees them.
 */
#ifndef ADMIN_LEASES_H
#define ADMIN_LEASES_H

#include <jansson.h>

#include "verdict/quarantine.h"

/*
 * The answers of `ctl lease`, which the caller owns. words is what follows the
 * verb: nothing or "list"; "add ADDRESS MAC [NAME] [FOR]"; "del ADDRESS [MAC]".
 */
json_t	*leases_verb(struct quarantine *, const char *words);

#endif
