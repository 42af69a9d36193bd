/*
 * codec/packet and codec/frame: read back by a recorder that shares no code
 * with them.
 */
#include "test.h"

#include "codec/packet.h"

#include "recorder.h"

struct scene {
	struct packet_path path;
	struct packet	 p;
	struct recorder	 rec;
	uint8_t		 last[FRAME_HEAD + FRAME_OPTIONS];
	unsigned	 emitted;	/* frames before segmentation */
	unsigned	 lose;		/* every n-th data frame is lost */
};

static void
take(void *arg, const struct frame *f)
{
	static uint8_t bytes[70000];
	struct scene *s = arg;

	memcpy(bytes, f->head, f->head_len);
	if (f->len > 0)
		memcpy(bytes + f->head_len, f->data, f->len);
	memcpy(s->last, f->head, f->head_len);
	recorder_feed(&s->rec, bytes, f->head_len + f->len);
}

static void
emit(void *arg, const struct frame *f)
{
	struct scene *s = arg;

	s->emitted++;
	if (s->lose != 0 && f->len > 0 && s->emitted % s->lose == 0)
		return;
	if (s->path.super) {
		ck_assert(f->partial);
		frame_segment(f, 0, take, s);
	} else {
		ck_assert_int_eq(f->mss, 0);
		take(s, f);
	}
}

static void
scene(struct scene *s, const char *client, const char *server, uint32_t isn)
{
	static const uint8_t src[6] = { 2, 0, 0x5e, 0x10, 0, 1 };
	struct addr c = { 0 }, d = { 0 };
	uint32_t isns[2] = { isn, isn + 77 };

	memcpy(s->path.source_mac, src, 6);
	memcpy(s->path.reply_mac, src, 6);
	s->path.reply_mac[5] = 2;
	memset(s->path.destination_mac, 0xff, 6);
	if (s->path.mtu == 0)
		s->path.mtu = 1500;
	if (s->path.burst == 0)
		s->path.burst = 2;
	if (s->path.vlan == 0)
		s->path.vlan = -1;
	s->path.framer = framer_new();
	ck_assert(addr_parse(&c, client) == 0 && addr_parse(&d, server) == 0);
	ck_assert_int_eq(packet_init(&s->p, &s->path, &c, &d, isns), 0);
	packet_open(&s->p, emit, s);
}

static void
done(struct scene *s)
{
	ck_assert_str_eq(s->rec.wrong, "");
	framer_free(s->path.framer);
	recorder_free(&s->rec);
}

static uint8_t *
noise(size_t n)
{
	uint8_t *p = malloc(n);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
	return p;
}

static void
both_ways(struct scene *s)
{
	uint8_t *a = noise(300001), *b = noise(100003);

	packet_data(&s->p, 0, a, 1, emit, s);
	packet_data(&s->p, 0, a + 1, 70000, emit, s);
	packet_data(&s->p, 1, b, 100003, emit, s);
	packet_data(&s->p, 0, a + 70001, 230000, emit, s);
	packet_eof(&s->p, 0, emit, s);
	packet_eof(&s->p, 1, emit, s);
	ck_assert_str_eq(s->rec.wrong, "");
	ck_assert_uint_eq(s->rec.side[0].len, 300001);
	ck_assert_uint_eq(s->rec.side[1].len, 100003);
	ck_assert_mem_eq(s->rec.side[0].data, a, 300001);
	ck_assert_mem_eq(s->rec.side[1].data, b, 100003);
	ck_assert(s->rec.side[0].fin && s->rec.side[1].fin);
	ck_assert(packet_ended(&s->p));
	free(a);
	free(b);
}

TEST(conversation_of_whole_frames_reads_back)
{
	struct scene s = { 0 };

	scene(&s, "192.0.2.1:40000", "198.51.100.2:443", 1000);
	ck_assert_uint_eq(s.rec.frames, 3);
	ck_assert(s.rec.side[0].syn && s.rec.side[1].syn);
	ck_assert_uint_eq(s.rec.side[0].mss, 1460);
	both_ways(&s);
	ck_assert_uint_eq(s.rec.frame_max, 1514);
	ck_assert_uint_le(s.rec.side[0].unacked_max, 2);
	ck_assert_uint_le(s.rec.side[1].unacked_max, 2);
	ck_assert_uint_eq(s.rec.side[0].mac[5], 1);
	ck_assert_uint_eq(s.rec.side[1].mac[5], 2);
	ck_assert_uint_eq(s.rec.side[1].port, 443);
	done(&s);
}
END

TEST(short_superframes_segment_to_the_same_conversation)
{
	struct scene s = { .path.burst = 2, .path.super = 1 };

	scene(&s, "192.0.2.1:40000", "198.51.100.2:443", 1000);
	both_ways(&s);
	ck_assert_uint_eq(s.rec.frame_max, 1514);
	ck_assert_uint_le(s.rec.side[0].unacked_max, 2);
	done(&s);
}
END

TEST(bulk_superframes_never_pass_65535)
{
	struct scene s = { .path.burst = 1000, .path.super = 1 };

	scene(&s, "[2001:db8::1]:40000", "[2001:db8::2]:443", 1000);
	both_ways(&s);
	ck_assert_uint_le(s.emitted, 25);
	done(&s);
}
END

/* What `acks: burst` promises, with and without the kernel's help. */
TEST(bursts_are_acknowledged_within_a_packet_of_65535)
{
	int super;

	for (super = 0; super < 2; super++) {
		struct scene s = { .path.burst = PACKET_BURST_MAX };

		s.path.super = super;
		scene(&s, "192.0.2.1:40000", "198.51.100.2:443", 1000);
		both_ways(&s);
		ck_assert_uint_eq(s.rec.frame_max, 1514);
		ck_assert_uint_eq(s.rec.side[0].unacked_max, 65495 / 1460);
		ck_assert_uint_eq(s.rec.side[0].unacked, 0);
		ck_assert_uint_eq(s.rec.side[1].unacked, 0);
		done(&s);
	}
}
END

TEST(ipv6_reads_back)
{
	struct scene s = { 0 };

	scene(&s, "[2001:db8::1]:40000", "[2001:db8::2]:443", 5);
	ck_assert_uint_eq(s.rec.side[1].mss, 1440);
	both_ways(&s);
	ck_assert_uint_eq(s.rec.frame_max, 1514);
	done(&s);
}
END

TEST(mixed_families_are_mapped)
{
	struct scene s = { 0 };

	scene(&s, "10.1.2.3:40000", "[2001:db8::2]:443", 5);
	both_ways(&s);
	ck_assert(s.rec.v6);
	ck_assert_mem_eq(s.rec.side[0].ip,
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03", 16);
	done(&s);
}
END

TEST(vlan_tag_is_on_both_directions)
{
	struct scene s = { .path.vlan = 300 };

	scene(&s, "192.0.2.1:40000", "198.51.100.2:443", 1);
	both_ways(&s);
	ck_assert_int_eq(s.rec.vlan, 300);
	ck_assert_uint_eq(s.rec.frame_max, 1518);
	done(&s);
}
END

TEST(sequence_wraps)
{
	struct scene s = { 0 };

	scene(&s, "192.0.2.1:40000", "198.51.100.2:443", 0xffffff00u);
	both_ways(&s);
	done(&s);
}
END

TEST(any_mtu_is_kept_to)
{
	static const unsigned mtus[] = { 1, 128, 576, 1280, 9000, 65535 };
	unsigned i, burst;

	for (i = 0; i < 6; i++)
		for (burst = 0; burst < 4; burst++) {
			struct scene s = { 0 };

			s.path.mtu = mtus[i];
			s.path.burst = burst;
			s.path.super = burst > 0;
			scene(&s, "192.0.2.1:4", "198.51.100.2:5", 1);
			both_ways(&s);
			ck_assert_uint_eq(s.rec.frame_max,
			    (mtus[i] < 128 ? 128 : mtus[i]) + 14);
			done(&s);
		}
}
END

TEST(mtu_that_shrinks_is_followed)
{
	struct scene s = { 0 };
	uint8_t *a = noise(20000);

	scene(&s, "192.0.2.1:4", "198.51.100.2:5", 1);
	packet_data(&s.p, 0, a, 10000, emit, &s);
	s.path.mtu = 600;
	s.rec.frame_max = 0;
	packet_data(&s.p, 0, a + 10000, 5000, emit, &s);
	ck_assert_uint_eq(s.rec.frame_max, 614);
	s.path.mtu = 9000;	/* but no more than the SYN said */
	packet_data(&s.p, 0, a + 15000, 5000, emit, &s);
	ck_assert_uint_eq(s.rec.frame_max, 1514);
	ck_assert_mem_eq(s.rec.side[0].data, a, 20000);
	free(a);
	done(&s);
}
END

TEST(lost_frames_leave_a_gap)
{
	struct scene s = { 0 };
	uint8_t *a = noise(100000);

	scene(&s, "192.0.2.1:4", "198.51.100.2:5", 1);
	s.lose = 5;
	s.rec.loss_ok = 1;
	packet_data(&s.p, 0, a, 100000, emit, &s);
	s.lose = 0;
	packet_skip(&s.p, 0, 12345);
	packet_data(&s.p, 1, a, 10, emit, &s);
	packet_data(&s.p, 0, a, 1000, emit, &s);
	ck_assert_uint_eq(s.rec.side[0].len, 113345);
	ck_assert_uint_gt(s.rec.side[0].gap, 12345);
	ck_assert_mem_eq(s.rec.side[0].data + 112345, a, 1000);
	free(a);
	done(&s);
}
END

TEST(reset_ends_both_and_comes_once)
{
	struct scene s = { 0 };

	scene(&s, "192.0.2.1:4", "198.51.100.2:5", 1);
	packet_data(&s.p, 0, (const uint8_t *)"abc", 3, emit, &s);
	packet_eof(&s.p, 0, emit, &s);
	packet_reset(&s.p, 1, emit, &s);
	packet_reset(&s.p, 0, emit, &s);
	packet_eof(&s.p, 1, emit, &s);
	packet_data(&s.p, 1, (const uint8_t *)"abc", 3, emit, &s);
	ck_assert(s.rec.side[1].rst && !s.rec.side[0].rst);
	ck_assert(packet_ended(&s.p));
	ck_assert_uint_eq(s.rec.frames, 3 + 2 + 2 + 1);
	done(&s);
}
END

TEST(half_close_lets_the_other_side_go_on)
{
	struct scene s = { 0 };

	scene(&s, "192.0.2.1:4", "198.51.100.2:5", 1);
	packet_eof(&s.p, 0, emit, &s);
	packet_eof(&s.p, 0, emit, &s);
	packet_data(&s.p, 1, (const uint8_t *)"reply", 5, emit, &s);
	packet_eof(&s.p, 1, emit, &s);
	ck_assert_mem_eq(s.rec.side[1].data, "reply", 5);
	ck_assert_uint_eq(s.rec.frames, 3 + 2 + 2 + 2);
	done(&s);
}
END

TEST(tls_ports_are_mapped_where_asked)
{
	struct scene s = { .path.ports_map = 1 };

	scene(&s, "192.0.2.1:993", "198.51.100.2:443", 1);
	ck_assert_uint_eq(s.rec.side[1].port, 80);
	ck_assert_uint_eq(s.rec.side[0].port, 993);
	done(&s);
	ck_assert_uint_eq(packet_shown_port(8443, 1), 80);
	ck_assert_uint_eq(packet_shown_port(465, 1), 25);
	ck_assert_uint_eq(packet_shown_port(587, 1), 25);
	ck_assert_uint_eq(packet_shown_port(993, 1), 143);
	ck_assert_uint_eq(packet_shown_port(995, 1), 110);
	ck_assert_uint_eq(packet_shown_port(990, 1), 21);
	ck_assert_uint_eq(packet_shown_port(636, 1), 389);
	ck_assert_uint_eq(packet_shown_port(853, 1), 53);
	ck_assert_uint_eq(packet_shown_port(8883, 1), 1883);
	ck_assert_uint_eq(packet_shown_port(22, 1), 22);
}
END

SUITE("packet", conversation_of_whole_frames_reads_back,
    short_superframes_segment_to_the_same_conversation,
    bulk_superframes_never_pass_65535,
    bursts_are_acknowledged_within_a_packet_of_65535, ipv6_reads_back,
    mixed_families_are_mapped, vlan_tag_is_on_both_directions, sequence_wraps, any_mtu_is_kept_to,
    mtu_that_shrinks_is_followed, lost_frames_leave_a_gap,
    reset_ends_both_and_comes_once, half_close_lets_the_other_side_go_on,
    tls_ports_are_mapped_where_asked)
