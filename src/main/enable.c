/*
 * `clearspan transparent enable`, `disable` and `status`. A systemd unit that
 * calls `transparent up` restores the rules after a reboot; status shows the
 * present state. The whole unit is written here, because its command has the
 * options.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/cmd.h"
#include "main/tproxy.h"
#include "util/err.h"
#include "util/text.h"

#define UNIT		"clearspan-transparent.service"
#define UNITS		"/etc/systemd/system"
#define UNIT_PATH	UNITS "/" UNIT
#define WANTED		UNITS "/sysinit.target.wants/" UNIT
#define BOOTED		"/run/systemd/system"	/* sd_booted(3) */

/*
 * The unit is ordered like nftables.service, but after it, because that flushes
 * all rules; and before the network, so that nothing is forwarded without them.
 * It does not conflict with shutdown.target, so the rules stay until the
 * machine is off.
 */
static const char head[] =
"# Made by \"clearspan transparent enable\"; removed by \"clearspan\n"
"# transparent disable\".\n"
"[Unit]\n"
"Description=Packet rules that bring traffic to Clearspan\n"
"Documentation=man:clearspan(8)\n"
"DefaultDependencies=no\n"
"Wants=network-pre.target\n"
"After=local-fs.target systemd-modules-load.service systemd-sysctl.service\n"
"After=nftables.service\n"
"Before=network-pre.target clearspan.service\n"
"\n"
"[Service]\n"
"Type=oneshot\n"
"RemainAfterExit=yes\n";
static const char tail[] =
"\n"
"[Install]\n"
"WantedBy=sysinit.target\n";

/* Our own path, if a unit can have it without quoting. */
static int
own_path(char *path, size_t cap)
{
	ssize_t n = readlink("/proc/self/exe", path, cap - 1);

	if (n <= 0)
		return ERR_SYS;
	path[n] = '\0';
	return strpbrk(path, " \t\n\"'\\%$;") == NULL ? 0 : ERR_USAGE;
}

static void
options_text(const struct tproxy *t, struct text *out)
{
	text_puts(out, "--in ");
	tproxy_plain(t->ifaces, out);
	text_puts(out, " --ports ");
	tproxy_plain(t->ports[0] != '\0' ? t->ports : "all", out);
	text_printf(out, " --port %u --when-down %s%s%s", t->port,
	    t->when_down == TPROXY_PASS ? "pass" : "reject",
	    t->quic == TPROXY_QUIC_PORTS ? " --block-quic" :
	    t->quic == TPROXY_QUIC_PASS ? " --pass-quic" : "",
	    t->dns ? " --dns" : "");
}

/* Write the file whole or not at all: systemd may read it at any time. */
static int
unit_write(const struct text *unit)
{
	static const char temp[] = UNIT_PATH ".new";
	FILE *f;
	int bad;

	if ((f = fopen(temp, "we")) == NULL)
		return ERR_SYS;
	bad = fputs(unit->s, f) == EOF || fflush(f) != 0 ||
	    fsync(fileno(f)) != 0 || fchmod(fileno(f), 0644) != 0;
	bad |= fclose(f) != 0;
	if (bad || rename(temp, UNIT_PATH) != 0) {
		unlink(temp);
		return ERR_SYS;
	}
	return 0;
}

int
transparent_enable(const struct tproxy *t)
{
	struct text unit = { 0 }, options = { 0 };
	char path[PATH_MAX];
	int rv = EXIT_FAILED;

	if (own_path(path, sizeof(path)) != 0) {
		fprintf(stderr, "clearspan: transparent: a unit cannot have "
		    "the path of this program; run \"make install\" first\n");
		return EXIT_FAILED;
	}
	options_text(t, &options);
	text_printf(&unit, "%sExecStart=%s transparent up --confirm "
	    "--forwarding %s\nExecStop=%s transparent down\n%s", head, path,
	    options.s, path, tail);
	if (unit_write(&unit) != 0)
		fprintf(stderr, "clearspan: transparent: %s: %s\n", UNIT_PATH,
		    strerror(errno));
	else if (tproxy_run("systemctl --quiet enable " UNIT) == 0)
		rv = EXIT_DONE;
	if (rv == EXIT_DONE)
		printf("At each boot from now on: %s\n"
		    "The unit is %s. The present rules have not changed; "
		    "\"clearspan transparent status\" shows them.\n",
		    options.s, UNIT_PATH);
	text_free(&unit);
	text_free(&options);
	return rv;
}

int
transparent_disable(void)
{
	if (access(UNIT_PATH, F_OK) != 0) {
		printf("It was not enabled.\n");
		return EXIT_DONE;
	}
	if (tproxy_run("systemctl --quiet disable " UNIT) != 0)
		return EXIT_FAILED;
	if (unlink(UNIT_PATH) != 0) {
		fprintf(stderr, "clearspan: transparent: %s: %s\n", UNIT_PATH,
		    strerror(errno));
		return EXIT_FAILED;
	}
	if (access(BOOTED, F_OK) == 0 &&
	    tproxy_run("systemctl --quiet daemon-reload") != 0)
		return EXIT_FAILED;
	printf("The next boot will not set the rules. Those in place stay "
	    "until \"clearspan transparent down\".\n");
	return EXIT_DONE;
}

/* Show the options of the unit's command as they were written. */
static void
boot_status(void)
{
	FILE *f = access(WANTED, F_OK) == 0 ? fopen(UNIT_PATH, "re") : NULL;
	char line[2048], *s = NULL;

	while (f != NULL && s == NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "ExecStart=", 10) == 0)
			s = strstr(line, "--in ");
	if (s != NULL)
		s[strcspn(s, "\n")] = '\0';
	printf("over a reboot: %s%s\n", f == NULL ? "disabled" : "enabled, ",
	    f == NULL ? "" : s == NULL ? "by another command" : s);
	if (f != NULL)
		fclose(f);
}

static void
say_list(const char *what, const char *nft)
{
	struct text list = { 0 };

	tproxy_plain(nft, &list);
	printf("%s: %s\n", what, list.len > 0 ? list.s : "all");
	text_free(&list);
}

int
transparent_status(void)
{
	struct text missing = { 0 };
	struct tproxy t;
	int heard, dns, rv = EXIT_FAILED;

	if (tproxy_read(&t) != 0) {
		printf("rules: none%s\n", geteuid() == 0 ? "" :
		    " that may be read: it needs root");
		boot_status();
		return EXIT_FAILED;
	}
	heard = tproxy_listens(&t);
	dns = tproxy_hears_dns(&t);
	tproxy_missing(&t, &missing);
	printf("rules: in place\n");
	say_list("in", t.ifaces);
	if (missing.len > 0)
		printf("missing interfaces: %s\n", missing.s);
	say_list("ports", t.ports);
	printf("listener: port %u, %s\n", t.port, heard ? "is there" :
	    "NOTHING LISTENS THERE");
	if (t.dns)
		printf("dns: %s\n", dns ? "udp 53, is taken" :
		    "udp 53, NOBODY TAKES IT THERE");
	printf("when down: %s\n", t.when_down == TPROXY_PASS ? "pass" :
	    "reject");
	printf("now: connections %s\n", heard ? "go to the listener" :
	    tproxy_fate(&t));
	boot_status();
	if (t.dns && heard && !dns)
		printf("now: queries of DNS %s\n", tproxy_dns_fate(&t));
	if (heard && missing.len == 0 && (dns || !t.dns))
		rv = EXIT_DONE;
	text_free(&missing);
	return rv;
}
