/*
 * The queue of a target, with a carrier that says what it is told to say.
 */
#include "verdict/target.h"

#include <event2/event.h>
#include <string.h>

#include "test.h"
#include "util/text.h"

static struct event_base *base;
static struct conf_target conf;
static struct target *target;
static struct text outcomes;		/* what became of the notices */
static enum target_result next;	/* answer at once, unless RESULTS */

static int
carrier_open(struct target *t, struct text *why)
{
	return 0;
}

static void
carrier_close(struct target *t)
{
}

static void
carrier_go(struct target *t)
{
	if (next != TARGET_RESULTS)
		target_answer(t, next, "said");
}

static const struct carrier carrier = { carrier_open, carrier_close,
	carrier_go };

static void
told(void *arg, const struct target_told *t)
{
	text_printf(&outcomes, "%llu-%s:%s:%u ", (unsigned long long)t->notice->id,
	    conf_notice_str(t->notice->kind), target_result_str(t->result),
	    t->tries);
}

static void
begin(unsigned queue, unsigned retries)
{
	static char name[] = "t";
	struct text why = { 0 };

	base = event_base_new();
	conf = (struct conf_target){ .name = name, .queue = queue,
	    .retries = retries, .events = ~0u };
	ck_assert_int_eq(target_new(base, NULL, &conf, &carrier, told, NULL,
	    &target, &why), 0);
	next = TARGET_SENT;
}

static struct notice *
notice(enum conf_notice kind, uint64_t id)
{
	return notice_new(kind, id, 1000, 2000, json_pack("{s:s,s:s}",
	    "endpoint", "10.1.0.7", "profile", "all"), "{}");
}

static void
add(enum conf_notice kind, uint64_t id)
{
	struct notice *n = notice(kind, id);

	target_add(target, n);
	notice_unref(n);
}

static void
run(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
said(const char *want)
{
	ck_assert_str_eq(outcomes.s != NULL ? outcomes.s : "", want);
	text_clear(&outcomes);
}

static void
end(void)
{
	target_free(target);
	event_base_free(base);
}

TEST(notices_are_told_in_their_order)
{
	begin(10, 0);
	add(NOTICE_SET, 1);
	add(NOTICE_RELEASED, 1);
	add(NOTICE_SET, 2);
	run();
	run();
	run();
	said("1-set:sent:1 1-released:sent:1 2-set:sent:1 ");
	ck_assert_uint_eq(target->queued, 0);
	end();
}
END

TEST(queue_is_bounded_and_a_quarantine_has_a_place)
{
	begin(2, 0);
	next = TARGET_RESULTS;
	add(NOTICE_NOTIFIED, 0);
	add(NOTICE_NOTIFIED, 0);
	add(NOTICE_BREAKER, 0);
	add(NOTICE_SET, 1);
	add(NOTICE_EXPIRED, 1);
	add(NOTICE_SET, 2);
	said("0-breaker:dropped:0 2-set:dropped:0 ");
	ck_assert_uint_eq(target->queued, 4);
	end();
}
END

TEST(extension_takes_the_place_of_one_that_waits)
{
	begin(10, 0);
	next = TARGET_RESULTS;
	add(NOTICE_EXTENDED, 1);
	run();			/* it flies */
	add(NOTICE_EXTENDED, 1);
	add(NOTICE_EXTENDED, 2);
	add(NOTICE_EXTENDED, 1);
	said("1-extended:merged:0 ");
	ck_assert_uint_eq(target->queued, 3);
	end();
}
END

TEST(failure_waits_and_then_gives_up)
{
	begin(10, 0);
	next = TARGET_RETRIED;
	add(NOTICE_SET, 1);
	add(NOTICE_SET, 2);
	run();
	run();
	said("1-set:given-up:1 ");
	ck_assert_uint_eq(target->flying, 0);
	ck_assert_uint_ne(target->next, 0);
	ck_assert_str_eq(target->problem, "said");
	next = TARGET_SENT;
	event_base_loop(base, EVLOOP_ONCE);	/* a second later */
	said("2-set:sent:1 ");
	/* It is well again: the next one does not wait. */
	add(NOTICE_SET, 3);
	run();
	said("3-set:sent:1 ");
	ck_assert_ptr_null(target->problem);
	end();
}
END

TEST(target_that_was_idle_when_its_time_came_goes_on)
{
	begin(10, 0);
	next = TARGET_RETRIED;
	add(NOTICE_SET, 1);
	run();
	said("1-set:given-up:1 ");
	event_base_loop(base, EVLOOP_ONCE);
	next = TARGET_SENT;
	add(NOTICE_SET, 2);
	run();
	said("2-set:sent:1 ");
	end();
}
END

TEST(queue_is_inherited_with_its_counters)
{
	struct target *old;
	struct text why = { 0 };

	begin(10, 3);
	next = TARGET_RESULTS;
	add(NOTICE_SET, 1);
	run();
	add(NOTICE_SET, 2);
	old = target;
	ck_assert_int_eq(target_new(base, NULL, &conf, &carrier, told, NULL,
	    &target, &why), 0);
	target_inherit(target, old);
	target_free(old);
	next = TARGET_SENT;
	run();
	run();
	said("1-set:sent:1 2-set:sent:1 ");
	end();
}
END

TEST(notice_is_kept_as_it_is)
{
	struct notice *n = notice(NOTICE_DRY_RUN, 7), *m;
	json_t *o = notice_pack(n);
	struct text a = { 0 }, b = { 0 };

	m = notice_unpack(o);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(m->kind, NOTICE_DRY_RUN);
	ck_assert_uint_eq(m->id, 7);
	notice_say(n, &a);
	notice_say(m, &b);
	ck_assert_str_eq(a.s, b.s);
	text_free(&a);
	text_free(&b);
	json_object_del(o, "kind");
	ck_assert_ptr_null(notice_unpack(o));
	ck_assert_ptr_null(notice_unpack(NULL));
	json_decref(o);
	notice_unref(n);
	notice_unref(m);
}
END

SUITE("target", notices_are_told_in_their_order,
    queue_is_bounded_and_a_quarantine_has_a_place,
    extension_takes_the_place_of_one_that_waits,
    failure_waits_and_then_gives_up,
    target_that_was_idle_when_its_time_came_goes_on,
    queue_is_inherited_with_its_counters, notice_is_kept_as_it_is)
