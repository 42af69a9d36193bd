/*
 * Writes databases in MaxMind's format, version 2.0, for tests: which country
 * each prefix is in. A wider prefix comes before those in it.
 */
#ifndef MMDB_H
#define MMDB_H

#include <stdlib.h>
#include <string.h>

#include "util/addr.h"
#include "util/mem.h"
#include "util/text.h"

#define MMDB_NONE	0xffffffffu
#define MMDB_IS_DATA	0x80000000u	/* ... and where it is */

struct mmdb {			/* starts zeroed */
	uint32_t	(*node)[2];
	uint32_t	 n;
	struct text	 data;
};

static inline void
mmdb_word(struct text *t, const char *s)
{
	text_printf(t, "%c%s", (int)(0x40 | strlen(s)), s);
}

static inline uint32_t
mmdb_node(struct mmdb *m, uint32_t both)
{
	m->node = xrealloc(m->node, (m->n + 1) * sizeof(*m->node));
	m->node[m->n][0] = m->node[m->n][1] = both;
	return m->n++;
}

/* key and sub: where the code is; sub may be NULL. */
static inline void
mmdb_add_at(struct mmdb *m, const char *prefix, const char *country,
    const char *key, const char *sub)
{
	uint32_t at = 0, data = (uint32_t)m->data.len;
	uint8_t ip[16] = { 0 };
	unsigned i, bits, bit;
	struct prefix p;

	if (prefix_parse(&p, prefix) != 0)
		abort();
	memcpy(ip + (p.family == AF_INET ? 12 : 0), p.ip,
	    p.family == AF_INET ? 4 : 16);
	bits = p.bits + (p.family == AF_INET ? 96u : 0u);
	text_add(&m->data, "\xe1", 1);
	mmdb_word(&m->data, key);
	if (sub != NULL) {
		text_add(&m->data, "\xe1", 1);
		mmdb_word(&m->data, sub);
	}
	mmdb_word(&m->data, country);
	if (m->n == 0)
		mmdb_node(m, MMDB_NONE);
	for (i = 0; i + 1 < bits; i++) {
		bit = ip[i / 8] >> (7 - i % 8) & 1;
		if (m->node[at][bit] >= MMDB_IS_DATA) {
			uint32_t made = mmdb_node(m, m->node[at][bit]);

			m->node[at][bit] = made;
		}
		at = m->node[at][bit];
	}
	m->node[at][ip[i / 8] >> (7 - i % 8) & 1] = MMDB_IS_DATA | data;
}

static inline void
mmdb_add(struct mmdb *m, const char *prefix, const char *country)
{
	mmdb_add_at(m, prefix, country, "country", "iso_code");
}

static inline void
mmdb_be32(struct text *t, uint32_t v)
{
	text_printf(t, "%c%c%c%c", (int)(v >> 24), (int)(v >> 16 & 255),
	    (int)(v >> 8 & 255), (int)(v & 255));
}

/* The file; m is of no more use. */
static inline void
mmdb_write(struct mmdb *m, struct text *out)
{
	static const char none[16];
	uint32_t i, k, v;

	for (i = 0; i < m->n; i++)
		for (k = 0; k < 2; k++) {
			v = m->node[i][k];
			mmdb_be32(out, v == MMDB_NONE ? m->n :
			    v >= MMDB_IS_DATA ? m->n + 16 + (v ^ MMDB_IS_DATA) :
			    v);
		}
	text_add(out, none, sizeof(none));
	text_add(out, m->data.s, m->data.len);
	text_puts(out, "\xab\xcd\xefMaxMind.com\xe9");
	mmdb_word(out, "node_count");
	text_add(out, "\xc4", 1);
	mmdb_be32(out, m->n);
	mmdb_word(out, "record_size");
	text_add(out, "\xa1\x20", 2);
	mmdb_word(out, "ip_version");
	text_add(out, "\xa1\x06", 2);
	mmdb_word(out, "database_type");
	mmdb_word(out, "Test-Country");
	mmdb_word(out, "languages");
	text_add(out, "\x01\x04", 2);
	mmdb_word(out, "en");
	mmdb_word(out, "binary_format_major_version");
	text_add(out, "\xa1\x02", 2);
	mmdb_word(out, "binary_format_minor_version");
	text_add(out, "\xa0", 1);
	mmdb_word(out, "build_epoch");
	text_add(out, "\x04\x02\x65\x00\x00\x00", 6);
	mmdb_word(out, "description");
	text_add(out, "\xe0", 1);
	free(m->node);
	text_free(&m->data);
	memset(m, 0, sizeof(*m));
}

#endif
