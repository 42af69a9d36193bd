/*
 * User and password: a value of Proxy-Authorization, the message of SOCKS5, and
 * a file of users. Held to: what is taken is text of its length, every prefix
 * of the message is short or has the answer of the whole, and a file is taken
 * or has errors.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/basic.h"
#include "conf/conf.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t	*file;
static size_t		 file_len;

static int
file_read(const char *path, size_t max, struct text *out)
{
	text_add(out, (const char *)file, file_len);
	return 0;
}

static void
check_taken(const struct basic *b, int rv)
{
	if (rv == 0)
		assert(basic_name_valid(b->user, strlen(b->user)) &&
		    strlen(b->password) <= BASIC_PART_MAX);
	else
		assert(b->user[0] == '\0' && b->password[0] == '\0');
}

static void
check_socks(const uint8_t *data, size_t len)
{
	struct basic b;
	size_t used, need, i;
	int rv, part;

	rv = basic_read_socks(&b, data, len, &used, &need);
	check_taken(&b, rv);
	assert(rv != ERR_SHORT || need > len);
	assert(rv != 0 || used <= len);
	for (i = 0; i < len; i++) {
		part = basic_read_socks(&b, data, i, &used, &need);
		assert(part == ERR_SHORT ? need > i : part == rv);
	}
}

static void
check_file(void)
{
	static const char yaml[] = "listen: [{name: p, mode: explicit, "
	    "address: \"127.0.0.1:8080\", authentication: {users: /u}}]\n";
	static const struct conf_world world = { .read = file_read };
	struct text errors = { 0 };
	struct conf *c;
	int rv;

	rv = conf_parse_in(&world, "c", yaml, sizeof(yaml) - 1, &c, &errors);
	assert((rv == 0) == (errors.len == 0));
	if (rv == 0) {
		assert(c->listens[0].auth.users.n > 0);
		conf_unref(c);
	}
	text_free(&errors);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct basic b;

	if (len > 1200)
		return 0;
	check_taken(&b, basic_read(&b, slice_of(data, len)));
	check_socks(data, len);
	file = data;
	file_len = len;
	check_file();
	return 0;
}
