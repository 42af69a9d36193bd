/*
 * `clearspan doctor` looks for what keeps Clearspan from working here. Each
 * check prints at least one line, even if all is well, so that the operator
 * sees what was checked. It changes nothing.
 */
#include "main/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "main/cmd.h"
#include "main/here.h"
#include "tls/ca.h"
#include "tls/own.h"
#include "util/mem.h"
#include "util/text.h"

#define DAY		86400
#define CA_SOON		(30 * DAY)	/* time to roll out a new CA */
#define OWN_DAYS	14
#define FDS_EACH	2		/* descriptors of a connection */
#define FDS_OTHER	1024		/* listeners, files, pipes, resolver */
#define CONNECTIONS	50000		/* the default of `limits:` */
#define UNIT_USER	"clearspan"	/* of etc/clearspan.service */

static void
check_caps(struct doctor *d)
{
	static const struct {
		unsigned	 cap;
		const char	*name, *what;
	} wanted[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN",
		    "TPROXY, clients' own addresses" },
		{ CAP_NET_RAW, "CAP_NET_RAW", "mirror ports" },
		{ CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE",
		    "ports below 1024" },
	};
	size_t i;

	for (i = 0; i < NELEM(wanted); i++)
		if (doctor_has_cap(wanted[i].cap))
			doctor_say(d, FIND_OK, "privileges", NULL, "we have %s",
			    wanted[i].name);
		else
			doctor_say(d, FIND_WARN, "privileges",
			    "run as root, or by etc/clearspan.service",
			    "%s is missing, and with it: %s", wanted[i].name,
			    wanted[i].what);
}

static void
check_user(struct doctor *d)
{
	char mend[256];

	if (d->conf == NULL || d->conf->user == NULL)
		return;
	snprintf(mend, sizeof(mend), "useradd --system --home-dir "
	    "/var/lib/clearspan --shell /usr/sbin/nologin %s", d->conf->user);
	if (getpwnam(d->conf->user) != NULL)
		doctor_say(d, FIND_OK, "user", NULL, "%s exists",
		    d->conf->user);
	else
		doctor_say(d, FIND_FAIL, "user", mend, "there is no user %s",
		    d->conf->user);
}

static void
check_descriptors(struct doctor *d)
{
	uint64_t each = FDS_EACH + 2 * (d->conf != NULL ?
	    conf_hops(d->conf) : 0);
	uint64_t want = FDS_OTHER + each *
	    (d->conf != NULL ? d->conf->limits.connections : CONNECTIONS);
	int64_t nr_open = doctor_number("/proc/sys/fs/nr_open");
	struct rlimit now = { 0 };
	char mend[128];

	getrlimit(RLIMIT_NOFILE, &now);
	if (doctor_has_cap(CAP_SYS_RESOURCE) && nr_open > (int64_t)now.rlim_max)
		now.rlim_max = (rlim_t)nr_open;	/* raised at start */
	snprintf(mend, sizeof(mend), "ulimit -Hn %" PRIu64 " as root, or "
	    "LimitNOFILE=%" PRIu64 " in the unit", want, want);
	doctor_say(d, now.rlim_max < want ? FIND_FAIL : FIND_OK, "descriptors",
	    mend, "`limits: connections` needs %" PRIu64 ", the limit is %"
	    PRIu64, want, (uint64_t)now.rlim_max);
}

static void
check_conntrack(struct doctor *d)
{
	int64_t max = doctor_number("/proc/sys/net/netfilter/nf_conntrack_max");
	int64_t n = doctor_number("/proc/sys/net/netfilter/nf_conntrack_count");
	int64_t want = 2 * (int64_t)(d->conf != NULL ?
	    d->conf->limits.connections : CONNECTIONS);
	char mend[96];

	if (max < 0) {
		doctor_say(d, FIND_OK, "conntrack", NULL, "not in use here");
		return;
	}
	snprintf(mend, sizeof(mend), "sysctl -w net.netfilter."
	    "nf_conntrack_max=%" PRId64, want > 2 * max ? want : 2 * max);
	if (n * 10 > max * 9)
		doctor_say(d, FIND_FAIL, "conntrack", mend, "%" PRId64 " of %"
		    PRId64 " entries in use: new connections will be lost",
		    n, max);
	else
		doctor_say(d, max < want ? FIND_WARN : FIND_OK, "conntrack",
		    mend, "room for %" PRId64 ", two for each connection are %"
		    PRId64, max, want);
}

/*
 * A CA file that exists but that we may not read needs no new CA. Root may read
 * everything; but the unit in etc/ starts as its own user, who may not.
 */
static int
ca_closed(struct doctor *d, const char *what, const char *path)
{
	int closed = here_may(NULL, path, R_OK) == EACCES;
	struct text mend = { 0 };
	char *user;

	if (!closed && (d->conf->user != NULL || geteuid() != 0 ||
	    getpwnam(UNIT_USER) == NULL ||
	    here_may(UNIT_USER, path, R_OK) != EACCES))
		return 0;
	user = closed ? here_user(d->conf) : xstrdup(UNIT_USER);
	here_mend_read(user, path, &mend);
	doctor_say(d, closed ? FIND_FAIL : FIND_WARN, what, mend.s,
	    "the user %s may not read %s%s", user, path, closed ? "" :
	    ", as clearspan.service has to");
	text_free(&mend);
	free(user);
	return closed;
}

/* If a CA does not load, ca_load() has the words for it. */
static void
check_ca(struct doctor *d, const char *what, const char *cert, const char *key,
    int trusted)
{
	struct text errors = { 0 };
	struct ca *ca = NULL;
	struct stat st;
	char mend[512], *dir;
	time_t left;
	int closed;

	if (cert == NULL || key == NULL)
		return;
	closed = ca_closed(d, what, cert);
	closed |= ca_closed(d, what, key);
	if (closed)
		return;
	dir = xdirname(cert);
	if (trusted)
		snprintf(mend, sizeof(mend), "move the old files away; then "
		    "clearspan ca create --dir %s makes a new CA, which "
		    "clients must trust", dir);
	else
		snprintf(mend, sizeof(mend), "take the two keys out; then a CA "
		    "is made in memory at each start");
	free(dir);
	if (ca_load(what, cert, key, &ca, &errors) != 0) {
		errors.s[strcspn(errors.s, "\n")] = '\0';
		doctor_say(d, FIND_FAIL, what, mend, "%s", errors.s);
		text_free(&errors);
		return;
	}
	left = ca->notafter - time(NULL);
	doctor_say(d, left < CA_SOON ? FIND_WARN : FIND_OK, what, mend,
	    "usable for %lld more days", (long long)left / DAY);
	ca_doubts(ca->cert, &errors);
	if (errors.len > 0)
		doctor_say(d, FIND_WARN, what, mend, "%s: %s", cert, errors.s);
	snprintf(mend, sizeof(mend), "chmod 600 %s", key);
	if (stat(key, &st) == 0 && (st.st_mode & 077) != 0)
		doctor_say(d, FIND_FAIL, what, mend, "others can read the key "
		    "%s (mode %03o)", key, st.st_mode & 0777u);
	text_free(&errors);
	ca_free(ca);
}

static void
check_authority(struct doctor *d, const struct conf_ca *ca)
{
	char *what = ca->name != NULL ? xasprintf("ca %s", ca->name) :
	    xstrdup("ca");
	char *untrusted = xasprintf("untrusted %s", what);

	check_ca(d, what, ca->cert, ca->key, 1);
	check_ca(d, untrusted, ca->untrusted_cert, ca->untrusted_key, 0);
	free(what);
	free(untrusted);
}

static void
check_cas(struct doctor *d)
{
	size_t i;

	for (i = 0; d->conf != NULL && i < conf_ca_count(d->conf); i++)
		check_authority(d, conf_ca(d->conf, i));
}

/* Renewing is usually automatic, and done a month before the end. */
static void
check_own(struct doctor *d, const struct conf_own *o)
{
	struct own_files files = { o->certificate.v, o->key.v, o->key.n };
	const char *cert = o->certificate.v[0];
	struct text errors = { 0 };
	struct own *own = NULL;
	struct stat st;
	char mend[512];
	long long days;
	size_t i;

	if (own_load(&files, &own, &errors) != 0) {
		errors.s[strcspn(errors.s, "\n")] = '\0';
		doctor_say(d, FIND_FAIL, "certificate", NULL, "%s", errors.s);
	} else {
		days = (long long)(own_until(own) - time(NULL)) / DAY;
		doctor_say(d, days <= 0 ? FIND_FAIL : days < OWN_DAYS ?
		    FIND_WARN : FIND_OK, "certificate", "renew it; the files "
		    "are watched", "%s: usable for %lld more days", cert,
		    days);
	}
	for (i = 0; i < o->key.n; i++) {
		snprintf(mend, sizeof(mend), "chmod 600 %s", o->key.v[i]);
		if (stat(o->key.v[i], &st) == 0 && (st.st_mode & 07) != 0)
			doctor_say(d, FIND_FAIL, "certificate", mend,
			    "anybody can read the key %s (mode %03o)",
			    o->key.v[i], st.st_mode & 0777u);
	}
	own_free(own);
	text_free(&errors);
}

static void
check_owns(struct doctor *d)
{
	size_t i;

	for (i = 0; d->conf != NULL && i < d->conf->nowns; i++)
		check_own(d, &d->conf->owns[i]);
}

static void
check_log(struct doctor *d)
{
	struct text why = { 0 }, mend = { 0 };

	if (d->conf == NULL || d->conf->log.file == NULL)
		return;
	if (here_log(d->conf, &why, &mend) != 0)
		doctor_say(d, FIND_FAIL, "event log", mend.s, "%s: %s",
		    d->conf->log.file, why.s);
	else
		doctor_say(d, FIND_OK, "event log", NULL, "%s can be written",
		    d->conf->log.file);
	text_free(&why);
	text_free(&mend);
}

/* Certificates are dated by the clock. */
static void
check_clock(struct doctor *d)
{
	struct timex tx = { .modes = 0 };
	struct stat self;
	char text[32] = "?";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	if (stat("/proc/self/exe", &self) == 0 && now < self.st_mtime - DAY)
		doctor_say(d, FIND_FAIL, "clock", "timedatectl set-ntp true",
		    "%s UTC is before this program was installed", text);
	else if (adjtimex(&tx) == TIME_ERROR || (tx.status & STA_UNSYNC))
		doctor_say(d, FIND_WARN, "clock", "timedatectl set-ntp true",
		    "%s UTC, not synchronized", text);
	else
		doctor_say(d, FIND_OK, "clock", NULL, "%s UTC, synchronized",
		    text);
}

static void
check_names(struct doctor *d)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[512];
	int n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strncmp(line, "nameserver", 10) == 0;
	if (f != NULL)
		fclose(f);
	doctor_say(d, n > 0 ? FIND_OK : FIND_WARN, "names",
	    "name them in /etc/resolv.conf", "%d name server%s for explicit "
	    "mode", n, n == 1 ? "" : "s");
}

/* Returns 0, or -1 if a configuration was given and is not right. */
static int
load(struct doctor *d, const char *path, struct conf **c)
{
	struct text errors = { 0 };
	char mend[512];
	size_t i;

	*c = NULL;
	if (path == NULL && access(CONF_DEFAULT_PATH, F_OK) != 0) {
		doctor_say(d, FIND_OK, "configuration", NULL,
		    "none given (-c FILE), so only the system is checked");
		d->transparent = 1;
		return 0;
	}
	if (path == NULL)
		path = CONF_DEFAULT_PATH;
	snprintf(mend, sizeof(mend), "clearspan check -c %s", path);
	if (conf_load(path, c, &errors) != 0) {
		if (errors.len > 0)
			fputs(errors.s, stderr);
		doctor_say(d, FIND_FAIL, "configuration", mend,
		    "%s cannot be used, so only the system is checked", path);
		d->transparent = 1;
	} else {
		doctor_say(d, FIND_OK, "configuration", NULL, "%s", path);
		for (i = 0; i < (*c)->nlistens; i++)
			d->transparent |=
			    (*c)->listens[i].mode == CONF_TRANSPARENT;
	}
	text_free(&errors);
	d->conf = *c;
	return *c != NULL ? 0 : -1;
}

int
cmd_doctor(int argc, char **argv)
{
	static void (*const checks[])(struct doctor *) = {
		doctor_routing, check_caps, check_user, check_descriptors,
		check_conntrack, doctor_mirrors, doctor_chains, check_cas,
		check_owns,
		check_log, check_clock, check_names, doctor_notify,
	};
	struct doctor d = { 0 };
	const char *path = NULL;
	struct conf *c;
	size_t i;
	int opt;

	while ((opt = getopt(argc, argv, "c:")) != -1) {
		if (opt != 'c')
			return cmd_usage(argv[0], "unknown option");
		path = optarg;
	}
	if (optind < argc)
		return cmd_usage(argv[0], "unexpected argument \"%s\"",
		    argv[optind]);
	load(&d, path, &c);
	for (i = 0; i < NELEM(checks); i++)
		checks[i](&d);
	conf_unref(c);
	return d.fails == 0 ? EXIT_DONE : EXIT_FAILED;
}
