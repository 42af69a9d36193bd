/*
 * JA3 and JA4 of a ClientHello. JA4 follows FoxIO's technical_details/JA4.md:
 * GREASE is left out everywhere, and the SCSVs count as suites.
 */
#include "codec/ja.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

enum {
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	PART = 12		/* hexadecimal digits of each JA4 hash */
};

struct numbers {		/* a list without its GREASE */
	uint16_t	*v;	/* owned */
	size_t		 n;
};

/* Make room for the u16 in so many bytes. */
static void
numbers_room(struct numbers *l, size_t bytes)
{
	l->v = xcalloc(bytes / 2 + 1, sizeof(l->v[0]));
	l->n = 0;
}

static void
numbers_add(struct numbers *l, uint16_t v)
{
	if (!hello_is_grease(v))
		l->v[l->n++] = v;
}

static void
numbers_of(struct numbers *l, const struct hello_list *from)
{
	size_t i;

	numbers_room(l, from->len);
	for (i = 0; i + 1 < from->len; i += 2)
		numbers_add(l, (uint16_t)(from->p[i] << 8 | from->p[i + 1]));
}

static void
numbers_of_exts(struct numbers *l, const struct hello *h)
{
	struct cursor w = cursor_of(h->exts.p, h->exts.len), body;
	uint16_t type;

	numbers_room(l, h->exts.len);
	while (hello_ext_next(&w, &type, &body))
		numbers_add(l, type);
}

static int
number_cmp(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void
numbers_sort(struct numbers *l)
{
	qsort(l->v, l->n, sizeof(l->v[0]), number_cmp);
}

static void
numbers_print(struct text *out, const struct numbers *l, int hex, char sep)
{
	char num[8];
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (i > 0)
			text_add(out, &sep, 1);
		snprintf(num, sizeof(num), hex ? "%04x" : "%u", l->v[i]);
		text_puts(out, num);
	}
}

static void
ja3_list(struct text *out, struct numbers *l)
{
	text_add(out, ",", 1);
	numbers_print(out, l, 0, '-');
	free(l->v);
}

void
ja3_text(struct text *out, const struct hello *h)
{
	struct numbers l;
	size_t i;

	text_printf(out, "%u", h->version);
	numbers_of(&l, &h->suites);
	ja3_list(out, &l);
	numbers_of_exts(&l, h);
	ja3_list(out, &l);
	numbers_of(&l, &h->groups);
	ja3_list(out, &l);
	numbers_room(&l, h->points.len * 2);
	for (i = 0; i < h->points.len; i++)
		l.v[l.n++] = h->points.p[i];
	ja3_list(out, &l);
}

/* Write the first hexadecimal digits of the digest of t, and free t. */
static int
hash_text(char *out, struct text *t, const EVP_MD *md, size_t digits)
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n;
	int ok;

	ok = EVP_Digest(t->len > 0 ? t->s : "", t->len, sum, &n, md, NULL);
	text_free(t);
	if (ok != 1 || 2 * n < digits)
		return ERR_TLS;
	hex_lower(hex, sum, n);
	memcpy(out, hex, digits);
	out[digits] = '\0';
	return 0;
}

int
ja3_hash(char out[JA3_HASH_LEN + 1], const struct hello *h, const EVP_MD *md5)
{
	struct text t = { NULL, 0, 0 };

	ja3_text(&t, h);
	return hash_text(out, &t, md5 != NULL ? md5 : EVP_md5(),
	    JA3_HASH_LEN);
}

static const char *
ja4_version(const struct hello *h)
{
	switch (h->max_version) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	}
	return "00";
}

static int
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

/* First and last character of the first ALPN name, or of its hexadecimal. */
static void
ja4_alpn(char out[2], const struct hello *h)
{
	static const char digit[] = "0123456789abcdef";
	struct cursor w = cursor_of(h->alpn.p, h->alpn.len);
	const uint8_t *p;
	size_t n;

	out[0] = out[1] = '0';
	if (!hello_alpn_next(&w, &p, &n))
		return;
	if (is_alnum(p[0]) && is_alnum(p[n - 1])) {
		out[0] = (char)p[0];
		out[1] = (char)p[n - 1];
	} else {
		out[0] = digit[p[0] >> 4];
		out[1] = digit[p[n - 1] & 15];
	}
}

static int
ja4_suites(char out[PART + 1], struct numbers *l, const EVP_MD *md)
{
	struct text t = { NULL, 0, 0 };

	strcpy(out, "000000000000");
	if (l->n == 0)
		return 0;
	numbers_sort(l);
	numbers_print(&t, l, 1, ',');
	return hash_text(out, &t, md, PART);
}

static int
ja4_exts(char out[PART + 1], struct numbers *l, const struct hello *h,
    const EVP_MD *md)
{
	struct text t = { NULL, 0, 0 };
	struct numbers sig;
	size_t i, n;

	strcpy(out, "000000000000");
	if (l->n == 0)
		return 0;
	for (i = n = 0; i < l->n; i++)
		if (l->v[i] != EXT_SERVER_NAME && l->v[i] != EXT_ALPN)
			l->v[n++] = l->v[i];
	l->n = n;
	numbers_sort(l);
	numbers_print(&t, l, 1, ',');
	numbers_of(&sig, &h->sigalgs);
	if (sig.n > 0)
		text_add(&t, "_", 1);
	numbers_print(&t, &sig, 1, ',');
	free(sig.v);
	return hash_text(out, &t, md, PART);
}

int
ja4(char out[JA4_LEN + 1], const struct hello *h, const EVP_MD *sha256)
{
	char suites[PART + 1], exts[PART + 1], alpn[2];
	struct numbers s, x;
	unsigned ns, nx;
	int e;

	if (sha256 == NULL)
		sha256 = EVP_sha256();
	numbers_of(&s, &h->suites);
	numbers_of_exts(&x, h);
	ns = s.n < 99 ? (unsigned)s.n : 99;
	nx = x.n < 99 ? (unsigned)x.n : 99;
	ja4_alpn(alpn, h);
	e = ja4_suites(suites, &s, sha256);
	if (e == 0)
		e = ja4_exts(exts, &x, h, sha256);
	if (e == 0)
		snprintf(out, JA4_LEN + 1, "t%s%c%02u%02u%.2s_%s_%s",
		    ja4_version(h), h->flags & HELLO_SNI ? 'd' : 'i', ns, nx,
		    alpn, suites, exts);
	free(s.v);
	free(x.v);
	return e;
}

/* How many numbers are in one list only; both are sorted. */
static unsigned
numbers_apart(const struct numbers *a, const struct numbers *b)
{
	unsigned apart = 0;
	size_t i = 0, k = 0;

	while (i < a->n && k < b->n) {
		if (a->v[i] == b->v[k]) {
			i++;
			k++;
			continue;
		}
		if (a->v[i] < b->v[k])
			i++;
		else
			k++;
		apart++;
	}
	return apart + (unsigned)(a->n - i + b->n - k);
}

/* ... which are not sorted yet. Frees both. */
static unsigned
numbers_apart_free(struct numbers *a, struct numbers *b)
{
	unsigned apart;

	numbers_sort(a);
	numbers_sort(b);
	apart = numbers_apart(a, b);
	free(a->v);
	free(b->v);
	return apart;
}

static unsigned
sigalgs_apart(const struct hello *x, const struct hello *y)
{
	struct numbers a, b;
	unsigned apart;
	int same;

	numbers_of(&a, &x->sigalgs);
	numbers_of(&b, &y->sigalgs);
	same = a.n == b.n && memcmp(a.v, b.v, a.n * sizeof(a.v[0])) == 0;
	apart = numbers_apart_free(&a, &b);
	return apart == 0 && !same ? 1 : apart;
}

unsigned
ja4_distance(const struct hello *x, const struct hello *y)
{
	struct numbers a, b;
	char alpn[2][2];
	unsigned apart;

	numbers_of(&a, &x->suites);
	numbers_of(&b, &y->suites);
	apart = numbers_apart_free(&a, &b);
	numbers_of_exts(&a, x);
	numbers_of_exts(&b, y);
	apart += numbers_apart_free(&a, &b) + sigalgs_apart(x, y);
	ja4_alpn(alpn[0], x);
	ja4_alpn(alpn[1], y);
	return apart + (x->max_version != y->max_version) +
	    (memcmp(alpn[0], alpn[1], sizeof(alpn[0])) != 0);
}
