/*
 * clearspan ca: create a CA, show it, export it in the form a device takes. The
 * verbs csr and renew are in ca_again.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "main/cmd.h"
#include "tls/ca.h"
#include "tls/caform.h"
#include "tls/certinfo.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

struct args {
	char		*dir;
	struct ca_want	 want;
	const char	*format, *out;
	const char	*password_file;	/* the key is wanted too */
};

/* 1; 0 if OpenSSL fails; -1 if something else failed and was reported. */
typedef int (*ca_format)(const struct args *, X509 *, EVP_PKEY *, BIO *);

int
ca_half(const char *dir, struct text *why)
{
	char *cert = xasprintf("%s/" CA_CERT_FILE, dir);
	char *key = xasprintf("%s/" CA_KEY_FILE, dir);
	int has_cert = access(cert, F_OK) == 0;
	int has_key = access(key, F_OK) == 0;

	if (has_cert != has_key)
		text_printf(why, "%s has %s without %s; add the missing file, "
		    "or move the other away for a new CA", dir,
		    has_cert ? CA_CERT_FILE : CA_KEY_FILE,
		    has_cert ? CA_KEY_FILE : CA_CERT_FILE);
	free(cert);
	free(key);
	return has_cert != has_key;
}

static int
ca_create_as(const char *dir, const struct ca_want *want, struct text *why)
{
	EVP_PKEY *key;
	X509 *cert;
	int rv;

	if ((rv = ca_make(want, &cert, &key)) != 0) {
		text_puts(why, rv == ERR_USAGE ? "the key can be p-256, p-384, "
		    "ed25519, rsa:2048, rsa:3072 or rsa:4096" :
		    "OpenSSL cannot make it; is the name longer than 64 "
		    "letters, or the subject not as O=Example,CN=Gateway?");
		return rv;
	}
	rv = ca_write(dir, cert, key);
	if (rv == ERR_SYS && errno == EEXIST) {
		if (!ca_half(dir, why))
			text_printf(why, "%s already has a CA ("
			    CA_CERT_FILE ", " CA_KEY_FILE "); nothing was "
			    "changed", dir);
		rv = ERR_DENIED;
	} else if (rv != 0) {
		text_printf(why, "%s: %s", dir, err_str(rv));
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return rv;
}

int
ca_create(const char *dir, const char *key, struct text *why)
{
	struct ca_want want = { .key = key };

	return ca_create_as(dir, &want, why);
}

static X509 *
ca_read(const char *dir, struct text *why)
{
	char *path = xasprintf("%s/" CA_CERT_FILE, dir);
	X509 *x = ca_read_cert("ca", path, why);

	if (x == NULL && access(path, F_OK) != 0 && errno == ENOENT)
		text_printf(why, "make one with: clearspan ca create --dir "
		    "%s\n", dir);
	free(path);
	return x;
}

static int
ca_show(const struct args *a)
{
	struct text t = { 0 };
	X509 *x = ca_read(a->dir, &t);
	struct certinfo *info;
	EVP_PKEY *key;
	long left;

	if (x == NULL) {
		fputs(t.s, stderr);
		text_free(&t);
		return EXIT_FAILED;
	}
	info = certinfo_of(x, 1);
	key = X509_get0_pubkey(x);
	caform_fingerprint(x, &t);
	left = (long)((ca_time(X509_get0_notAfter(x)) - time(NULL)) / 86400);
	printf("certificate:  %s/" CA_CERT_FILE "\n"
	    "subject:      %s\nkey:          %s, %d bits\n"
	    "serial:       %s\nvalid from:   %sZ\nvalid until:  %sZ (%s%ld "
	    "days)\nSHA-256:      %s\n", a->dir, info->subject,
	    key != NULL ? EVP_PKEY_get0_type_name(key) : "unknown",
	    key != NULL ? EVP_PKEY_get_bits(key) : 0, info->serial,
	    info->notbefore, info->notafter, left < 0 ? "expired, " : "", left,
	    t.s);
	certinfo_unref(info);
	text_free(&t);
	X509_free(x);
	if (fflush(stdout) == 0)
		return EXIT_DONE;
	fprintf(stderr, "clearspan: ca: stdout: %s\n", strerror(errno));
	return EXIT_FAILED;
}

static int
ca_create_cmd(const struct args *a)
{
	struct text why = { 0 };
	int rv = ca_create_as(a->dir, &a->want, &why);

	if (rv != 0) {
		fprintf(stderr, "clearspan: ca create: %s\n", why.s);
		text_free(&why);
		return rv == ERR_USAGE ? EXIT_WRONG : EXIT_FAILED;
	}
	text_free(&why);
	printf("key:          %s/" CA_KEY_FILE "\n", a->dir);
	return ca_show(a);
}

/* The first line of a file. If there is none, report it and return NULL. */
static char *
password_of(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256] = "";

	if (f == NULL) {
		fprintf(stderr, "clearspan: ca export: %s: %s\n", path,
		    strerror(errno));
		return NULL;
	}
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] != '\0')
		return xstrdup(line);
	fprintf(stderr, "clearspan: ca export: %s: no password in its first "
	    "line\n", path);
	return NULL;
}

static int
format_plain(const struct args *a, X509 *x, EVP_PKEY *key, BIO *out)
{
	return caform_write(a->format, x, out);
}

static int
format_p12(const struct args *a, X509 *x, EVP_PKEY *key, BIO *out)
{
	char *pass;
	int ok;

	if (key == NULL)
		return caform_write("p12", x, out);
	if ((pass = password_of(a->password_file)) == NULL)
		return -1;
	ok = caform_p12(x, key, pass, out);
	OPENSSL_cleanse(pass, strlen(pass));
	free(pass);
	return ok;
}

static const struct {
	const char	*name;
	ca_format	 write;
} formats[] = {
	{ "pem", format_plain },
	{ "der", format_plain },
	{ "p12", format_p12 },
	{ "mobileconfig", format_plain },
};

/* Write to the file or to stdout; if it has the key, only to a new file. */
static int
ca_put(const struct args *a, BIO *bio)
{
	int secret = a->password_file != NULL, fd = STDOUT_FILENO, ok;
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	if (a->out != NULL)
		fd = open(a->out, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
		    (secret ? O_EXCL : O_TRUNC), secret ? 0600 : 0644);
	ok = fd != -1 && write(fd, data, (size_t)n) == n;
	if (!ok)
		fprintf(stderr, "clearspan: ca export: %s: %s\n",
		    a->out != NULL ? a->out : "stdout", strerror(errno));
	if (fd > STDERR_FILENO)
		close(fd);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

static int
ca_export(const struct args *a, ca_format write_it)
{
	struct text why = { 0 };
	char *keypath = xasprintf("%s/" CA_KEY_FILE, a->dir);
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *key = NULL;
	X509 *x = ca_read(a->dir, &why);
	int rv = EXIT_FAILED, ok;

	if (x != NULL && a->password_file != NULL)
		key = ca_read_key("ca", keypath, &why);
	if (key != NULL && !X509_check_private_key(x, key))
		text_printf(&why, "ca: %s: the key does not match the "
		    "certificate beside it\n", keypath);
	if (why.len > 0)
		fputs(why.s, stderr);
	else if ((ok = write_it(a, x, key, bio)) > 0)
		rv = ca_put(a, bio);
	else if (ok == 0)
		fputs("clearspan: ca export: OpenSSL cannot write it\n",
		    stderr);
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
	free(keypath);
	text_free(&why);
	return rv;
}

static int
ca_other_cmd(const char *verb, const struct args *a)
{
	int csr = strcmp(verb, "csr") == 0;
	struct text why = { 0 };
	int rv = csr ? ca_csr(a->dir, &a->want, &why) :
	    ca_again(a->dir, &a->want, &why);

	if (rv != 0)
		fprintf(stderr, "clearspan: ca %s: %s\n", verb, why.s);
	text_free(&why);
	if (rv != 0)
		return rv == ERR_USAGE ? EXIT_WRONG : EXIT_FAILED;
	if (!csr)
		return ca_show(a);
	printf("request:      %s/ca.csr\nkey:          %s/" CA_KEY_FILE "\n"
	    "put the certificate, and those above it, into %s/" CA_CERT_FILE
	    "\n", a->dir, a->dir, a->dir);
	return EXIT_DONE;
}

static int
ca_run(const char *name, const char *verb, const struct args *a)
{
	size_t i;

	if (strcmp(verb, "csr") == 0 || strcmp(verb, "renew") == 0)
		return ca_other_cmd(verb, a);
	if (strcmp(verb, "create") == 0)
		return ca_create_cmd(a);
	if (strcmp(verb, "show") == 0)
		return ca_show(a);
	if (strcmp(verb, "export") != 0)
		return cmd_usage(name, "\"%s\" is none of create, show, "
		    "export, csr, renew", verb);
	for (i = 0; i < NELEM(formats); i++)
		if (strcmp(a->format, formats[i].name) == 0)
			break;
	if (i == NELEM(formats))
		return cmd_usage(name, "--format can be pem, der, p12 or "
		    "mobileconfig");
	if (a->password_file != NULL &&
	    (strcmp(a->format, "p12") != 0 || a->out == NULL))
		return cmd_usage(name, "--with-key needs --format p12 and "
		    "--out FILE");
	return ca_export(a, formats[i].write);
}

int
cmd_ca(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "key", required_argument, NULL, 'k' },
		{ "name", required_argument, NULL, 'n' },
		{ "subject", required_argument, NULL, 's' },
		{ "days", required_argument, NULL, 'D' },
		{ "format", required_argument, NULL, 'f' },
		{ "out", required_argument, NULL, 'o' },
		{ "with-key", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 }
	};
	const char *given[128] = { ['f'] = "pem" };
	struct args a;
	char *end = NULL;
	int opt, rv;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == '?')
			return cmd_usage(argv[0], "wrong option");
		given[opt] = optarg;
	}
	a = (struct args){
	    .want = { given['k'], given['n'], 0, given['s'] },
	    .format = given['f'], .out = given['o'],
	    .password_file = given['w'] };
	if (given['D'] != NULL) {
		a.want.days = (int)strtol(given['D'], &end, 10);
		if (*end != '\0' || a.want.days < 1 || a.want.days > 36500)
			return cmd_usage(argv[0], "--days: 1 to 36500");
	}
	if (argc - optind != 1)
		return cmd_usage(argv[0], "create, show, export, csr, renew?");
	a.dir = given['d'] != NULL ? xstrdup(given['d']) : cmd_default_dir();
	rv = ca_run(argv[0], argv[optind], &a);
	free(a.dir);
	return rv;
}
