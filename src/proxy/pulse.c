#include "proxy/pulse.h"

enum pulse_is
pulse_look(struct pulse *p, int answered, uint64_t now, int *ask,
    uint64_t *waited)
{
	int was = p->late;

	*ask = p->asked == 0 || answered;
	*waited = *ask ? 0 : now - p->asked;
	p->late = *waited >= PULSE_LATE_MS;
	if (*ask)
		p->asked = now;
	if (p->late)
		return was ? PULSE_LATE_STILL : PULSE_LATE;
	return was ? PULSE_BACK : PULSE_FINE;
}
