/*
 * `clearspan quickstart`: a proxy and a live capture without a configuration
 * file. It writes a configuration as text and runs it as `run` does.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "main/cmd.h"
#include "main/daemon.h"
#include "tls/ca.h"
#include "util/addr.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/text.h"

#define SOCKET_FILE	"control.sock"

struct quick {
	const char	*listen;
	const char	*pcapip;
	const char	*pcap;		/* or NULL */
	json_t		*trust;		/* paths, for trust-also */
	char		*dir;
	char		*fingerprint;
};

/*
 * The configuration as JSON, which is YAML too. Ports are mapped, so that
 * readers know the decrypted protocol by its port. NULL: not UTF-8.
 */
static char *
quick_text(const struct quick *q)
{
	json_t *c = json_pack("{s:{s:o,s:o}, s:{s:O}, s:[{s:s,s:s,s:s}],"
	    "s:[{s:s,s:s,s:s}], s:[{s:s,s:s,s:[s]}], s:{s:o},"
	    "s:{s:[s],s:o}, s:{s:i}}",
	    "ca", "certificate", json_sprintf("%s/" CA_CERT_FILE, q->dir),
	    "key", json_sprintf("%s/" CA_KEY_FILE, q->dir),
	    "upstream", "trust-also", q->trust,
	    "listen", "name", "proxy", "mode", "explicit", "address",
	    q->listen,
	    "mirrors", "name", "live", "ports", "map", "pcap-over-ip",
	    q->pcapip,
	    "rules", "name", "default", "action", "decrypt", "mirror", "live",
	    "control", "socket", json_sprintf("%s/" SOCKET_FILE, q->dir),
	    "log", "events", "flow", "file",
	    json_sprintf("%s/eve.json", q->dir),
	    "limits", "connections", 4000);
	char *text = NULL;
	int bad = c == NULL;

	if (!bad && q->pcap != NULL) {
		bad = json_array_append_new(json_object_get(c, "mirrors"),
		    json_pack("{s:s,s:s,s:s}", "name", "disk", "ports", "map",
		    "pcap", q->pcap));
		json_array_append_new(json_object_get(json_array_get(
		    json_object_get(c, "rules"), 0), "mirror"),
		    json_string("disk"));
	}
	if (!bad)
		text = json_dumps(c, JSON_INDENT(1));
	json_decref(c);
	return text;
}

/* Load or create the CA, and get its fingerprint. */
static int
quick_ca(struct quick *q, struct text *why)
{
	char *path = xasprintf("%s/" CA_CERT_FILE, q->dir);
	struct text hex = { 0 };
	uint8_t sum[32];
	X509 *x = NULL;
	int rv = 0;

	if (ca_half(q->dir, why))
		rv = ERR_USAGE;
	else if (access(path, F_OK) != 0)
		rv = ca_create(q->dir, NULL, why);
	if (rv == 0 && (x = ca_read_cert("ca", path, why)) == NULL)
		rv = ERR_USAGE;
	if (x != NULL && X509_digest(x, EVP_sha256(), sum, NULL) == 1) {
		text_hex(&hex, sum, sizeof(sum), ":");
		q->fingerprint = text_take(&hex);
	}
	X509_free(x);
	free(path);
	return rv;
}

/* The likeliest trouble is a port in use: name the option that helps. */
static int
quick_port(const char *option, const char *text, struct text *why)
{
	struct addr a;
	int fd, on = 1, err;

	if (addr_parse(&a, text) != 0) {
		text_printf(why, "%s %s: give an address and a port, like "
		    "127.0.0.1:8080 or [::1]:8080", option, text);
		return ERR_USAGE;
	}
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	err = bind(fd, &a.sa, addr_len(&a)) != 0 ? errno : 0;
	close(fd);
	if (err == 0)
		return 0;
	text_printf(why, "cannot listen on %s: %s: choose another with "
	    "%s ADDR:PORT", text, strerror(err), option);
	return ERR_SYS;
}

/* A directory has the socket, CA and log of one daemon. */
static int
quick_alone(const struct quick *q, struct text *why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n, rv = -1;

	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/" SOCKET_FILE,
	    q->dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && n < (int)sizeof(sun.sun_path))
		rv = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	if (fd >= 0)
		close(fd);
	if (rv != 0)
		return 0;
	text_printf(why, "another quickstart runs in %s: give this one a "
	    "directory of its own with --dir DIR", q->dir);
	return ERR_DENIED;
}

/* Quote a text so that a shell takes it as one word. */
static void
shell_word(struct text *t, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789/._-+:@%,";

	if (s[strspn(s, plain)] == '\0') {
		text_puts(t, s);
		return;
	}
	text_puts(t, "'");
	for (; *s != '\0'; s++)
		if (*s == '\'')
			text_puts(t, "'\\''");
		else
			text_add(t, s, 1);
	text_puts(t, "'");
}

static void
quick_intro(void *arg)
{
	const struct quick *q = arg;
	char *path = xasprintf("%s/" CA_CERT_FILE, q->dir);
	struct text ca = { 0 };

	shell_word(&ca, path);
	free(path);

	printf("\nCA:       %s/" CA_CERT_FILE "\n"
	    "SHA-256:  %s\n"
	    "events:   %s/eve.json\n\n"
	    "Through the proxy, trusting that CA:\n"
	    "  curl --proxy http://%s --cacert %s https://example.com/\n"
	    "What passes, decrypted, as it happens:\n"
	    "  tshark -i TCP@%s -Y http\n"
	    "The CA to install in a browser or a device, and how:\n"
	    "  http://%s/\n\nCtrl-C ends it.\n",
	    q->dir, q->fingerprint, q->dir, q->listen, ca.s, q->pcapip,
	    q->listen);
	fflush(stdout);
	text_free(&ca);
}

static int
quick_run(struct quick *q)
{
	struct text why = { 0 };
	struct conf *c = NULL;
	char *text = NULL;
	int rv, status;

	if ((rv = quick_port("--listen", q->listen, &why)) == 0 &&
	    (rv = quick_port("--pcap-over-ip", q->pcapip, &why)) == 0 &&
	    (rv = quick_alone(q, &why)) == 0 &&
	    (rv = quick_ca(q, &why)) == 0) {
		rv = ERR_USAGE;
		if ((text = quick_text(q)) == NULL)
			text_puts(&why, "paths must be UTF-8 text");
		else
			rv = conf_parse(CONF_BUILT_IN, text, strlen(text), &c,
			    &why);
	}
	if (rv == 0) {
		status = daemon_run(c, quick_intro, q);
	} else {
		fprintf(stderr, "clearspan: quickstart: %s\n", why.s);
		status = rv == ERR_USAGE ? EXIT_WRONG : EXIT_FAILED;
	}
	conf_unref(c);
	free(text);
	text_free(&why);
	return status;
}

/* Make the path absolute: it must not depend on the working directory. */
static char *
quick_dir(const char *dir)
{
	char *here, *abs;

	if (dir == NULL)
		return cmd_default_dir();
	if (dir[0] == '/' || (here = getcwd(NULL, 0)) == NULL)
		return xstrdup(dir);
	abs = xasprintf("%s/%s", here, dir);
	free(here);
	return abs;
}

/* Returns 0, or an errno. */
static int
quick_trust(struct quick *q, const char *path)
{
	char *abs = quick_dir(path);
	int err = access(path, R_OK) != 0 ? errno : 0;

	if (json_array_append_new(q->trust, json_string(abs)) != 0)
		err = EILSEQ;		/* not UTF-8 */
	free(abs);
	return err;
}

/* Read the options. EXIT_DONE, or EXIT_WRONG after reporting why. */
static int
quick_options(struct quick *q, const char **dir, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "pcap-over-ip", required_argument, NULL, 'o' },
		{ "pcap", required_argument, NULL, 'p' },
		{ "dir", required_argument, NULL, 'd' },
		{ "trust", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 }
	};
	int ch, err;

	opterr = 0;
	while ((ch = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (ch == '?')
			return cmd_usage(argv[0], "unknown option, or its "
			    "argument is missing");
		if (ch == 't' && (err = quick_trust(q, optarg)) != 0)
			return cmd_usage(argv[0], "--trust %s: %s", optarg,
			    strerror(err));
		if (ch == 'd')
			*dir = optarg;
		else if (ch != 't')
			*(ch == 'l' ? &q->listen : ch == 'o' ? &q->pcapip :
			    &q->pcap) = optarg;
	}
	if (optind != argc)
		return cmd_usage(argv[0], "unexpected argument \"%s\"",
		    argv[optind]);
	return EXIT_DONE;
}

int
cmd_quickstart(int argc, char **argv)
{
	struct quick q = { .listen = "127.0.0.1:8080",
	    .pcapip = "127.0.0.1:57012", .trust = json_array() };
	const char *dir = NULL;
	int status;

	status = quick_options(&q, &dir, argc, argv);
	if (status == EXIT_DONE) {
		q.dir = quick_dir(dir);
		status = quick_run(&q);
	}
	free(q.dir);
	free(q.fingerprint);
	json_decref(q.trust);
	return status;
}
