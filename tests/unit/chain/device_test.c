/*
 * Devices as they run: who gets a session, limits, drain, what a reload keeps.
 */
#include "chain/device.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "chain/pick.h"
#include "clock.h"
#include "test.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define PAIRS	300
#define LISTEN	"listen: [{name: p, mode: explicit, " \
		"address: \"127.0.0.1:8080\"}]\n"
#define THREE	"devices:\n" \
		"- {name: ips1, inside: a0, outside: a1}\n" \
		"- {name: ips2, inside: b0, outside: b1}\n" \
		"- {name: ips3, inside: c0, outside: c1}\n"
#define CHAIN	"chains: [{name: i, slots: [{name: s, " \
		"devices: [ips1, ips2, ips3]}]}]\n"

/* A configuration as it runs after the one in force; without it at boot. */
static struct conf *
load(const char *yaml, const struct conf *in_force)
{
	struct text t = { 0 }, errors = { 0 };
	struct conf *c;

	text_printf(&t, "%s%s", LISTEN, yaml);
	if (conf_parse_in(&conf_world_none, "c", t.s, t.len, &c,
	    &errors) != 0)
		ck_abort_msg("%s", errors.s);
	device_attach(c, in_force);
	text_free(&t);
	return c;
}

static struct conf *
load_up(const char *yaml, const struct conf *in_force)
{
	struct conf *c = load(yaml, in_force);
	size_t i;

	log_level = LOG_LVL_ERROR;
	for (i = 0; i < c->ndevices; i++)
		device_set_health(c->devices[i].running, DEVICE_UP, "probes");
	return c;
}

static uint64_t
pair(unsigned i)
{
	struct addr client, server;
	char ip[32];

	snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, 1 + i % 250);
	addr_parse_ip(&client, ip);
	addr_parse_ip(&server, "93.184.216.34");
	return pick_pair(&client, &server);
}

static const struct conf_slot *
slot(const struct conf *c)
{
	return &c->chains[0].slots[0];
}

/* Enter and leave with every pair. */
static void
choose(const struct conf *c, int chosen[PAIRS])
{
	static const uint64_t bytes[2] = { 0, 0 };
	uint64_t tried;
	unsigned i;

	for (i = 0; i < PAIRS; i++) {
		tried = 0;
		chosen[i] = device_enter(slot(c), pair(i), &tried);
		if (chosen[i] >= 0)
			device_leave(slot(c)->devices[chosen[i]]->running,
			    DEVICE_PASSED, bytes);
	}
}

static unsigned
count(const int chosen[PAIRS], int which)
{
	unsigned i, n = 0;

	for (i = 0; i < PAIRS; i++)
		n += chosen[i] == which;
	return n;
}

/* Enter with a pair of its own; the index of the device. */
static int
enter(const struct conf *c, unsigned i)
{
	uint64_t tried = 0;

	return device_enter(slot(c), pair(i), &tried);
}

static void
leave(const struct conf *c, int which)
{
	static const uint64_t bytes[2] = { 10, 20 };

	device_leave(slot(c)->devices[which]->running, DEVICE_PASSED, bytes);
}

TEST(a_device_is_down_until_its_probes_say_otherwise)
{
	struct conf *c = load(THREE CHAIN, NULL);
	struct device_stats st;

	ck_assert_int_eq(enter(c, 1), -1);
	device_stats(&c->devices[0], &st);
	ck_assert_int_eq(st.health, DEVICE_DOWN);
	ck_assert_str_eq(st.why, "not probed yet");
	device_set_health(c->devices[0].running, DEVICE_UP, "3 probes");
	ck_assert_int_eq(enter(c, 1), 0);
	device_set_health(c->devices[0].running, DEVICE_SUSPECT, "resets");
	ck_assert_int_eq(enter(c, 1), 0);	/* used until a probe fails */
	device_set_health(c->devices[0].running, DEVICE_DOWN, "link down");
	ck_assert_int_eq(enter(c, 1), -1);
	device_set_health(c->devices[0].running, DEVICE_SUSPECT, "resets");
	ck_assert_int_eq(device_health(c->devices[0].running), DEVICE_DOWN);
	device_stats(&c->devices[0], &st);
	ck_assert_str_eq(st.why, "link down");
	ck_assert_uint_eq(st.changes, 2);
	leave(c, 0);
	leave(c, 0);
	conf_unref(c);
}
END

TEST(one_of_three_dies_and_only_its_pairs_move_and_come_back)
{
	struct conf *c = load_up(THREE CHAIN, NULL);
	int before[PAIRS], without[PAIRS], after[PAIRS];
	unsigned i;

	choose(c, before);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_ge(count(before, (int)i), 85);
		ck_assert_uint_le(count(before, (int)i), 115);
	}
	device_set_health(c->devices[2].running, DEVICE_DOWN, "link down");
	choose(c, without);
	for (i = 0; i < PAIRS; i++) {
		ck_assert_int_ne(without[i], 2);
		if (before[i] != 2)
			ck_assert_int_eq(without[i], before[i]);
	}
	device_set_health(c->devices[2].running, DEVICE_UP, "3 probes");
	choose(c, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	conf_unref(c);
}
END

TEST(a_drained_device_gets_nothing_new_and_keeps_what_it_has)
{
	struct conf *c = load_up(THREE CHAIN, NULL);
	int before[PAIRS], drained[PAIRS], mine;
	struct device_stats st;

	choose(c, before);
	mine = enter(c, 7);
	device_set_admin(c->devices[mine].running, DEVICE_DRAIN);
	choose(c, drained);
	ck_assert_uint_eq(count(drained, mine), 0);
	device_stats(&c->devices[mine], &st);
	ck_assert_uint_eq(st.sessions, 1);
	ck_assert_int_eq(st.health, DEVICE_UP);
	ck_assert_str_eq(device_admin_str(st.admin), "drain");
	leave(c, mine);
	device_set_admin(c->devices[mine].running, DEVICE_FORCED_DOWN);
	choose(c, drained);
	ck_assert_uint_eq(count(drained, mine), 0);
	device_set_admin(c->devices[mine].running, DEVICE_AUTO);
	choose(c, drained);
	ck_assert_mem_eq(before, drained, sizeof(before));
	conf_unref(c);
}
END

#define LIMITED	"devices:\n" \
		"- {name: ips1, inside: a0, outside: a1, connections: 20}\n" \
		"- {name: ips2, inside: b0, outside: b1}\n" \
		"chains: [{name: i, slots: [{name: s, " \
		"devices: [ips1, ips2]}]}]\n"

TEST(a_full_device_gets_sessions_again_at_nine_tenths)
{
	struct conf *c = load_up(LIMITED, NULL);
	int chosen[PAIRS];
	struct device_stats st;
	unsigned i, mine;

	choose(c, chosen);
	for (mine = 0; chosen[mine] != 0; mine++)
		continue;			/* a pair of the first's */
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(enter(c, mine), 0);
	ck_assert_int_eq(enter(c, mine), 1);	/* the next best */
	device_stats(&c->devices[0], &st);
	ck_assert_int_eq(st.full, 1);
	ck_assert_uint_eq(st.sessions, 20);
	leave(c, 0);
	ck_assert_int_eq(enter(c, mine), 1);	/* 19: not yet */
	leave(c, 0);
	ck_assert_int_eq(enter(c, mine), 0);	/* 18 */
	ck_assert_int_eq(enter(c, mine), 0);
	ck_assert_int_eq(enter(c, mine), 1);	/* 20 again */
	for (i = 0; i < 20; i++)
		leave(c, 0);
	for (i = 0; i < 3; i++)
		leave(c, 1);
	device_stats(&c->devices[1], &st);
	ck_assert_uint_eq(st.sessions, 0);
	ck_assert_uint_eq(st.bytes[1], 3 * 20);
	conf_unref(c);
}
END

TEST(with_all_full_or_tried_none_is_left)
{
	struct conf *c = load_up("devices:\n"
	    "- {name: ips1, inside: a0, outside: a1, connections: 1}\n"
	    "- {name: ips2, inside: b0, outside: b1, connections: 1}\n"
	    "chains: [{name: i, slots: [{name: s, devices: [ips1, ips2]}]}]\n",
	    NULL);
	uint64_t tried = 0;
	int first = device_enter(slot(c), pair(1), &tried);

	ck_assert_int_eq(first == 0 || first == 1, 1);
	ck_assert_uint_eq(tried, 1u << first);
	ck_assert_int_eq(device_enter(slot(c), pair(1), &tried), 1 - first);
	ck_assert_uint_eq(tried, 3);
	ck_assert_int_eq(device_enter(slot(c), pair(1), &tried), -1);
	ck_assert_int_eq(enter(c, 1), -1);
	leave(c, 0);
	ck_assert_int_eq(enter(c, 1), 0);
	leave(c, 0);
	leave(c, 1);
	conf_unref(c);
}
END

TEST(a_reload_keeps_devices_by_name_and_ports)
{
	struct conf *a = load_up(THREE CHAIN, NULL), *b;

	device_set_admin(a->devices[1].running, DEVICE_DRAIN);
	slot_count(slot(a), SLOT_NEXT);
	b = load("devices:\n"
	    "- {name: ips3, inside: c0, outside: c1, weight: 9}\n"
	    "- {name: ips2, inside: b0, outside: b1, connections: 5}\n"
	    "- {name: ips1, inside: a0, outside: x1}\n"
	    "- {name: new, inside: n0, outside: n1}\n" CHAIN, a);
	ck_assert_ptr_eq(b->devices[0].running, a->devices[2].running);
	ck_assert_ptr_eq(b->devices[1].running, a->devices[1].running);
	ck_assert_ptr_ne(b->devices[2].running, a->devices[0].running);
	ck_assert_uint_ne(device_exit(b->devices[2].running, 0),
	    device_exit(a->devices[0].running, 0));
	ck_assert_ptr_eq(slot(b)->running, slot(a)->running);
	conf_unref(a);
	ck_assert_int_eq(device_health(b->devices[0].running), DEVICE_UP);
	ck_assert_int_eq(device_admin(b->devices[1].running), DEVICE_DRAIN);
	ck_assert_int_eq(device_health(b->devices[2].running), DEVICE_DOWN);
	conf_unref(b);
}
END

TEST(a_changed_limit_and_weight_hold_for_new_sessions)
{
	struct conf *a = load_up(LIMITED, NULL), *b;
	int before[PAIRS], after[PAIRS];
	unsigned i;

	choose(a, before);
	b = load_up("devices:\n"
	    "- {name: ips1, inside: a0, outside: a1, connections: 2}\n"
	    "- {name: ips2, inside: b0, outside: b1, weight: 3}\n"
	    "chains: [{name: i, slots: [{name: s, devices: [ips2, ips1]}]}]\n",
	    a);
	conf_unref(a);
	choose(b, after);			/* ips2 is the first now */
	for (i = 0; i < PAIRS; i++)
		if (before[i] == 1)
			ck_assert_int_eq(after[i], 0);
	ck_assert_uint_gt(count(after, 0), count(before, 1) + 30);
	for (i = 0; after[i] != 1; i++)
		continue;
	ck_assert_int_eq(enter(b, i), 1);
	ck_assert_int_eq(enter(b, i), 1);
	ck_assert_int_eq(enter(b, i), 0);
	leave(b, 0);
	leave(b, 1);
	leave(b, 1);
	conf_unref(b);
}
END

static struct zone	*closed, *forced;

static void
close_zone(struct zone *z)
{
	closed = z;
}

static void
force_zone(struct zone *z)
{
	forced = z;
}

static const struct device_zone_ops zone_ops = { close_zone, force_zone };

TEST(the_zone_hears_of_down_by_the_operator_and_of_nothing_else)
{
	struct conf *c = load_up(THREE CHAIN, NULL);
	struct device *d = c->devices[0].running;
	struct zone *z = (struct zone *)&forced;

	device_set_zone(d, z, &zone_ops);
	device_set_admin(d, DEVICE_DRAIN);
	device_set_health(d, DEVICE_DOWN, "");
	ck_assert_ptr_null(forced);
	device_set_admin(d, DEVICE_FORCED_DOWN);
	ck_assert_ptr_eq(forced, z);
	forced = NULL;
	device_set_admin(d, DEVICE_FORCED_DOWN);
	ck_assert_ptr_null(forced);
	conf_unref(c);
	closed = NULL;
}
END

TEST(a_device_is_well_since_a_probe_that_was_answered_began)
{
	struct conf *c = load_up(THREE CHAIN, NULL);
	struct device *d = c->devices[0].running;
	uint64_t now = clock_ms();

	device_probed(d, now, 7);
	ck_assert(device_well(d, now));
	ck_assert(!device_well(d, now + 1));
	device_set_health(d, DEVICE_DOWN, "");
	ck_assert(!device_well(d, now));
	conf_unref(c);
}
END

TEST(a_device_that_was_down_in_between_was_not_well)
{
	struct conf *c = load_up(THREE CHAIN, NULL);
	struct device *d = c->devices[0].running;
	uint64_t began = clock_ms();

	device_set_health(d, DEVICE_DOWN, "");
	clock_ahead++;
	device_set_health(d, DEVICE_UP, "");
	device_probed(d, clock_ms(), 7);
	ck_assert(!device_well(d, began));
	ck_assert(device_well(d, began + 1000));
	device_set_health(d, DEVICE_SUSPECT, "");
	clock_ahead++;
	device_set_health(d, DEVICE_UP, "");
	device_probed(d, clock_ms(), 7);
	ck_assert(device_well(d, began + 1000));
	conf_unref(c);
}
END

TEST(the_zone_is_closed_with_the_last_reference)
{
	struct conf *a = load_up(THREE CHAIN, NULL), *b;
	struct zone *z = (struct zone *)&closed;

	device_set_zone(a->devices[0].running, z, &zone_ops);
	b = load(THREE CHAIN, a);
	conf_unref(a);
	ck_assert_ptr_null(closed);
	ck_assert_ptr_eq(device_zone(b->devices[0].running), z);
	conf_unref(b);
	ck_assert_ptr_eq(closed, z);
}
END

TEST(probes_give_quantiles_of_the_latest)
{
	struct conf *c = load_up(THREE CHAIN, NULL);
	struct device_stats st;
	unsigned i;

	device_stats(&c->devices[0], &st);
	ck_assert_uint_eq(st.p99_us, 0);
	for (i = 0; i < 300; i++)
		device_probed(c->devices[0].running, 0, i < 200 ? 9000 : 100);
	for (i = 0; i < 28; i++)
		device_probed(c->devices[0].running, 0, 500);
	device_stats(&c->devices[0], &st);
	ck_assert_uint_eq(st.probes, 328);
	ck_assert_uint_eq(st.p50_us, 100);
	ck_assert_uint_eq(st.p99_us, 500);
	conf_unref(c);
}
END

static void *
crowd(void *arg)
{
	const struct conf *c = arg;
	unsigned i;
	int which;

	for (i = 0; i < 20000; i++)
		if ((which = enter(c, i % PAIRS)) >= 0)
			leave(c, which);
	return NULL;
}

TEST(the_limit_holds_while_threads_come_and_go)
{
	struct conf *c = load_up("devices:\n"
	    "- {name: ips1, inside: a0, outside: a1, connections: 1}\n"
	    "chains: [{name: i, slots: [{name: s, devices: ips1}]}]\n", NULL);
	struct device_stats st;
	pthread_t t[3];
	size_t i;

	for (i = 0; i < NELEM(t); i++)
		pthread_create(&t[i], NULL, crowd, c);
	for (i = 0; i < NELEM(t); i++)
		pthread_join(t[i], NULL);
	device_stats(&c->devices[0], &st);
	ck_assert_uint_eq(st.sessions, 0);
	ck_assert_uint_gt(st.results[DEVICE_PASSED], 0);
	ck_assert_int_eq(enter(c, 1), 0);	/* it is not full for ever */
	leave(c, 0);
	conf_unref(c);
}
END

SUITE("device", a_device_is_down_until_its_probes_say_otherwise,
    one_of_three_dies_and_only_its_pairs_move_and_come_back,
    a_drained_device_gets_nothing_new_and_keeps_what_it_has,
    a_full_device_gets_sessions_again_at_nine_tenths,
    with_all_full_or_tried_none_is_left,
    a_reload_keeps_devices_by_name_and_ports,
    a_changed_limit_and_weight_hold_for_new_sessions,
    the_zone_hears_of_down_by_the_operator_and_of_nothing_else,
    a_device_is_well_since_a_probe_that_was_answered_began,
    a_device_that_was_down_in_between_was_not_well,
    the_zone_is_closed_with_the_last_reference,
    probes_give_quantiles_of_the_latest,
    the_limit_holds_while_threads_come_and_go)
