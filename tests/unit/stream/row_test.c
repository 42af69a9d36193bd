/*
 * Rows: what the shape carries beyond two ends and one wire. A hop, whose
 * device delays, changes and drops; an end whose transport is replaced under
 * way; observers on both sides of an editor; an end that is a text.
 */
#include <fcntl.h>

#include "ends.h"
#include "stream/node.h"

/* The hop's device: what is in between its two ports. */
#define INSIDE	peer[1]
#define OUTSIDE	peer[2]
#define CLIENT	peer[0]
#define SERVER	peer[3]

/* It passes on what has come on a port, in capitals and without any '#'. */
static void
device(int from, int to)
{
	char buf[4096];
	ssize_t n, i, kept = 0;

	n = read(from, buf, sizeof(buf));
	ck_assert_int_ge(n, 0);
	for (i = 0; i < n; i++)
		if (buf[i] != '#')
			buf[kept++] = (char)toupper(buf[i]);
	if (kept > 0)
		ck_assert_int_eq(write(to, buf, (size_t)kept), kept);
	if (n == 0)
		shutdown(to, SHUT_WR);
	settle();
}

TEST(a_hop_delays_changes_and_drops)
{
	struct spy before = { 0 }, after = { 0 };

	ends_open(2);
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &before;
	wire_tap(&wire[1], &spy_ops, TAP_SERVER)->state = &after;
	says(CLIENT, "get #secret");
	hears(SERVER, "");
	spied(&before, "get #secret", "");
	spied(&after, "", "");
	says(CLIENT, ", now");
	device(INSIDE, OUTSIDE);
	hears(SERVER, "GET SECRET, NOW");
	says(SERVER, "here #it is");
	hears(CLIENT, "");
	device(OUTSIDE, INSIDE);
	hears(CLIENT, "HERE IT IS");
	spied(&before, "get #secret, now", "HERE IT IS");
	spied(&after, "GET SECRET, NOW", "here #it is");
	ends_close();
}
END

TEST(an_end_passes_through_a_hop_in_its_direction_alone)
{
	ends_open(2);
	says(CLIENT, "last words");
	shutdown(CLIENT, SHUT_WR);
	settle();
	hears(SERVER, "");
	device(INSIDE, OUTSIDE);
	hears(SERVER, "LAST WORDS");
	device(INSIDE, OUTSIDE);
	hears(SERVER, NULL);
	says(SERVER, "still here");
	device(OUTSIDE, INSIDE);
	hears(CLIENT, "STILL HERE");
	shutdown(SERVER, SHUT_WR);
	settle();
	ck_assert_int_eq(state, PUMP_WAIT);
	device(OUTSIDE, INSIDE);
	hears(CLIENT, NULL);
	ck_assert_int_eq(state, PUMP_DONE);
	ends_close();
}
END

/* What it does not take is not read, however much comes. */
TEST(a_hop_that_stops_stops_who_sends)
{
	char much[65536] = { 0 };
	size_t sent = 0;
	ssize_t n;

	ends_open(2);
	while ((n = write(CLIENT, much, sizeof(much))) > 0) {
		sent += (size_t)n;
		ck_assert_uint_lt(sent, 64 << 20);
		settle();
	}
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(state, PUMP_WAIT);
	ck_assert_uint_le(held, POOL_BULK);
	ck_assert_ptr_null(wire[1].flow[DIR_UP].buf);
	while (sent > 0) {
		n = read(INSIDE, much, sizeof(much));
		ck_assert_int_gt(n, 0);
		sent -= (size_t)n;
		settle();
	}
	ends_close();
}
END

TEST(a_hop_that_breaks_is_told_from_client_and_server)
{
	ends_open(2);
	says(CLIENT, "x");
	close(INSIDE);		/* unread bytes: a reset */
	settle();
	ck_assert_int_eq(state, PUMP_FAILED);
	ck_assert_ptr_eq(why.broke, &end[1]);
	ck_assert_int_eq(why.err, ERR_SYS);
	INSIDE = open("/dev/null", O_RDONLY);
	ends_close();
}
END

/*
 * A transport that turns the last bit of each byte, over the plain
 * one. It begins with bytes that were read before it was there.
 */
struct hidden {
	struct sock	*sock;
	uint8_t		 early[64];
	size_t		 nearly;
};

static void
hide(uint8_t *p, size_t n)
{
	while (n-- > 0)
		*p++ ^= 1;
}

static ssize_t
hidden_read(void *arg, uint8_t *p, size_t len, enum end *how)
{
	struct hidden *h = arg;
	ssize_t n;

	if (h->nearly > 0) {
		ck_assert_uint_le(h->nearly, len);
		n = (ssize_t)h->nearly;
		memcpy(p, h->early, h->nearly);
		h->nearly = 0;
	} else {
		n = transport_plain.read(h->sock, p, len, how);
	}
	if (n > 0)
		hide(p, (size_t)n);
	return n;
}

static ssize_t
hidden_write(void *arg, const uint8_t *p, size_t len)
{
	struct hidden *h = arg;
	uint8_t buf[64];

	if (len > sizeof(buf))
		len = sizeof(buf);
	memcpy(buf, p, len);
	hide(buf, len);
	return transport_plain.write(h->sock, buf, len);
}

static int
hidden_flush(void *arg)
{
	return 0;
}

static int
hidden_shut(void *arg, enum end how)
{
	return transport_plain.shut(((struct hidden *)arg)->sock, how);
}

static int
hidden_pending(void *arg)
{
	return ((struct hidden *)arg)->nearly > 0;
}

static const struct transport_ops transport_hidden = {
	.read = hidden_read,
	.write = hidden_write,
	.flush = hidden_flush,
	.shut = hidden_shut,
	.pending = hidden_pending,
	.free = free,
};

/*
 * Follows a dialogue up to "TLS": behind its line, what the client says is
 * for the new transport, and is taken out of the flow.
 */
struct follower {
	struct tap	*tap;
	struct wire	*wire;
	int		 begun;
	struct hidden	*next;
};

static size_t
follower_data(void *arg, enum flow_dir dir, const uint8_t *p, size_t len)
{
	struct follower *f = arg;
	const uint8_t *line;

	if (dir == DIR_DOWN)
		return len;
	if (!f->begun) {
		line = memchr(p, '\n', len);
		ck_assert_ptr_nonnull(line);
		f->begun = memcmp(p, "TLS\n", 4) == 0;
		return (size_t)(line + 1 - p);
	}
	memcpy(f->next->early + f->next->nearly, p, len);
	f->next->nearly += len;
	flow_replace(&f->wire->flow[DIR_UP], f->tap, len, NULL, 0);
	return 0;
}

static const struct tap_ops follower_ops = {
	.data = follower_data,
	.eof = editor_eof
};

/* The client says "hi" in the new transport behind its last plain line. */
TEST(a_transport_is_replaced_with_bytes_already_read)
{
	struct follower f = { .wire = &wire[0] };
	struct spy spy = { 0 };

	ends_open(1);
	f.next = calloc(1, sizeof(*f.next));
	f.next->sock = &end[0].sock;
	f.tap = wire_tap(&wire[0], &follower_ops, TAP_SERVER);
	f.tap->state = &f;
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &spy;
	says(CLIENT, "EHLO\nTLS\nih");
	hears(peer[1], "EHLO\nTLS\n");
	says(CLIENT, "!");
	hears(peer[1], "");
	says(peer[1], "220\n");
	hears(CLIENT, "220\n");
	conn_transport(&end[0], &transport_hidden, f.next);
	f.tap->state = NULL;
	settle();
	hears(peer[1], "hi ");
	says(CLIENT, "bcd");
	hears(peer[1], "cbe");
	says(peer[1], "cbe");
	hears(CLIENT, "bcd");
	spied(&spy, "EHLO\nTLS\nhi cbe", "220\ncbe");
	shutdown(CLIENT, SHUT_WR);
	settle();
	hears(peer[1], NULL);
	ck_assert_int_eq(spy.eofs[DIR_UP], 1);
	ends_close();
}
END

/* One tap on the client's side of an editor, one on the server's. */
static void
edit(struct spy *before, struct editor *e, struct spy *after)
{
	ends_open(1);
	e->wire = &wire[0];
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = before;
	e->tap = wire_tap(&wire[0], &editor_ops, TAP_SERVER);
	e->tap->state = e;
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = after;
}

TEST(before_and_after_an_editor_each_sees_its_own_side)
{
	struct spy before = { 0 }, after = { 0 };
	struct editor e;

	edit(&before, &e, &after);
	says(CLIENT, "a B cD");
	hears(peer[1], "a <b> c<d>");
	says(peer[1], "1 and 22 ok3");
	hears(CLIENT, " and  ok");
	spied(&before, "a B cD", " and  ok");
	spied(&after, "a <b> c<d>", "1 and 22 ok3");
	shutdown(CLIENT, SHUT_WR);
	shutdown(peer[1], SHUT_WR);
	settle();
	ck_assert_int_eq(state, PUMP_DONE);
	ck_assert_int_eq(before.eofs[DIR_DOWN] + after.eofs[DIR_DOWN], 2);
	ends_close();
}
END

TEST(what_an_editor_answers_is_seen_on_the_clients_side_alone)
{
	struct spy before = { 0 }, after = { 0 };
	struct editor e;

	edit(&before, &e, &after);
	says(CLIENT, "q?");
	hears(peer[1], "q");
	hears(CLIENT, "no");
	spied(&before, "q?", "no");
	spied(&after, "q", "");
	ends_close();
}
END

/* As mirrors stand today: each peer's own words, before they are edited. */
TEST(an_editor_behind_a_tap_both_ways_shows_it_the_sources)
{
	struct spy spy = { 0 };
	struct editor e = { .wire = &wire[0] };

	ends_open(1);
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &spy;
	e.tap = wire_tap(&wire[0], &editor_ops, TAP_BEHIND);
	e.tap->state = &e;
	says(CLIENT, "aB?");
	says(peer[1], "1 x");
	hears(peer[1], "a<b>");
	hears(CLIENT, "no x");
	spied(&spy, "aB?", "1 x");
	ends_close();
}
END

/* As mirrors stand where HTTP/2 is read: what the client sends and gets. */
TEST(an_editor_moved_to_the_servers_side_shows_the_clients_words)
{
	struct spy spy = { 0 };
	struct editor e = { .wire = &wire[0] };

	ends_open(1);
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &spy;
	e.tap = wire_tap(&wire[0], &editor_ops, TAP_BEHIND);
	e.tap->state = &e;
	wire_tap_server(e.tap);
	wire_tap_server(e.tap);		/* it is there */
	says(CLIENT, "aB?");
	says(peer[1], "1 x");
	hears(peer[1], "a<b>");
	hears(CLIENT, "no x");
	spied(&spy, "aB?", "no x");
	ends_close();
}
END

/* As where the server then declines to speak HTTP/2. */
TEST(an_editor_moved_back_shows_what_the_server_says)
{
	struct spy spy = { 0 };
	struct editor e = { .wire = &wire[0] };

	ends_open(1);
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &spy;
	e.tap = wire_tap(&wire[0], &editor_ops, TAP_BEHIND);
	e.tap->state = &e;
	ck_assert_int_eq(wire_tap_server(e.tap), 1);
	says(peer[1], "1 x");
	ck_assert_int_eq(wire_tap_behind(e.tap), 1);
	ck_assert_int_eq(wire_tap_behind(e.tap), 1);	/* it is there */
	says(peer[1], "2 y");
	hears(CLIENT, " x y");
	spied(&spy, "", " x2 y");
	ends_close();
}
END

TEST(a_tap_that_comes_late_sees_what_comes_from_then_on)
{
	struct spy spy = { 0 }, late = { 0 };

	ends_open(1);
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &spy;
	says(CLIENT, "one ");
	says(peer[1], "two ");
	wire_tap(&wire[0], &spy_ops, TAP_SERVER)->state = &late;
	says(CLIENT, "three");
	says(peer[1], "four");
	spied(&spy, "one three", "two four");
	spied(&late, "three", "four");
	ends_close();
}
END

/* A page longer than any buffer, to a client that has more to say. */
TEST(a_text_is_said_whole_and_then_the_end)
{
	size_t n, len = 3 * POOL_BULK, got = 0;
	char *text = malloc(len), buf[4096];

	ends_open(1);
	for (n = 0; n < len; n++)
		text[n] = (char)(n % 251);
	conn_close(&end[1], 0);
	node_speak(&end[1], text, len);
	says(CLIENT, "what nobody reads");
	while (got < len) {
		n = (size_t)read(CLIENT, buf, sizeof(buf));
		ck_assert_mem_eq(buf, text + got, n);
		got += n;
		settle();
	}
	hears(CLIENT, NULL);
	ck_assert_int_eq(state, PUMP_WAIT);
	shutdown(CLIENT, SHUT_WR);
	settle();
	ck_assert_int_eq(state, PUMP_DONE);
	ends_close();
	free(text);
}
END

TEST(a_flow_is_handed_over_with_what_is_in_it)
{
	struct spy spy = { 0 };
	uint64_t passed[2] = { 0 };

	ends_open(2);
	row.n = 1;
	wire[0].flow[DIR_UP].wire.passed = &passed[0];
	wire[1].flow[DIR_UP].wire.passed = &passed[1];
	memcpy(flow_room(&wire[0].flow[DIR_UP], &(size_t){ 0 }), "rest", 4);
	flow_filled(&wire[0].flow[DIR_UP], 4);
	wire_hand_over(&wire[1], &wire[0], DIR_UP);
	ck_assert_ptr_null(wire[0].flow[DIR_UP].buf);
	wire_tap(&wire[1], &spy_ops, TAP_SERVER)->state = &spy;
	row.wire = &wire[1];
	says(OUTSIDE, " and more");
	hears(SERVER, "rest and more");
	spied(&spy, "rest and more", "");
	ck_assert_uint_eq(passed[0], 0);
	ck_assert_uint_eq(passed[1], strlen("rest and more"));
	row.wire = wire;
	row.n = 2;
	ends_close();
}
END

SUITE("row", a_hop_delays_changes_and_drops,
    an_end_passes_through_a_hop_in_its_direction_alone,
    a_hop_that_stops_stops_who_sends,
    a_hop_that_breaks_is_told_from_client_and_server,
    a_transport_is_replaced_with_bytes_already_read,
    before_and_after_an_editor_each_sees_its_own_side,
    what_an_editor_answers_is_seen_on_the_clients_side_alone,
    an_editor_behind_a_tap_both_ways_shows_it_the_sources,
    an_editor_moved_to_the_servers_side_shows_the_clients_words,
    an_editor_moved_back_shows_what_the_server_says,
    a_tap_that_comes_late_sees_what_comes_from_then_on,
    a_text_is_said_whole_and_then_the_end,
    a_flow_is_handed_over_with_what_is_in_it)
