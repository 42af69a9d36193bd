/*
 * The operational log.
 */
#include "util/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/mem.h"
#include "util/outq.h"
#include "util/text.h"

#define LOG_QUEUE	(1 << 20)	/* some 10,000 lines */

_Atomic int		 log_level = LOG_LVL_INFO;
static struct outq	*queue;

static void
log_write(void *ctx, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0 && (n = write(STDERR_FILENO, p, len)) > 0) {
		p += n;
		len -= (size_t)n;
	}
}

void
log_start(void)
{
	static const struct outq_ops ops = { .write = log_write };

	queue = outq_new("log", BUDGET_LOG, LOG_QUEUE, &ops, NULL);
}

void
log_stop(void)
{
	struct outq *q = queue;

	queue = NULL;
	outq_free(q, 1000);
}

uint64_t
log_dropped(void)
{
	return queue != NULL ? outq_dropped(queue) : 0;
}

void
log_line(int level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	struct text t = { 0 };
	struct timespec ts;
	struct tm tm;
	char stamp[32];
	va_list ap;
	char *s = NULL;
	size_t i;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = xstrdup(fmt);
	va_end(ap);
	/* A peer's bytes must not forge a line of their own. */
	for (i = 0; s[i] != '\0'; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			s[i] = '?';
	ts = clock_wall();
	gmtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	text_printf(&t, "%s.%03ldZ %s: %s\n", stamp, ts.tv_nsec / 1000000,
	    names[level], s);
	free(s);
	if (queue != NULL)
		outq_put(queue, t.s, t.len);
	else
		log_write(NULL, t.s, t.len);
	text_free(&t);
}

int
log_gate(struct log_gate *g, int *held)
{
	int64_t now = (int64_t)clock_s();
	int64_t last = atomic_load(&g->last);

	if (now == last ||
	    !atomic_compare_exchange_strong(&g->last, &last, now)) {
		atomic_fetch_add(&g->held, 1);
		return 0;
	}
	*held = atomic_exchange(&g->held, 0);
	return 1;
}
