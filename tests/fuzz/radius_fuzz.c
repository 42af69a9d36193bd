/*
 * Answers of RADIUS. Held to: none that is not signed is taken, and one that we
 * sign is read, whatever its attributes are.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "codec/radius.h"
#include "util/err.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SECRET	"a secret of ours"

/* As a server does it: MD5 over the answer with the request's authenticator. */
static void
sign(uint8_t *b, size_t len, const struct radius_packet *asked)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	memcpy(b + 4, asked->b + 4, 16);
	assert(EVP_DigestInit_ex(md, EVP_md5(), NULL) &&
	    EVP_DigestUpdate(md, b, len) &&
	    EVP_DigestUpdate(md, SECRET, strlen(SECRET)) &&
	    EVP_DigestFinal_ex(md, b + 4, NULL));
	EVP_MD_CTX_free(md);
}

static void
attributes(const uint8_t *data, size_t len)
{
	struct radius_attribute a;
	uint8_t out[RADIUS_VALUE];
	char *s = malloc(len + 1);
	size_t n;

	memcpy(s, data, len);
	s[len] = '\0';
	if (radius_attribute(&a, s) == 0)
		assert(a.type != 0);
	for (a.kind = RADIUS_TEXT; a.kind <= RADIUS_ADDRESS; a.kind++)
		for (a.vendor = 0; a.vendor < 2; a.vendor++)
			if (radius_value(&a, s, out, &n) == 0)
				assert(n > 0 && n <= RADIUS_VALUE -
				    (a.vendor != 0 ? 6 : 0));
	free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct radius_packet p;
	struct radius_answer a = { RADIUS_COA, 0 };
	uint8_t *b;
	int rv;

	if (len > 5000)
		return 0;
	attributes(data, len);
	radius_begin(&p, RADIUS_DISCONNECT, 7);
	assert(radius_seal(&p, SECRET, strlen(SECRET)) == 0);
	b = malloc(len + 1);
	memcpy(b, data, len);
	assert(radius_answer(&p, SECRET, strlen(SECRET), b, len, &a) != 0);
	if (len >= 20 && len <= RADIUS_MAX) {
		b[0] = data[0] % 2 ? RADIUS_DISCONNECT_ACK :
		    RADIUS_DISCONNECT_NAK;
		b[1] = 7;
		b[2] = (uint8_t)(len >> 8);
		b[3] = (uint8_t)len;
		sign(b, len, &p);
		rv = radius_answer(&p, SECRET, strlen(SECRET), b, len, &a);
		assert(rv == 0 ? a.code == b[0] : rv == ERR_FORMAT ||
		    rv == ERR_DENIED);
	}
	free(b);
	return 0;
}
