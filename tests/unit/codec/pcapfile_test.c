/*
 * codec/pcapfile: the times of packets in a file.
 */
#include "test.h"

#include "codec/pcapfile.h"

#define SECOND	1000000000u

/* A packet of that time, behind one of last: the time it then has. */
static uint64_t
moved(int ng, uint64_t last, uint64_t ns)
{
	struct frame f = { .head_len = 54 };
	uint8_t p[512];
	size_t len = pcapfile_put(p, ng, ns, &f, NULL);

	ck_assert_uint_eq(pcapfile_next(p, ng, &last), len);
	/* Again, behind no other: what is in it. */
	ns = 0;
	pcapfile_next(p, ng, &ns);
	ck_assert_uint_eq(last, ns);
	return ns;
}

TEST(times_a_little_back_are_those_of_the_packet_before)
{
	int ng;

	for (ng = 0; ng <= 1; ng++) {
		ck_assert_uint_eq(moved(ng, 5 * (uint64_t)SECOND,
		    7 * (uint64_t)SECOND), 7 * (uint64_t)SECOND);
		ck_assert_uint_eq(moved(ng, 5 * (uint64_t)SECOND,
		    4 * (uint64_t)SECOND), 5 * (uint64_t)SECOND);
	}
}
END

TEST(times_set_back_stay_as_they_are)
{
	int ng;

	for (ng = 0; ng <= 1; ng++)
		ck_assert_uint_eq(moved(ng, 3600 * (uint64_t)SECOND,
		    7 * (uint64_t)SECOND + 1), 7 * (uint64_t)SECOND + 1);
}
END

SUITE("pcapfile", times_a_little_back_are_those_of_the_packet_before,
    times_set_back_stay_as_they_are)
