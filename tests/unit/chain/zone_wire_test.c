/*
 * Messages with descriptors between the daemon and the zone helper.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chain/zone_wire.h"
#include "util/err.h"

static int	 ends[2];

static void
pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    ends), 0);
}

static size_t
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

TEST(descriptors_arrive_with_their_message)
{
	int fds[ZONE_FDS], got[ZONE_FDS];
	size_t n = ZONE_FDS, i;
	char c;

	pair();
	for (i = 0; i < ZONE_FDS; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(parcel_send(ends[0], "x", 1, fds, ZONE_FDS), 1);
	ck_assert_int_eq(parcel_recv(ends[1], &c, 1, got, &n), 1);
	ck_assert_uint_eq(n, ZONE_FDS);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(fcntl(got[i], F_GETFD) & FD_CLOEXEC,
		    FD_CLOEXEC);
}
END

TEST(descriptors_that_nobody_wants_are_closed)
{
	int fds[2];
	size_t none = 0, before;
	char c;

	pair();
	fds[0] = fds[1] = ends[0];
	before = open_files();
	ck_assert_int_eq(parcel_send(ends[0], "x", 1, fds, 2), 1);
	ck_assert_int_eq(parcel_recv(ends[1], &c, 1, NULL, &none), 1);
	ck_assert_uint_eq(none, 0);
	ck_assert_uint_eq(open_files(), before);
}
END

TEST(a_message_that_is_too_long_is_an_error_and_leaves_nothing)
{
	int fds[1] = { 2 }, got[1];
	size_t n = 1, before;
	char c;

	pair();
	before = open_files();
	parcel_send(ends[0], "xy", 2, fds, 1);
	ck_assert_int_eq(parcel_recv(ends[1], &c, 1, got, &n), ERR_FORMAT);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(open_files(), before);
}
END

TEST(a_process_with_too_many_descriptors_gets_the_message_alone)
{
	struct rlimit r;
	int fds[2], got[2];
	size_t n = 2, before;
	char c = 0;

	pair();
	fds[0] = fds[1] = ends[0];
	ck_assert_int_eq(parcel_send(ends[0], "x", 1, fds, 2), 1);
	before = open_files();
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = (rlim_t)ends[1] + 2;	/* one more */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	ck_assert_int_eq(parcel_recv(ends[1], &c, 1, got, &n), ERR_LIMIT);
	ck_assert_int_eq(c, 'x');
	ck_assert_uint_eq(n, 0);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	ck_assert_uint_eq(open_files(), before);
}
END

TEST(a_closed_end_is_told_from_an_error)
{
	char c;

	pair();
	close(ends[0]);
	ck_assert_int_eq(parcel_recv(ends[1], &c, 1, NULL, NULL), ERR_EOF);
	ck_assert_int_eq(parcel_send(ends[1], "x", 1, NULL, 0), ERR_EOF);
	ck_assert_int_eq(parcel_recv(-1, &c, 1, NULL, NULL), ERR_SYS);
}
END

SUITE("zone_wire", descriptors_arrive_with_their_message,
    descriptors_that_nobody_wants_are_closed,
    a_message_that_is_too_long_is_an_error_and_leaves_nothing,
    a_process_with_too_many_descriptors_gets_the_message_alone,
    a_closed_end_is_told_from_an_error)
