/*
 * The pool of sockets: how large it is.
 */
#include "chain/zone_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include "test.h"
#include "util/err.h"

static void
fill(struct zone_pool *p)
{
	int fd;

	while (zone_pool_room(p) > 0) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		zone_pool_give(p, &fd, 1);
	}
}

static void
empty(struct zone_pool *p)
{
	int fd, low;

	while ((fd = zone_pool_take(p, &low)) != ERR_AGAIN)
		close(fd);
	ck_assert_int_eq(low, 1);
}

TEST(a_pool_grows_when_it_was_empty_and_shrinks_to_what_it_was)
{
	struct zone_pool p;
	size_t first;
	int i, low;

	zone_pool_init(&p, 1);
	first = zone_pool_room(&p);
	fill(&p);
	close(zone_pool_take(&p, &low));
	ck_assert_int_eq(low, 0);
	for (i = 0; i < 2; i++) {
		empty(&p);
		fill(&p);
	}
	ck_assert_uint_eq(p.n, 4 * first);
	zone_pool_shrink(&p);
	ck_assert_uint_eq(p.n, 2 * first);
	zone_pool_shrink(&p);
	zone_pool_shrink(&p);
	ck_assert_uint_eq(p.n, first);
	ck_assert_uint_eq(zone_pool_room(&p), 0);
	zone_pool_free(&p);
}
END

SUITE("zone_pool", a_pool_grows_when_it_was_empty_and_shrinks_to_what_it_was)
