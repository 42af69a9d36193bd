/*
 * Messages of DNS. Held to: what was blunted once has nothing to blunt, nothing
 * outside of the message is touched, a change loses no byte, and signed sets
 * that are left alone are nothing more to do; and a query that is refused
 * becomes an answer that is whole, and no longer than it; and so does one whose
 * name gets an address, in its buffer.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/dnsmsg.h"
#include "util/err.h"

#define ROOM	20	/* too little for a record of IPv6 */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_pointed(const uint8_t *data, size_t len)
{
	static const char *const ips[] = { "192.0.2.1", "2001:db8::1" };
	char name[DNSMSG_NAME_MAX];
	uint8_t *msg = malloc(len + ROOM);
	struct addr a;
	size_t i, n;
	uint16_t id;

	assert(msg != NULL);
	if (dnsmsg_name(data, len, name) == 0)
		assert(name[0] != '\0' && strlen(name) < DNSMSG_NAME_MAX - 1);
	for (i = 0; i < 2; i++) {
		addr_parse_ip(&a, ips[i]);
		if (len > 0)
			memcpy(msg, data, len);
		n = dnsmsg_point(msg, len, len + ROOM, &a, 5);
		assert(n <= len + ROOM);
		if (n == 0)
			assert(len == 0 || memcmp(msg, data, len) == 0);
		else
			assert(dnsmsg_kind(msg, n, &id) == DNSMSG_ANSWER &&
			    dnsmsg_blunt(msg, n, 1) == 0);
	}
	free(msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *once, *twice;
	size_t refused;
	uint16_t id;
	int left, n;

	if (len > DNSMSG_MAX)
		return 0;
	once = malloc(len + 1);
	twice = malloc(len + 1);
	assert(once != NULL && twice != NULL);
	if (len > 0)
		memcpy(once, data, len);
	n = dnsmsg_blunt(once, len, 1);
	assert(n >= 0 || n == ERR_FORMAT);
	assert(n != 0 || len == 0 || memcmp(once, data, len) == 0);
	if (len > 0)
		memcpy(twice, once, len);
	assert(dnsmsg_blunt(twice, len, 1) == (n < 0 ? n : 0));
	assert(len == 0 || memcmp(once, twice, len) == 0);
	if (len > 0)
		memcpy(twice, data, len);
	left = dnsmsg_blunt(twice, len, 0);
	assert(left <= n && (left < 0) == (n < 0));
	if (dnsmsg_kind(data, len, &id) == DNSMSG_QUERY) {
		memcpy(twice, data, len);
		refused = dnsmsg_refuse(twice, len);
		assert(refused >= 12 && refused <= len);
		assert(dnsmsg_kind(twice, refused, &id) == DNSMSG_ANSWER);
		assert(dnsmsg_blunt(twice, refused, 1) == 0);
	}
	check_pointed(data, len);
	free(once);
	free(twice);
	return 0;
}
