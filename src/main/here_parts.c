/*
 * What the parts of a configuration need from this machine: certificates that
 * can be read, mirrors that can be written to. Each part is made or checked by
 * the function that `run` uses, so that both say the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "main/here.h"
#include "icap/icap.h"
#include "sink/port.h"
#include "sink/sinks.h"
#include "tls/trust.h"
#include "util/mem.h"

#define VERDICTS	4096	/* bytes of a cache that is not used */

/* why: as the loader says it, behind the name of its key. */
static void
here_store(const struct conf *c, struct conf_pos at, const char *key,
    struct text *why, struct text *errors)
{
	const char *said;

	why->s[strcspn(why->s, "\n")] = '\0';
	said = strstr(why->s, ": ");
	here_problem(c, at, errors, key, said != NULL ? said + 2 : why->s, "");
}

static void
here_trust(const struct conf *c, struct conf_pos at, const char *key,
    const char *path, struct text *errors)
{
	struct text why = { 0 };
	struct trust *t = NULL;

	if (path == NULL || strcmp(path, "system") == 0)
		return;
	if (trust_new(path, NULL, 0, VERDICTS, &t, &why) != 0)
		here_store(c, at, key, &why, errors);
	trust_free(t);
	text_free(&why);
}

static void
here_crl(const struct conf *c, const char *path, struct text *errors)
{
	struct text why = { 0 };

	if (trust_crls_usable(path, &why) != 0)
		here_store(c, c->pos.crl, "crl", &why, errors);
	text_free(&why);
}

static void
here_port(const struct conf *c, struct conf_pos at, const char *key,
    const char *port, struct text *errors)
{
	struct text why = { 0 };

	if (port_usable(port, &why) != 0)
		here_problem(c, at, errors, key, why.s, "");
	text_free(&why);
}

/* Check the directory for the user that we are or become. One with a time in
 * its name changes, so it is skipped. */
static void
here_file(const struct conf *c, const struct conf_mirror *m,
    struct text *errors)
{
	struct text why = { 0 }, mend = { 0 };
	char *dir = xdirname(m->path);
	int err;

	if (sink_pcap_usable(m->path, &why) == 0 && strchr(dir, '%') == NULL &&
	    (err = here_may(c->user, dir, W_OK | X_OK)) != 0 &&
	    here_may(c->user, m->path, W_OK) != 0) {
		text_printf(&why, "%s: cannot write in %s: %s", m->path, dir,
		    strerror(err));
		if (c->user != NULL)
			text_printf(&mend, "chown %s %s", c->user, dir);
	}
	if (why.len > 0)
		here_problem(c, m->place, errors, "pcap", why.s,
		    mend.len > 0 ? mend.s : "");
	free(dir);
	text_free(&why);
	text_free(&mend);
}

/* The directory of captures; or the one above, or above that, where we make it
 * before we become the user. */
static void
here_history(const struct conf *c, struct text *errors)
{
	const char *dir = c->history.directory;
	char *above = xdirname(dir), *top = xdirname(above);
	struct text why = { 0 }, mend = { 0 };
	int err = here_may(c->user, dir, W_OK | X_OK);

	if (err == ENOENT)
		err = here_may(NULL, access(above, F_OK) == 0 ? above : top,
		    W_OK | X_OK);
	if (err != 0) {
		text_printf(&why, "cannot write in %s: %s", dir,
		    strerror(err));
		text_printf(&mend, "mkdir -p %s", dir);
		if (c->user != NULL)
			text_printf(&mend, " && chown %s %s", c->user, dir);
		here_problem(c, c->history.pos, errors, "directory", why.s,
		    mend.s);
	}
	text_free(&why);
	text_free(&mend);
	free(above);
	free(top);
}

static void
here_service(const struct conf *c, const struct conf_icap *i,
    struct text *errors)
{
	struct icap_service *s = NULL;
	struct text why = { 0 };

	if (icap_service_new(i, &s, &why) != 0)
		here_problem(c, i->pos, errors, i->name, why.s, "");
	icap_service_free(s);
	text_free(&why);
}

/* What must be blocked is read after privileges are dropped. */
static void
here_device(const struct conf *c, const struct conf_device *d,
    struct text *errors)
{
	const char *file = d->health.must_block;
	struct text why = { 0 }, mend = { 0 };
	char *user;

	here_port(c, d->port_pos[0], "inside", d->inside, errors);
	here_port(c, d->port_pos[1], "outside", d->outside, errors);
	if (file == NULL || here_may(c->user, file, R_OK) == 0)
		return;
	user = here_user(c);
	text_printf(&why, "the user %s may not read %s", user, file);
	here_mend_read(user, file, &mend);
	here_problem(c, d->pos, errors, "must-block", why.s, mend.s);
	free(user);
	text_free(&why);
	text_free(&mend);
}

void
here_parts(const struct conf *c, struct text *errors)
{
	size_t i;

	here_trust(c, c->pos.trust, "trust", c->trust, errors);
	for (i = 0; i < c->trust_also.n; i++)
		here_trust(c, c->pos.trust_also, "trust-also",
		    c->trust_also.v[i], errors);
	for (i = 0; i < c->crl.n; i++)
		here_crl(c, c->crl.v[i], errors);
	here_trust(c, c->pos.intermediates, "intermediates",
	    c->intermediates, errors);
	for (i = 0; i < c->nmirrors; i++) {
		if (c->mirrors[i].kind == MIRROR_PORT)
			here_port(c, c->mirrors[i].place, "interface",
			    c->mirrors[i].interface, errors);
		if (c->mirrors[i].kind == MIRROR_PCAP)
			here_file(c, &c->mirrors[i], errors);
	}
	if (c->history.given)
		here_history(c, errors);
	for (i = 0; i < c->ndevices; i++)
		here_device(c, &c->devices[i], errors);
	for (i = 0; i < c->nicaps; i++)
		here_service(c, &c->icaps[i], errors);
	here_notify(c, errors);
}
