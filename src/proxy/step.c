#include "proxy/step.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>

#include "net/sock.h"
#include "proxy/session.h"
#include "util/clock.h"

/* The first reason is the one that the log gets. */
static void
step_reason(struct session *s, const char *reason, va_list ap)
{
	if (s->rec.reason[0] == '\0')
		vsnprintf(s->rec.reason, sizeof(s->rec.reason), reason, ap);
}

#define STEP_WITH_REASON(s, reason, ...)				\
	struct step step = { __VA_ARGS__ };				\
	va_list ap;							\
									\
	va_start(ap, reason);						\
	step_reason(s, reason, ap);					\
	va_end(ap);							\
	return step

struct step
step_end(struct session *s, const char *reason, ...)
{
	STEP_WITH_REASON(s, reason, .kind = STEP_END);
}

struct step
step_reset(struct session *s, enum flow_dir dir, const char *reason, ...)
{
	STEP_WITH_REASON(s, reason, .kind = STEP_RESET, .dir = dir);
}

struct step
step_broke(struct session *s, enum flow_dir dir, const char *reason, ...)
{
	STEP_WITH_REASON(s, reason, .kind = STEP_BROKE, .dir = dir);
}

struct step
step_refuse(struct session *s, int status, const char *reason, ...)
{
	STEP_WITH_REASON(s, reason, .kind = STEP_REFUSE, .status = status);
}

struct step
step_alert(struct session *s, int alert, const char *reason, ...)
{
	STEP_WITH_REASON(s, reason, .kind = STEP_ALERT, .status = alert);
}

struct step
step_client_event(struct session *s, struct conn *c)
{
	/* Not by recv(): what it said lies unread before the error. */
	if (c != &s->client || sock_error(c->sock.fd) == 0)
		return step_wait();
	return step_broke(s, DIR_UP, "client reset the connection");
}

void
session_soon(struct session *s)
{
	event_active(&s->again, EV_TIMEOUT, 0);
}

void
session_later(struct session *s, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	evtimer_add(&s->again, &tv);
}

/* By a timer that is due at once: event_active() would run it before the
 * loop looks at any socket again, and it has had its turn. */
void
session_again(struct session *s)
{
	session_later(s, 0);
}

void
session_due(struct session *s, struct step step)
{
	s->due = step;
	session_soon(s);
}

void
session_timer(struct session *s, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	if (ms == 0)
		event_del(&s->timer);
	else
		evtimer_add(&s->timer, &tv);
}
