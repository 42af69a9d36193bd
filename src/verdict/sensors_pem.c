/*
 * Files to one text. Nothing of a key stays in memory that was freed.
 */
#include "verdict/sensors_pem.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/ca.h"
#include "tls/own.h"
#include "util/err.h"
#include "util/mem.h"

/* Add a file; *len is what it has. */
static int
file_add(struct sensor_pem *p, const char *path, uint32_t *len,
    struct text *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t from = p->n;
	ssize_t n = -1;

	while (fd >= 0 && p->n < SENSOR_PEM &&
	    ((n = read(fd, p->s + p->n, SENSOR_PEM - p->n)) > 0 ||
	    (n < 0 && errno == EINTR)))
		p->n += n > 0 ? (size_t)n : 0;
	if (n != 0)
		text_printf(why, "%s: %s", path, p->n == SENSOR_PEM ?
		    "certificates and keys are longer than 96 KiB together" :
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	*len = (uint32_t)(p->n - from);
	return n == 0 ? 0 : ERR_USAGE;
}

/* The first line of what own_load() and its like say. */
static void
first_line(const struct text *said, struct text *why)
{
	if (said->len > 0)
		text_add(why, said->s, strcspn(said->s, "\n"));
}

/* Whether they are what they should be. */
static int
files_check(const struct conf_sensor *c, struct text *why)
{
	struct own_files files = { &c->certificate, &c->key, 1 };
	struct text said = { 0 };
	STACK_OF(X509) *cas;
	struct own *own = NULL;
	int rv = own_load(&files, &own, &said);

	own_free(own);
	if (rv == 0 && c->client_ca != NULL) {
		cas = ca_read_certs("client-ca", c->client_ca, &said);
		rv = cas != NULL ? 0 : ERR_USAGE;
		sk_X509_pop_free(cas, X509_free);
	}
	first_line(&said, why);
	text_free(&said);
	return rv;
}

int
sensor_pem_read(struct sensor_pem *p, const struct conf_sensor *c,
    struct text *why)
{
	int rv = files_check(c, why);

	memset(p, 0, sizeof(*p));
	p->s = xmalloc(SENSOR_PEM);
	if (rv == 0)
		rv = file_add(p, c->certificate, &p->cert, why);
	if (rv == 0)
		rv = file_add(p, c->key, &p->key, why);
	if (rv == 0 && c->client_ca != NULL)
		rv = file_add(p, c->client_ca, &p->ca, why);
	if (rv != 0)
		sensor_pem_drop(p);
	return rv;
}

void
sensor_pem_copy(struct sensor_pem *out, const struct sensor_pem *p)
{
	*out = *p;
	if (p->s != NULL) {
		out->s = xmalloc(SENSOR_PEM);
		memcpy(out->s, p->s, p->n);
	}
}

void
sensor_pem_drop(struct sensor_pem *p)
{
	if (p->s != NULL)
		OPENSSL_cleanse(p->s, p->n);
	free(p->s);
	memset(p, 0, sizeof(*p));
}
