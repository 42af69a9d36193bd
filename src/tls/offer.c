/*
 * What we offer servers, and accept from clients: cipher suites and groups.
 * Ours are first, and behind them all that the library has.
 */
#include "tls/offer.h"

#include <string.h>

#include "util/mem.h"
#include "util/text.h"

/*
 * AES-128 first, for it is the fastest and good enough; the old ones are for
 * peers that know nothing better. Behind our own list is everything else that
 * the library has with a certificate and a key in it, in the library's order:
 * the peer may have just that. No DSA: it would take a third of the list, and
 * there are old servers that read no more than 64 suites.
 */
#define CIPHERS								\
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"	\
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"	\
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"	\
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"		\
	"ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"		\
	"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"			\
	"ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"			\
	"AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA:"	\
	"ALL:!aNULL:!eNULL:!PSK:!SRP:!aDSS"
#define SUITES	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"	\
	"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256"

/*
 * Our groups: of these, the ones that the library knows. A star (OpenSSL 3.5)
 * asks for a key share; with one for a post-quantum group alone, each server
 * that does not know it would cost a round trip more. Groups of DH end where
 * one handshake takes ten milliseconds.
 */
static const char *const groups[] = {
	"*X25519MLKEM768", "*X25519", "X25519", "P-256", "P-384", "P-521",
	"X448", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "ffdhe2048",
	"ffdhe3072", "ffdhe4096", "brainpoolP256r1", "brainpoolP384r1",
	"brainpoolP512r1",
};

static int
offer_groups(SSL_CTX *ctx, const char *own)
{
	struct text list = { 0 };
	int star = 0, ok;
	size_t i;

	if (own != NULL)
		return SSL_CTX_set1_groups_list(ctx, own);
	for (i = 0; i < NELEM(groups); i++) {
		if ((star && strcmp(groups[i], "X25519") == 0) ||
		    SSL_CTX_set1_groups_list(ctx, groups[i]) != 1)
			continue;
		star |= strcmp(groups[i], "*X25519") == 0;
		text_printf(&list, "%s%s", list.len > 0 ? ":" : "", groups[i]);
	}
	ok = list.len > 0 && SSL_CTX_set1_groups_list(ctx, list.s) == 1;
	text_free(&list);
	return ok;
}

const char *
offer_set(SSL_CTX *ctx, const struct tls_side *side)
{
	if (!SSL_CTX_set_cipher_list(ctx,
	    side->ciphers != NULL ? side->ciphers : CIPHERS) ||
	    !SSL_CTX_set_ciphersuites(ctx, SUITES))
		return "ciphers: none of them is known";
	if (!offer_groups(ctx, side->groups))
		return "groups: not all of them are known";
	return NULL;
}

int
offer_unsigned(SSL *ssl)
{
	STACK_OF(SSL_CIPHER) *have;
	struct text list = { 0 };
	const SSL_CIPHER *c;
	int i, ok;

	if (SSL_version(ssl) != TLS1_2_VERSION ||
	    SSL_get_security_level(ssl) == 0 ||
	    SSL_get_sigalgs(ssl, -1, NULL, NULL, NULL, NULL, NULL) != 0)
		return 1;
	have = SSL_get1_supported_ciphers(ssl);
	for (i = 0; i < sk_SSL_CIPHER_num(have); i++) {
		c = sk_SSL_CIPHER_value(have, i);
		if (SSL_CIPHER_get_kx_nid(c) == NID_kx_rsa)
			text_printf(&list, "%s%s", list.len > 0 ? ":" : "",
			    SSL_CIPHER_get_name(c));
	}
	ok = list.len == 0 || SSL_set_cipher_list(ssl, list.s);
	if (ok && list.len > 0)
		SSL_set_security_level(ssl, 0);
	text_free(&list);
	sk_SSL_CIPHER_free(have);
	return ok;
}
