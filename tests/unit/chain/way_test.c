/*
 * Ways: which device of each slot a session goes through, and what is said of
 * it. Devices are loopback: see hop_test.c.
 */
#include "chain/way.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "chain/device.h"
#include "chain/pick.h"
#include "net/mailbox.h"
#include "net/sock.h"
#include "test.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/text.h"

#define CONF(fail) \
	"listen: [{name: p, mode: explicit, address: \"127.0.0.1:8080\"}]\n" \
	"devices:\n" \
	"- {name: ips1, inside: a0, outside: a1}\n" \
	"- {name: ips2, inside: b0, outside: b1}\n" \
	"- {name: dlp1, inside: c0, outside: c1}\n" \
	"chains: [{name: i, slots: [" \
	"{name: ips, devices: [ips1, ips2], fail: " fail "}, " \
	"{name: dlp, devices: [dlp1], fail: open}]}]\n"

static struct event_base *base;
static struct mailbox	*mailbox;
static struct joins	*joins;
static struct ways	 ways;
static struct conf	*conf;
static struct addr	 client, server;
static int		 listener, changes, failures, doubts;
static int		 refuses;	/* sockets that cannot be had, to come */

static int
world_socket(struct zone *zone, enum zone_side side, int family)
{
	int on = 1, fd;

	if (refuses > 0) {
		refuses--;
		return ERR_EOF;
	}
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

static void
world_failed(struct zone *z)
{
	failures++;
}

static void
world_connected(struct zone *z)
{
}

static void
world_doubt(struct zone *z)
{
	doubts++;
}

static const struct way_world world = { world_socket, world_failed,
    world_connected, world_doubt };

static void
changed(void *owner)
{
	changes++;
}

static void
begin(const char *yaml)
{
	struct text errors = { 0 };
	socklen_t len = sizeof(server.in);
	size_t i;

	log_level = LOG_LVL_ERROR;
	if (conf_parse_in(&conf_world_none, "c", yaml, strlen(yaml), &conf,
	    &errors) != 0)
		ck_abort_msg("%s", errors.s);
	device_attach(conf, NULL);
	for (i = 0; i < conf->ndevices; i++)
		device_set_health(conf->devices[i].running, DEVICE_UP, "");
	base = event_base_new();
	mailbox = mailbox_new(base);
	joins = joins_new();
	ways.seat = hop_attach(joins, base, mailbox);
	ways.world = &world;
	LIST_INIT(&ways.first);
	addr_parse(&server, "127.0.0.1:0");
	addr_parse(&client, "127.0.0.1:0");
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(listener, &server.sa, addr_len(&server)), 0);
	getsockname(listener, &server.sa, &len);
	listen(listener, 16);
	changes = failures = refuses = doubts = 0;
}

static void
finish(void)
{
	size_t i;
	struct device_stats st;

	for (i = 0; i < conf->ndevices; i++) {
		device_stats(&conf->devices[i], &st);
		ck_assert_uint_eq(st.sessions, 0);
	}
	hop_detach(ways.seat);
	mailbox_free(mailbox);
	joins_free(joins);
	close(listener);
	event_base_free(base);
	conf_unref(conf);
}

static struct chain_way *
way(void)
{
	const struct chain_want want = {
		.chain = &conf->chains[0], .client = &client,
		.server = &server, .changed = changed
	};

	return way_begin(&ways, &want);
}

static void
down(size_t device)
{
	device_set_health(conf->devices[device].running, DEVICE_DOWN, "");
}

static void
recorded(struct chain_way *w, const char *want)
{
	const struct record_hop *h;
	struct text t = { 0 };
	size_t i, n;

	h = way_record(w, &n);
	for (i = 0; i < n; i++)
		text_printf(&t, "%s%s:%s:%s", i > 0 ? " " : "", h[i].slot,
		    h[i].device != NULL ? h[i].device : "-", h[i].event);
	ck_assert_str_eq(t.s, want);
	text_free(&t);
}

static void
until_known(struct chain_way *w)
{
	const char *why;

	while (way_state(w, &why) == CHAIN_WAIT)
		event_base_loop(base, EVLOOP_ONCE);
}

TEST(a_slot_without_a_device_is_skipped_or_refuses)
{
	struct chain_way *w;
	const char *why;

	begin(CONF("closed"));
	down(0);
	down(1);
	down(2);
	w = way();
	ck_assert_int_eq(way_state(w, &why), CHAIN_REFUSED);
	ck_assert_str_eq(why, "slot ips has no device");
	recorded(w, "ips:-:refused dlp:-:skipped");
	way_end(w);
	finish();
	begin(CONF("open"));
	down(0);
	down(1);
	down(2);
	w = way();
	ck_assert_int_eq(way_state(w, &why), CHAIN_READY);
	ck_assert_uint_eq(way_hops(w), 0);
	recorded(w, "ips:-:skipped dlp:-:skipped");
	ck_assert_int_eq(changes, 0);
	way_end(w);
	finish();
}
END

TEST(a_device_that_cannot_be_reached_gives_way_to_the_next)
{
	uint64_t results[SLOT_RESULTS];
	struct chain_way *w;
	const char *why;

	begin(CONF("closed"));
	down(2);
	refuses = 2;
	w = way();
	until_known(w);
	ck_assert_int_eq(way_state(w, &why), CHAIN_REFUSED);
	ck_assert_int_eq(failures, 2);
	ck_assert_int_eq(changes, 1);
	slot_stats(&conf->chains[0].slots[0], results);
	ck_assert_uint_eq(results[SLOT_NEXT], 1);
	ck_assert_uint_eq(results[SLOT_REFUSED], 1);
	way_end(w);
	finish();
}
END

TEST(a_reset_of_a_device_that_is_well_is_its_verdict)
{
	struct chain_way *w;
	const char *why;

	begin(CONF("open"));
	down(1);
	down(2);
	close(listener);
	listener = -1;
	w = way();
	until_known(w);
	ck_assert_int_eq(way_state(w, &why), CHAIN_REFUSED);
	ck_assert_str_eq(why, "reset by device ips1");
	recorded(w, "ips:ips1:reset_by_device dlp:-:skipped");
	way_end(w);
	finish();
}
END

TEST(a_reset_of_a_device_that_is_suspect_is_its_verdict_too)
{
	struct chain_way *w;
	const char *why;

	begin(CONF("open"));
	down(1);
	down(2);
	device_set_health(conf->devices[0].running, DEVICE_SUSPECT, "");
	close(listener);
	listener = -1;
	w = way();
	until_known(w);
	ck_assert_int_eq(way_state(w, &why), CHAIN_REFUSED);
	recorded(w, "ips:ips1:reset_by_device dlp:-:skipped");
	way_end(w);
	finish();
}
END

/* What connects gets no answer: the queue is full. */
static void
deaf(int fd[2])
{
	int i;

	listen(listener, 0);
	for (i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd[i], &server.sa, addr_len(&server));
	}
}

static size_t
other(size_t device)
{
	return device == 0 ? 1 : 0;
}

/* Which of the two of its first slot the session is in. */
static size_t
in(void)
{
	struct device_stats st;

	device_stats(&conf->devices[0], &st);
	return st.sessions == 1 ? 0 : 1;
}

TEST(silence_is_a_verdict_only_if_a_probe_came_through_meanwhile)
{
	struct device_stats st;
	struct chain_way *w;
	const char *why;
	size_t first;
	int fd[2];

	begin(CONF("open"));
	down(2);
	deaf(fd);
	device_probed(conf->devices[0].running, clock_ms() - 1, 100);
	device_probed(conf->devices[1].running, clock_ms() - 1, 100);
	w = way();
	first = in();
	while (in() == first)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(doubts, 1);
	device_probed(conf->devices[other(first)].running, clock_ms(), 100);
	until_known(w);
	ck_assert_int_eq(doubts, 2);
	ck_assert_int_eq(way_state(w, &why), CHAIN_REFUSED);
	ck_assert_str_eq(why, first == 0 ? "dropped by device ips2" :
	    "dropped by device ips1");
	way_end(w);
	device_stats(&conf->devices[first], &st);
	ck_assert_uint_eq(st.results[DEVICE_FAILED], 1);
	device_stats(&conf->devices[other(first)], &st);
	ck_assert_uint_eq(st.results[DEVICE_DROPPED], 1);
	close(fd[0]);
	close(fd[1]);
	finish();
}
END

/* A way through one device, its hop connected. */
static struct chain_way *
through_one(void)
{
	struct chain_way *w;
	struct addr peer;
	int fd;

	down(1);
	down(2);
	w = way();
	while ((fd = sock_accept(listener, &peer)) < 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	client = peer;
	way_end(w);	/* its port was not known: again, with it */
	sock_reset(fd);
	w = way();
	while ((fd = sock_accept(listener, &peer)) < 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(hop_arrived(ways.seat,
	    device_exit(conf->devices[0].running, ZONE_OUTSIDE), fd, &peer), 1);
	until_known(w);
	return w;
}

TEST(a_device_that_is_taken_down_loses_what_is_in_it)
{
	struct device_stats st;
	struct chain_way *w;
	const char *why;

	begin(CONF("open"));
	w = through_one();
	sock_reset(way_take(w, 0, 0));
	sock_reset(way_take(w, 0, 1));
	changes = 0;
	ways_look(&ways);
	ck_assert_int_eq(changes, 0);
	device_set_admin(conf->devices[0].running, DEVICE_FORCED_DOWN);
	ways_look(&ways);
	ck_assert_int_eq(changes, 1);
	ck_assert_int_eq(way_state(w, &why), CHAIN_REFUSED);
	ck_assert_str_eq(why, "device ips1 was taken down by the operator");
	recorded(w, "ips:ips1:failed dlp:-:skipped");
	way_end(w);
	device_stats(&conf->devices[0], &st);
	ck_assert_uint_eq(st.results[DEVICE_FAILED], 1);
	finish();
}
END

TEST(what_is_not_in_use_yet_goes_elsewhere_when_a_device_is_taken_down)
{
	struct chain_way *w;
	const char *why;

	begin(CONF("open"));
	w = through_one();
	device_set_admin(conf->devices[0].running, DEVICE_FORCED_DOWN);
	ways_look(&ways);
	ck_assert_int_eq(way_state(w, &why), CHAIN_READY);
	ck_assert_uint_eq(way_hops(w), 0);
	recorded(w, "ips:ips1:failed ips:-:skipped dlp:-:skipped");
	way_end(w);
	finish();
}
END

TEST(what_a_device_did_is_counted_once)
{
	static const uint64_t bytes[2] = { 10, 20 };
	struct device_stats st;
	struct chain_way *w;
	const char *why;

	begin(CONF("open"));
	w = through_one();
	device_probed(conf->devices[0].running, clock_ms(), 100);
	ck_assert_int_eq(way_state(w, &why), CHAIN_READY);
	ck_assert_uint_eq(way_hops(w), 1);
	recorded(w, "ips:ips1:open dlp:-:skipped");
	ck_assert_str_eq(way_event(w, 0, CHAIN_DROPPED, bytes),
	    "dropped by device ips1");
	recorded(w, "ips:ips1:dropped_by_device dlp:-:skipped");
	way_end(w);
	device_stats(&conf->devices[0], &st);
	ck_assert_uint_eq(st.results[DEVICE_DROPPED], 1);
	ck_assert_uint_eq(st.bytes[0], 10);
	ck_assert_uint_eq(st.bytes[1], 20);
	finish();
}
END

SUITE("way", a_slot_without_a_device_is_skipped_or_refuses,
    a_device_that_cannot_be_reached_gives_way_to_the_next,
    a_reset_of_a_device_that_is_well_is_its_verdict,
    a_reset_of_a_device_that_is_suspect_is_its_verdict_too,
    silence_is_a_verdict_only_if_a_probe_came_through_meanwhile,
    a_device_that_is_taken_down_loses_what_is_in_it,
    what_is_not_in_use_yet_goes_elsewhere_when_a_device_is_taken_down,
    what_a_device_did_is_counted_once)
