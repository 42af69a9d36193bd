/*
 * Two mirrors on one wire, one on each side of an editor: the packets of each,
 * put together by a stranger, are what crossed that side, byte for byte.
 */
#include "test.h"

#include "session.h"
#include "stream/ends.h"

static char dir[] = "/tmp/wire_testXXXXXX";
static char paths[2][64];
static struct bench benches[2];
static struct editor editor;

/* The client's side first. */
static struct tap *
mirror_add(int i)
{
	struct conf_mirror c = mirror_conf();
	struct tap *t;

	snprintf(paths[i], sizeof(paths[i]), "%s/%d.pcap", dir, i);
	c.path = paths[i];
	bench_open(&benches[i], &sink_pcap, &c);
	t = wire_tap(&wire[0], benches[i].ops->tap, TAP_SERVER);
	t->state = benches[i].ops->begin(benches[i].seat, t,
	    &benches[i].record);
	return t;
}

static void
row_open(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ends_open(1);
	mirror_add(0);
	editor.wire = &wire[0];
	editor.tap = wire_tap(&wire[0], &editor_ops, TAP_SERVER);
	editor.tap->state = &editor;
	mirror_add(1);
}

/* What mirror i has shown. */
static void
shown(int i, const char *up, const char *down, int ended)
{
	struct recorder r = { 0 };

	ck_assert_uint_gt(capture_file(paths[i], &r), 0);
	ck_assert_str_eq(r.wrong, "");
	ck_assert_uint_eq(r.side[0].len, strlen(up));
	ck_assert_uint_eq(r.side[1].len, strlen(down));
	ck_assert_uint_eq(r.side[0].gap + r.side[1].gap, 0);
	ck_assert_mem_eq(r.side[0].data, up, strlen(up));
	if (*down != '\0')
		ck_assert_mem_eq(r.side[1].data, down, strlen(down));
	ck_assert(r.side[0].fin == ended && r.side[1].fin == ended);
	recorder_free(&r);
}

static void
row_close(void)
{
	struct tap_counts counts[2] = { 0 };
	struct tap *t;
	int i = 0;

	TAPS_EACH(t, &wire[0].taps)
		if (t != editor.tap)
			t->ops->close(t->state, &counts[i++]);
	ends_close();
	for (i = 0; i < 2; i++) {
		ck_assert_uint_eq(counts[i].lost, 0);
		bench_close(&benches[i]);
	}
}

static void
clean(void)
{
	unlink(paths[0]);
	unlink(paths[1]);
	rmdir(dir);
}

TEST(mirrors_before_and_after_an_editor_are_both_coherent)
{
	row_open();
	says(peer[0], "ask B and C");
	hears(peer[1], "ask <b> and <c>");
	says(peer[1], "4 get 2");
	hears(peer[0], " get ");
	says(peer[0], " Done");
	hears(peer[1], " <d>one");
	shutdown(peer[0], SHUT_WR);
	shutdown(peer[1], SHUT_WR);
	settle();
	ck_assert_int_eq(state, PUMP_DONE);
	row_close();
	shown(0, "ask B and C Done", " get ", 1);
	shown(1, "ask <b> and <c> <d>one", "4 get 2", 1);
	clean();
}
END

TEST(an_editors_own_answer_is_shown_on_the_clients_side_alone)
{
	row_open();
	says(peer[0], "may I?");
	hears(peer[1], "may <i>");
	hears(peer[0], "no");
	row_close();
	shown(0, "may I?", "no", 0);
	shown(1, "may <i>", "", 0);
	clean();
}
END

SUITE("wire", mirrors_before_and_after_an_editor_are_both_coherent,
    an_editors_own_answer_is_shown_on_the_clients_side_alone)
