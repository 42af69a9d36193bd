/*
 * What handshakes cost: CPU microseconds of ours on each side, in memory,
 * beside those of libssl as it comes. The peer's work is not counted.
 *
 *	hs [rounds [turns [what]]]
 *
 * Each line: what, microseconds (the least of the turns, which alternate).
 * connect-client says hello as the visitor does; connect-told tells its JA4,
 * too.
 */
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tls/ca.h"
#include "tls/intern.h"
#include "tls/tls.h"
#include "util/err.h"
#include "util/mem.h"

static struct tls	*t;
static struct leaf	*leaf;
static SSL_CTX		*origin, *visitor, *stock_client, *stock_server;
static X509		*origin_cert;
static SSL_SESSION	*ticket;
static uint8_t		*visitors;	/* its hello */
static double		 ours, theirs;	/* CPU seconds */

static double
cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	fprintf(stderr, "hs: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void
step(SSL *ssl, int *done, double *sum)
{
	double from = cpu();
	char buf[16];

	if (!*done)
		*done = SSL_do_handshake(ssl) == 1;
	else
		SSL_read(ssl, buf, sizeof(buf));
	*sum += cpu() - from;
}

/* Both handshakes, and the tickets taken in. */
static void
shake(SSL *mine, SSL *other)
{
	int a = 0, b = 0, i;
	BIO *x, *y;

	if (!BIO_new_bio_pair(&x, 1 << 16, &y, 1 << 16))
		die("no memory");
	SSL_set_bio(mine, x, x);
	SSL_set_bio(other, y, y);
	for (i = 0; i < 4 && !(a && b); i++) {
		step(SSL_is_server(mine) ? other : mine,
		    SSL_is_server(mine) ? &b : &a,
		    SSL_is_server(mine) ? &theirs : &ours);
		step(SSL_is_server(mine) ? mine : other,
		    SSL_is_server(mine) ? &a : &b,
		    SSL_is_server(mine) ? &ours : &theirs);
	}
	if (!a || !b)
		die("a handshake failed");
	step(mine, &a, &ours);
	step(other, &b, &theirs);
}

static void
over(SSL *ssl)
{
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
}

static void
do_accept(int resume)
{
	SSL *mine, *other = SSL_new(visitor);
	double from = cpu();

	mine = tls_accept(t, 0, leaf, NULL, 0);
	ours += cpu() - from;
	SSL_set_connect_state(other);
	if (resume && ticket != NULL)
		SSL_set_session(other, ticket);
	shake(mine, other);
	if (resume) {
		SSL_SESSION_free(ticket);
		ticket = SSL_get1_session(other);
	}
	over(other);
	from = cpu();
	tls_end(mine);
	ours += cpu() - from;
}

/* The hello of a client of its kind, as it is when it is sent. */
static uint8_t *
client_hello(void)
{
	SSL *ssl = SSL_new(visitor);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t *msg;
	char *p;
	long len;

	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	len = BIO_get_mem_data(out, &p);
	msg = xmemdup(p + 5, (size_t)len - 5);	/* one record */
	SSL_free(ssl);
	ERR_clear_error();
	return msg;
}

static void
connect_as(int resume, const uint8_t *hello, const char *ja4)
{
	static unsigned int n;
	struct tls_want w = { .sni = "www.example.com", .hello = hello,
	    .ja4 = ja4, .how = TLS_HELLO_CLIENT };
	double from = cpu();
	SSL *mine, *other;

	/* Another port is another server to the session cache. */
	addr_parse(&w.server, "192.0.2.1:443");
	if (!resume)
		addr_set_port(&w.server, (uint16_t)++n);
	mine = tls_connect(t, &w);
	ours += cpu() - from;
	other = SSL_new(origin);
	SSL_set_accept_state(other);
	shake(mine, other);
	if (tls_verdict(mine, NULL) != VERIFY_OK)
		die("the origin was not verified");
	over(other);
	from = cpu();
	tls_end(mine);
	ours += cpu() - from;
}

static void
do_connect(int resume)
{
	connect_as(resume, NULL, NULL);
}

static void
do_connect_client(int resume)
{
	connect_as(resume, visitors, NULL);
}

static void
do_connect_told(int resume)
{
	connect_as(resume, visitors, "t13d301000_000000000000_000000000000");
}

static void
do_stock_accept(int resume)
{
	double from = cpu();
	SSL *mine = SSL_new(stock_server), *other;

	SSL_set_accept_state(mine);
	ours += cpu() - from;
	other = SSL_new(visitor);
	SSL_set_connect_state(other);
	shake(mine, other);
	over(other);
	from = cpu();
	over(mine);
	ours += cpu() - from;
}

static void
do_stock_connect(int resume)
{
	double from = cpu();
	SSL *mine = SSL_new(stock_client), *other;

	intern_enable(0);
	SSL_set_connect_state(mine);
	SSL_set_tlsext_host_name(mine, "www.example.com");
	SSL_set1_host(mine, "www.example.com");
	ours += cpu() - from;
	other = SSL_new(origin);
	SSL_set_accept_state(other);
	shake(mine, other);
	intern_enable(1);
	over(other);
	from = cpu();
	over(mine);
	ours += cpu() - from;
}

static void
told(void *arg, struct leaf *l, int cached)
{
	*(struct leaf **)arg = l;
}

static struct event_base	*base;
static struct mailbox		*box;

static struct leaf *
fetch(const struct leaf_want *w)
{
	struct leaf_wait *wait;
	struct leaf *l, *later = NULL;

	l = leaf_get(tls_leafs(t), w, box, told, &later, &wait);
	while (l == NULL && later == NULL)
		event_base_loop(base, EVLOOP_ONCE);
	return l != NULL ? l : later;
}

static void
do_hit(int resume)
{
	struct leaf_want w = { .original = origin_cert };
	double from = cpu();

	leaf_unref(fetch(&w));
	ours += cpu() - from;
}

static void
do_forge(int resume)
{
	static unsigned int n;
	char name[32];
	struct leaf_want w = { .name = name };
	double from = cpu();

	snprintf(name, sizeof(name), "n%u.example", n++);
	leaf_unref(fetch(&w));
	ours += cpu() - from;
}

static X509 *
certificate(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by, int ca)
{
	X509 *x = X509_new();
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)rand() + 1);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(
	    issuer != NULL ? issuer : x));
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 90 * 86400);
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, issuer != NULL ? issuer : x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, ca ? NID_basic_constraints :
	    NID_subject_alt_name, ca ? "critical,CA:TRUE" :
	    "DNS:www.example.com");
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	X509_sign(x, by, EVP_sha256());
	return x;
}

static char *
to_file(const char *dir, const char *name, X509 *x, EVP_PKEY *key)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	if (x != NULL)
		PEM_write_X509(f, x);
	else
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	return path;
}

static void
setup(int version)
{
	struct tls_profile p = { { version, version }, { version, version } };
	struct authority *authority;
	struct tls_options o = { .profiles = &p, .nprofiles = 1,
	    .authorities = &authority, .nauthorities = 1 };
	struct authority_files files = { 0 };
	EVP_PKEY *rk = EVP_EC_gen("P-256"), *ik = EVP_EC_gen("P-256"),
	    *lk = EVP_EC_gen("P-256");
	X509 *root = certificate("Root", rk, NULL, rk, 1),
	    *inter = certificate("Intermediate", ik, root, rk, 1);
	char dir[] = "/tmp/clearspan-hs-XXXXXX", *cmd;
	struct text errors = { 0 };
	struct leaf_want w = { 0 };

	if (mkdtemp(dir) == NULL)
		die("/tmp");
	origin_cert = certificate("www.example.com", lk, inter, ik, 0);
	files.cert = o.trust = to_file(dir, "ca.pem", root, NULL);
	files.key = to_file(dir, "ca.key", NULL, rk);
	if (authority_load(&files, &authority, &errors) != 0 ||
	    tls_new(&o, &t, &errors) != 0)
		die(errors.s);
	authority_free(authority);
	cmd = xasprintf("rm -r %s", dir);
	if (system(cmd) != 0)
		die(cmd);
	origin = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(origin, origin_cert);
	SSL_CTX_use_PrivateKey(origin, lk);
	SSL_CTX_add1_chain_cert(origin, inter);
	visitor = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(visitor, SSL_SESS_CACHE_OFF);
	stock_server = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(stock_server, origin_cert);
	SSL_CTX_use_PrivateKey(stock_server, lk);
	SSL_CTX_add1_chain_cert(stock_server, inter);
	stock_client = SSL_CTX_new(TLS_client_method());
	X509_STORE_add_cert(SSL_CTX_get_cert_store(stock_client), root);
	SSL_CTX_set_verify(stock_client, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_proto_version(stock_client, version);
	SSL_CTX_set_max_proto_version(stock_server, version);
	w.original = origin_cert;
	leaf = fetch(&w);
	free(visitors);
	SSL_CTX_set_max_proto_version(visitor, version);
	visitors = client_hello();
}

static void
measure(const char *version, int rounds, int turns, const char *only)
{
	static const struct {
		const char	*what;
		void		(*run)(int);
		int		 resume;
	} cases[] = {
		{ "accept", do_accept, 0 },
		{ "stock-accept", do_stock_accept, 0 },
		{ "connect", do_connect, 0 },
		{ "connect-client", do_connect_client, 0 },
		{ "connect-told", do_connect_told, 0 },
		{ "stock-connect", do_stock_connect, 0 },
		{ "accept-resumed", do_accept, 1 },
		{ "connect-resumed", do_connect, 1 },
		{ "client-resumed", do_connect_client, 1 },
		{ "leaf-hit", do_hit, 0 },
		{ "leaf-forged", do_forge, 0 },
	};
	double best[NELEM(cases)];
	size_t c;
	int i, turn;

	for (turn = 0; turn < turns; turn++)
		for (c = 0; c < NELEM(cases); c++) {
			if (only != NULL && strcmp(only, cases[c].what) != 0)
				continue;
			cases[c].run(cases[c].resume);
			ours = theirs = 0;
			for (i = 0; i < rounds; i++)
				cases[c].run(cases[c].resume);
			if (turn == 0 || ours < best[c])
				best[c] = ours;
		}
	for (c = 0; c < NELEM(cases); c++)
		if (only == NULL || strcmp(only, cases[c].what) == 0)
			printf("%s %-16s %7.1f us\n", version,
			    cases[c].what, best[c] / rounds * 1e6);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 500;
	int turns = argc > 2 ? atoi(argv[2]) : 5;
	const char *only = argc > 3 ? argv[3] : NULL;

	base = event_base_new();
	box = mailbox_new(base);
	setup(TLS1_3_VERSION);
	measure("1.3", rounds, turns, only);
	SSL_SESSION_free(ticket);
	ticket = NULL;
	setup(TLS1_2_VERSION);
	measure("1.2", rounds, turns, only);
	return 0;
}
