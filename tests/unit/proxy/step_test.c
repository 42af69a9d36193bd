/*
 * Steps: what they say, and that a session is woken for one.
 */
#include <event2/event.h>
#include <string.h>

#include "proxy/session.h"
#include "test.h"

static struct session	 session;
static int		 woken;

static void
wake(evutil_socket_t fd, short what, void *arg)
{
	woken++;
}

TEST(the_first_reason_is_kept)
{
	struct step t;

	memset(&session, 0, sizeof(session));
	t = step_refuse(&session, 502, "connect: %s", "timed out");
	ck_assert_int_eq(t.kind, STEP_REFUSE);
	ck_assert_int_eq(t.status, 502);
	t = step_reset(&session, DIR_DOWN, "refused");
	ck_assert_int_eq(t.kind, STEP_RESET);
	ck_assert_int_eq(t.dir, DIR_DOWN);
	ck_assert_str_eq(session.rec.reason, "connect: timed out");
}
END

TEST(a_long_reason_is_cut)
{
	char name[300];

	memset(&session, 0, sizeof(session));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	step_end(&session, "%s", name);
	ck_assert_uint_eq(strlen(session.rec.reason),
	    sizeof(session.rec.reason) - 1);
}
END

TEST(a_step_that_is_due_wakes_its_session)
{
	struct event_base *base = event_base_new();

	memset(&session, 0, sizeof(session));
	woken = 0;
	evtimer_assign(&session.again, base, wake, &session);
	session_due(&session, step_go(PHASE_RELAY));
	ck_assert_int_eq(woken, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(session.due.kind, STEP_GO);
	ck_assert_int_eq(session.due.phase, PHASE_RELAY);
	event_base_free(base);
}
END

SUITE("step", the_first_reason_is_kept, a_long_reason_is_cut,
    a_step_that_is_due_wakes_its_session)
