/*
 * What the tests of conf share: a world whose one list file is given, and
 * texts that load or do not.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <string.h>

#include "../mmdb.h"
#include "conf/conf.h"
#include "test.h"
#include "util/err.h"

static const char *sample_list = "bank.example\n198.51.100.0/24\n";

/* Of a path with "feeds" in it. */
static const char *sample_feed = "bank.example finance\n";

static int
sample_read(const char *path, size_t max, struct text *out)
{
	struct mmdb m = { 0 };

	/* What a file is, by its name. */
	if (strstr(path, "geo") != NULL || strstr(path, "Geo") != NULL) {
		mmdb_add(&m, "192.0.2.0/24", "DE");
		mmdb_write(&m, out);
		return 0;
	}
	text_puts(out, strstr(path, ".secret") != NULL ? "me:secret\n" :
	    strstr(path, ".token") != NULL ? "me:sensor:0123456789abcdef\n" :
	    strstr(path, "/tags") != NULL ? "10.0.0.7 printer\n" :
	    strstr(path, "feeds") != NULL ? sample_feed :
	    strstr(path, ".htpasswd") != NULL ? "me:$6$salt$MmgSuXltk7MiPun6i"
	    "qUg4EhT4rBBBKAvbQv9VWc6Md1rJUZOHgD9R7ybTSRlsQRjv7LqQhuL8A3dxin579"
	    "TRL.\n" :
	    sample_list);
	return 0;
}

static const struct conf_world sample_world = { sample_read, NULL, NULL };

/* Fails the test with the errors unless the text loads. */
static inline struct conf *
good(const char *yaml)
{
	struct text errors = { 0 };
	struct conf *c;

	if (conf_parse_in(&sample_world, "c", yaml, strlen(yaml), &c,
	    &errors) != 0)
		ck_abort_msg("%s\n%s", errors.s, yaml);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(errors.len, 0);
	return c;
}

/* The text has exactly these errors. */
static inline void
bad(const char *yaml, const char *want)
{
	struct text errors = { 0 };
	struct conf *c;

	ck_assert_int_eq(conf_parse_in(&sample_world, "c", yaml,
	    strlen(yaml), &c, &errors), ERR_USAGE);
	ck_assert_ptr_null(c);
	ck_assert_str_eq(errors.s, want);
	text_free(&errors);
}

#define LISTEN	"listen: [{name: p, mode: explicit, " \
		"address: \"127.0.0.1:8080\"}]\n"		/* line 1 */

/* The same of what stands under this sound listener, in line 2 on. */
static inline void
bad_part(const char *part, const char *want)
{
	struct text t = { 0 };

	text_printf(&t, "%s%s", LISTEN, part);
	bad(t.s, want);
	text_free(&t);
}

#endif
