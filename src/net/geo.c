/*
 * Countries of addresses, by libmaxminddb. It opens files alone, so the bytes
 * become one that has no name.
 */
#include "net/geo.h"

#include <ctype.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/err.h"
#include "util/mem.h"

#define NODES_TRIED	100000	/* looked at for a first country */
#define BITS		128	/* of an address: the depth of a sound tree */

static const char no_database[] =
    "it is not a database of MaxMind's format, or broken";

struct geo {
	MMDB_s		 mmdb;
};

/* Where databases have the code: MaxMind and DB-IP; IPinfo. */
static const char *const places[][3] = {
	{ "country", "iso_code", NULL },
	{ "country_code", NULL },
	{ "country", NULL }
};

static int
geo_entry(MMDB_entry_s *entry, char out[GEO_LEN])
{
	MMDB_entry_data_s d;
	size_t i;

	for (i = 0; i < NELEM(places); i++) {
		if (MMDB_aget_value(entry, &d, places[i]) != MMDB_SUCCESS ||
		    !d.has_data || d.type != MMDB_DATA_TYPE_UTF8_STRING ||
		    d.data_size != 2 || !isalpha((uint8_t)d.utf8_string[0]) ||
		    !isalpha((uint8_t)d.utf8_string[1]))
			continue;
		out[0] = (char)toupper((uint8_t)d.utf8_string[0]);
		out[1] = (char)toupper((uint8_t)d.utf8_string[1]);
		out[2] = '\0';
		return 0;
	}
	return ERR_NOTFOUND;
}

/* Whether there is a country below this node. */
static int
geo_any(struct geo *g, uint32_t at, int depth, unsigned *left)
{
	MMDB_search_node_s n;
	char country[GEO_LEN];
	int i, type;

	if (depth == BITS || *left == 0 ||
	    MMDB_read_node(&g->mmdb, at, &n) != MMDB_SUCCESS)
		return 0;
	--*left;
	for (i = 0; i < 2; i++) {
		type = i == 0 ? n.left_record_type : n.right_record_type;
		if (type == MMDB_RECORD_TYPE_DATA && geo_entry(i == 0 ?
		    &n.left_record_entry : &n.right_record_entry, country) == 0)
			return 1;
		if (type == MMDB_RECORD_TYPE_SEARCH_NODE && geo_any(g,
		    (uint32_t)(i == 0 ? n.left_record : n.right_record),
		    depth + 1, left))
			return 1;
	}
	return 0;
}

/* Whether all nodes are in the file: the library multiplies in 32 bits. */
static int
geo_sound(const struct geo *g)
{
	const MMDB_metadata_s *m = &g->mmdb.metadata;

	return (uint64_t)m->node_count * m->record_size / 4 <=
	    (uint64_t)g->mmdb.file_size;
}

/* Open what is behind a descriptor. */
static int
geo_open(struct geo *g, int fd, struct text *why)
{
	unsigned left = NODES_TRIED;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = MMDB_open(path, MMDB_MODE_MMAP, &g->mmdb);
	if (r != MMDB_SUCCESS) {
		text_puts(why, r == MMDB_FILE_OPEN_ERROR ?
		    "/proc is not there" : no_database);
		return ERR_FORMAT;
	}
	if (geo_sound(g) && geo_any(g, 0, 0, &left))
		return 0;
	text_puts(why, geo_sound(g) ? "it has no countries" : no_database);
	MMDB_close(&g->mmdb);
	return ERR_FORMAT;
}

static int
geo_fill(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n)
		if ((n = write(fd, bytes, len)) == -1)
			return ERR_SYS;
	return 0;
}

int
geo_new(const char *bytes, size_t len, struct geo **out, struct text *why)
{
	struct geo *g = xcalloc(1, sizeof(*g));
	int fd = memfd_create("geo", MFD_CLOEXEC), r;

	*out = NULL;
	r = len == 0 ? ERR_FORMAT : fd == -1 ? ERR_SYS :
	    geo_fill(fd, bytes, len);
	if (r != 0)
		text_puts(why, len == 0 ? "it is empty" : err_str(r));
	else
		r = geo_open(g, fd, why);
	if (fd != -1)
		close(fd);
	if (r == 0)
		*out = g;
	else
		free(g);
	return r;
}

void
geo_free(struct geo *g)
{
	if (g == NULL)
		return;
	MMDB_close(&g->mmdb);
	free(g);
}

void
geo_country(const struct geo *g, const struct addr *a, char out[GEO_LEN])
{
	int e;
	MMDB_lookup_result_s r = MMDB_lookup_sockaddr(&g->mmdb, &a->sa, &e);

	if (e != MMDB_SUCCESS || !r.found_entry ||
	    geo_entry(&r.entry, out) != 0)
		memcpy(out, GEO_UNKNOWN, GEO_LEN);
}
