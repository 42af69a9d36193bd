/*
 * Syslog and CEF, written.
 */
#include "codec/syslog.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX	255
#define WORD_MAX	32	/* MSGID */

/* PRINTUSASCII alone; "-" where nothing is left. */
static void
word(struct text *t, const char *s, size_t max)
{
	size_t n = 0;

	for (; s != NULL && *s != '\0' && n < max; s++)
		if (*s > ' ' && *s < 0x7f) {
			text_add(t, s, 1);
			n++;
		}
	text_puts(t, n > 0 ? " " : "- ");
}

void
syslog_write(struct text *t, const struct syslog_message *m)
{
	text_printf(t, "<%u>1 %s ", m->facility * 8 + m->severity, m->time);
	word(t, m->host, HOST_MAX);
	word(t, m->app, WORD_MAX);
	text_printf(t, "%u ", m->process);
	word(t, m->id, WORD_MAX);
	text_puts(t, "- ");
	text_puts(t, m->text);
}

void
syslog_frame(struct text *out, const struct syslog_message *m)
{
	struct text t = { 0 };

	syslog_write(&t, m);
	text_printf(out, "%zu ", t.len);
	text_add(out, t.s, t.len);
	text_free(&t);
}

static void
cef_escape(struct text *t, const char *s, char also)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == also)
			text_add(t, "\\", 1);
		if (*s == '\n')
			text_puts(t, "\\n");
		else if ((unsigned char)*s >= ' ')
			text_add(t, s, 1);
	}
}

void
cef_head(struct text *t, const char *value)
{
	cef_escape(t, value, '|');
	text_add(t, "|", 1);
}

void
cef_field(struct text *t, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	if (t->len > 0 && t->s[t->len - 1] != '|')
		text_add(t, " ", 1);
	text_printf(t, "%s=", name);
	cef_escape(t, value, '=');
}
