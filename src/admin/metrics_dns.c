/*
 * Metrics of DNS over UDP.
 */
#include "admin/metrics.h"
#include "proxy/worker.h"
#include "util/text.h"

void
metrics_dns(struct text *t, const struct worker_counts *c)
{
	unsigned i;

	text_puts(t, "# HELP clearspan_dns_queries_total Queries of DNS over "
	    "UDP.\n# TYPE clearspan_dns_queries_total counter\n");
	for (i = 0; i < DNS_QUERY_MAX; i++)
		text_printf(t, "clearspan_dns_queries_total{result=\"%s\"} "
		    "%llu\n", dns_query_str((enum dns_query)i),
		    (unsigned long long)c->dns_queries[i]);
	text_puts(t, "# HELP clearspan_dns_answers_total Answers of DNS over "
	    "UDP.\n# TYPE clearspan_dns_answers_total counter\n");
	for (i = 0; i < DNS_ANSWER_MAX; i++)
		text_printf(t, "clearspan_dns_answers_total{result=\"%s\"} "
		    "%llu\n", dns_answer_str((enum dns_answer)i),
		    (unsigned long long)c->dns_answers[i]);
	text_printf(t, "# HELP clearspan_dns_waiting Queries of DNS over UDP "
	    "that wait for an answer.\n# TYPE clearspan_dns_waiting gauge\n"
	    "clearspan_dns_waiting %llu\n",
	    (unsigned long long)c->dns_waiting);
}
