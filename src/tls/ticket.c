/*
 * Ticket keys. The current key seals; the previous one still opens, so that a
 * client's ticket survives a rotation.
 */
#include "tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/mem.h"

#define ROTATE	(8 * 3600)	/* s; a stolen key opens twice this */
#define NAME	8		/* the rest of its 16 bytes is the lineage */
#define MAC	32

struct ticket_key {
	unsigned char	 name[NAME];
	unsigned char	 aes[32];
	unsigned char	 mac[32];
};

struct ticket_keys {
	pthread_mutex_t	 mutex;
	EVP_CIPHER	*cipher;
	struct ticket_key now, before;
	uint64_t	 since;		/* clock_s */
};

struct ticket_keys *
ticket_keys_new(void)
{
	struct ticket_keys *k = xcalloc(1, sizeof(*k));

	pthread_mutex_init(&k->mutex, NULL);
	k->since = clock_s();
	k->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (k->cipher != NULL &&
	    RAND_bytes((void *)&k->now, sizeof(k->now)) == 1 &&
	    RAND_bytes((void *)&k->before, sizeof(k->before)) == 1)
		return k;
	ticket_keys_free(k);
	return NULL;
}

void
ticket_keys_free(struct ticket_keys *k)
{
	if (k == NULL)
		return;
	EVP_CIPHER_free(k->cipher);
	pthread_mutex_destroy(&k->mutex);
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

/* Called with the mutex. Without randomness the old key stays. */
static void
rotate(struct ticket_keys *k)
{
	struct ticket_key fresh;

	k->since = clock_s();
	if (RAND_bytes((void *)&fresh, sizeof(fresh)) != 1)
		return;
	k->before = k->now;
	k->now = fresh;
	OPENSSL_cleanse(&fresh, sizeof(fresh));
}

void
ticket_rotate(struct ticket_keys *k)
{
	pthread_mutex_lock(&k->mutex);
	rotate(k);
	pthread_mutex_unlock(&k->mutex);
}

/* Copy the key to use. Returns 1; 2 for the previous key; 0 for none. */
static int
ticket_pick(struct ticket_keys *k, const unsigned char *name, int enc,
    struct ticket_key *out)
{
	int rv = 1;

	pthread_mutex_lock(&k->mutex);
	if (clock_s() - k->since >= ROTATE)
		rotate(k);
	if (enc || memcmp(name, k->now.name, sizeof(k->now.name)) == 0)
		*out = k->now;
	else if (memcmp(name, k->before.name, sizeof(k->before.name)) == 0) {
		*out = k->before;
		rv = 2;
	} else {
		rv = 0;
	}
	pthread_mutex_unlock(&k->mutex);
	return rv;
}

/* Of a ticket as libssl writes it: name, iv, what is sealed, its MAC. */
static int
ticket_ours(struct ticket_keys *k, const uint8_t *ticket, size_t len)
{
	struct ticket_key key;
	unsigned char mac[MAC];
	size_t n = 0;
	int rv;

	if (len < 16 + 16 + MAC || !ticket_pick(k, ticket, 0, &key))
		return 0;
	rv = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.mac,
	    sizeof(key.mac), ticket, len - MAC, mac, sizeof(mac), &n) !=
	    NULL && n == MAC && CRYPTO_memcmp(mac, ticket + len - MAC,
	    MAC) == 0;
	OPENSSL_cleanse(&key, sizeof(key));
	return rv;
}

uint64_t
ticket_lineage(struct ticket_keys *k, const uint8_t *ticket, size_t len)
{
	uint64_t lineage;

	if (!ticket_ours(k, ticket, len))
		return 0;
	memcpy(&lineage, ticket + NAME, sizeof(lineage));
	return lineage;
}

int
ticket_crypt(struct ticket_keys *k, uint64_t lineage, unsigned char *name,
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	char digest[] = "SHA256";
	struct ticket_key key;
	OSSL_PARAM params[3];
	int rv;

	if ((!enc && memcmp(name + NAME, &lineage, sizeof(lineage)) != 0) ||
	    (rv = ticket_pick(k, name, enc, &key)) == 0)
		return 0;
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    key.mac, sizeof(key.mac));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	if (enc) {
		memcpy(name, key.name, sizeof(key.name));
		memcpy(name + NAME, &lineage, sizeof(lineage));
		if (RAND_bytes(iv, 16) != 1)
			rv = -1;
	}
	if (rv > 0 && (!EVP_MAC_CTX_set_params(mac, params) ||
	    !EVP_CipherInit_ex2(cipher, k->cipher, key.aes, iv, enc, NULL)))
		rv = -1;
	OPENSSL_cleanse(&key, sizeof(key));
	return rv;
}
