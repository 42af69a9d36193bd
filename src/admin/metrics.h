/*
 * Prometheus metrics (text exposition format, version 0.0.4) at /metrics, on
 * the operator's port. clearspan(8) lists the names.
 */
#ifndef ADMIN_METRICS_H
#define ADMIN_METRICS_H

#include "admin/admin.h"
#include "util/addr.h"
#include "util/text.h"

struct metrics;

/* Listen, and serve from the main base. env must outlive it. Returns 0, or
 * ERR_SYS with one sentence in why. */
int	metrics_new(struct admin_env *, const struct addr *,
	    struct metrics **, struct text *why);
void	metrics_free(struct metrics *);

/* The page itself, added to out. */
void	metrics_page(struct metrics *, struct text *out);

/* Of DNS over UDP (metrics_dns.c). */
struct worker_counts;
void	metrics_dns(struct text *, const struct worker_counts *);

#endif
