/*
 * What the targets of `notify:` need from this machine: certificates that can
 * be read, and secrets that nobody else can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/notify.h"
#include "main/doctor.h"
#include "main/here.h"
#include "tls/outward.h"

/* What is wrong with the file of a secret, and what mends it. 0: nothing. */
static int
secret_wrong(const struct conf *c, const char *path, struct text *why,
    struct text *mend)
{
	struct stat st;
	char *user;
	int err;

	if (path == NULL)
		return 0;
	if ((err = here_may(c->user, path, R_OK)) != 0) {
		user = here_user(c);
		text_printf(why, "%s cannot read %s, so a reload will fail: "
		    "%s", user, path, strerror(err));
		here_mend_read(user, path, mend);
		free(user);
	} else if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
		text_printf(why, "others may read the secret in %s", path);
		text_printf(mend, "chmod 600 %s", path);
	}
	return why->len > 0;
}

static const char *
secret_of(const struct conf_target *t)
{
	return t->secret.path != NULL ? t->secret.path : t->token.path;
}

static int
in_the_clear(const struct conf_target *t)
{
	return t->token.path != NULL && (!t->act.url.tls ||
	    (t->undo.url.text != NULL && !t->undo.url.tls));
}

void
here_notify(const struct conf *c, struct text *errors)
{
	const struct conf_target *t;
	struct text why = { 0 };
	SSL_CTX *ctx;
	size_t i;

	for (i = 0; i < conf_targets(&c->notify); i++) {
		t = conf_target(&c->notify, i);
		ctx = NULL;
		if ((t->act.url.tls || t->undo.url.tls) && outward_ctx(
		    t->trust, t->certificate, t->key, &ctx, &why) != 0)
			here_problem(c, t->pos, errors, t->name, why.s, "");
		SSL_CTX_free(ctx);
		text_clear(&why);
	}
	text_free(&why);
}

void
here_notify_warnings(const struct conf *c, struct text *out)
{
	struct text why = { 0 }, mend = { 0 };
	const struct conf_target *t;
	size_t i;

	for (i = 0; i < conf_targets(&c->notify); i++) {
		t = conf_target(&c->notify, i);
		if (secret_wrong(c, secret_of(t), &why, &mend))
			text_printf(out, "%s:%u:%u: warning: \"%s\": %s; %s\n",
			    c->path, t->pos.line, t->pos.column, t->name,
			    why.s, mend.s);
		if (in_the_clear(t))
			text_printf(out, "%s:%u:%u: warning: \"%s\": its "
			    "token goes over the network in the clear; write "
			    "https://\n", c->path, t->pos.line,
			    t->pos.column, t->name);
		text_clear(&why);
		text_clear(&mend);
	}
	text_free(&why);
	text_free(&mend);
}

void
doctor_notify(struct doctor *d)
{
	struct text why = { 0 }, mend = { 0 };
	const struct conf_target *t;
	size_t i;

	for (i = 0; d->conf != NULL && i < conf_targets(&d->conf->notify);
	    i++) {
		t = conf_target(&d->conf->notify, i);
		if (secret_wrong(d->conf, secret_of(t), &why, &mend))
			doctor_say(d, FIND_WARN, "notify", mend.s, "%s: %s",
			    t->name, why.s);
		else if (in_the_clear(t))
			doctor_say(d, FIND_WARN, "notify", "write https://",
			    "%s: its token goes over the network in the clear",
			    t->name);
		else
			doctor_say(d, FIND_OK, "notify", NULL, "%s: %s:%u; "
			    "try it with: clearspan ctl notify test %s",
			    t->name, t->act.url.host, t->act.url.port,
			    t->name);
		text_clear(&why);
		text_clear(&mend);
	}
	text_free(&why);
	text_free(&mend);
}
