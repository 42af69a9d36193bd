/*
 * libcrypto makes one or two objects for each element of the DER, and keeps the
 * DER as well; it reads extensions when asked. So this counts the elements,
 * also those inside extensions.
 */
#include "tls/weight.h"

#include <openssl/err.h>
#include <pthread.h>

#define BASE	2048		/* X509, its locks, key and caches */
#define ELEMENT	128		/* a name: GENERAL_NAME, string and bytes */
#define COPIES	4		/* of the bytes: DER, parts, canonical names */
#define DEPTH	24		/* no certificate is deeper */

static int		 weight_index = -1;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static void
weight_init(void)
{
	weight_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* Read tag and length (X.690, 8.1). Returns the content's length, or -1. */
static long
der_enter(const uint8_t **p, const uint8_t *end, uint8_t *tag)
{
	size_t n, len = 0;

	if (end - *p < 2)
		return -1;
	*tag = *(*p)++;
	n = *(*p)++;
	if (n < 0x80)
		len = n;
	else if (n > 0x84 || end - *p < (long)(n & 0x7f))
		return -1;
	else
		for (n &= 0x7f; n > 0; n--)
			len = len << 8 | *(*p)++;
	return len > (size_t)(end - *p) ? -1 : (long)len;
}

static size_t
der_count(const uint8_t *p, const uint8_t *end, int depth)
{
	size_t count = 0;
	uint8_t tag;
	long len;

	while (p < end && (len = der_enter(&p, end, &tag)) >= 0) {
		count++;
		/* An extension's value is DER inside an OCTET STRING. */
		if (depth < DEPTH && ((tag & 0x20) ||
		    (tag == 4 && len > 2 && *p == 0x30)))
			count += der_count(p, p + len, depth + 1);
		p += len;
	}
	return count;
}

size_t
weight_der(const uint8_t *der, size_t len)
{
	return BASE + COPIES * len + ELEMENT * der_count(der, der + len, 0);
}

size_t
weight_cert(const X509 *x)
{
	uint8_t *der = NULL;
	size_t kept = 0;
	int n;

	pthread_once(&once, weight_init);
	if (weight_index != -1)
		kept = (size_t)(uintptr_t)X509_get_ex_data(x, weight_index);
	if (kept != 0)
		return kept;
	if ((n = i2d_X509(x, &der)) > 0)
		kept = weight_der(der, (size_t)n);
	else
		ERR_clear_error();
	OPENSSL_free(der);
	return kept;
}

size_t
weight_chain(const STACK_OF(X509) *sk)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < sk_X509_num(sk); i++)
		sum += weight_cert(sk_X509_value(sk, i));
	return sum;
}

void
weight_set(X509 *x, size_t n)
{
	pthread_once(&once, weight_init);
	if (weight_index != -1)
		X509_set_ex_data(x, weight_index, (void *)(uintptr_t)n);
}
