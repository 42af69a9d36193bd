/*
 * Queries of DNS that wait: who finds which, who gives way, and what it costs.
 */
#include "proxy/dnstable.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/budget.h"
#include "util/err.h"

#include "test.h"

#define MAX	8

static struct dnstable	*table;
static unsigned		 ended;

static void
gone(struct dnsflow *f)
{
	ended++;
	free(f);
}

static void
begin(void)
{
	ended = 0;
	table = dnstable_new(MAX, 42, gone);
}

static void
end(void)
{
	dnstable_free(table);
	ck_assert_uint_eq(budget_held(BUDGET_BUFFERS), 0);
}

static struct addr
addr(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return a;
}

/* What asking comes to; the flow is found or made, as its owner does it. */
static int
ask(const char *client, const char *server, uint16_t id, uint64_t now)
{
	struct addr c = addr(client), s = addr(server);
	struct dnsflow *f = dnstable_find(table, &c, &s), *new = NULL;
	int rv;

	if (f == NULL) {
		f = new = calloc(1, sizeof(*f));
		f->client = c;
		f->server = s;
	}
	rv = dnstable_ask(table, f, id, now);
	if (rv < 0)
		free(new);
	return rv;
}

static struct dnsflow *
flow(const char *client, const char *server)
{
	struct addr c = addr(client), s = addr(server);

	return dnstable_find(table, &c, &s);
}

TEST(a_flow_lives_as_long_as_its_queries)
{
	struct dnsflow *f;

	begin();
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 1, 0), 0);
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 2, 0), 0);
	f = flow("10.0.0.1:1", "10.0.0.2:53");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_null(flow("10.0.0.1:2", "10.0.0.2:53"));
	ck_assert_ptr_null(flow("10.0.0.1:1", "10.0.0.3:53"));
	ck_assert(dnstable_waits(table, f, 1));
	ck_assert(!dnstable_waits(table, f, 3));
	ck_assert_int_eq(dnstable_done(table, f, 1), 1);
	ck_assert(!dnstable_waits(table, f, 1));
	ck_assert_int_eq(dnstable_done(table, f, 2), 0);
	ck_assert_ptr_null(flow("10.0.0.1:1", "10.0.0.2:53"));
	ck_assert_uint_eq(ended, 1);
	end();
}
END

TEST(the_same_id_in_two_flows_is_two_queries)
{
	begin();
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 1, 0), 0);
	ck_assert_int_eq(ask("[fd00::1]:1", "[fd00::2]:53", 1, 0), 0);
	ck_assert_int_eq(dnstable_done(table, flow("[fd00::1]:1",
	    "[fd00::2]:53"), 1), 0);
	ck_assert(dnstable_waits(table, flow("10.0.0.1:1", "10.0.0.2:53"), 1));
	end();
}
END

TEST(what_is_asked_again_is_one_query_and_waits_longer)
{
	begin();
	ask("10.0.0.1:1", "10.0.0.2:53", 1, 0);
	ask("10.0.0.3:1", "10.0.0.2:53", 1, 10);
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 1, 20), 0);
	ck_assert_uint_eq(dnstable_count(table), 2);
	ck_assert_uint_eq(dnstable_expire(table, DNSTABLE_WAIT + 9), 0);
	ck_assert_uint_eq(dnstable_expire(table, DNSTABLE_WAIT + 10), 1);
	ck_assert_ptr_null(flow("10.0.0.3:1", "10.0.0.2:53"));
	ck_assert_uint_eq(dnstable_expire(table, DNSTABLE_WAIT + 20), 1);
	ck_assert_uint_eq(ended, 2);
	end();
}
END

TEST(a_client_has_half_at_most_whatever_its_ports)
{
	char client[32];
	int i;

	begin();
	for (i = 1; i <= MAX; i++) {
		snprintf(client, sizeof(client), "10.0.0.1:%d", i);
		ck_assert_int_eq(ask(client, "10.0.0.2:53", 1, 0),
		    i <= MAX / 2 ? 0 : ERR_LIMIT);
	}
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 2, 0), ERR_LIMIT);
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 1, 0), 0);
	ck_assert_int_eq(ask("10.0.0.3:1", "10.0.0.2:53", 1, 0), 0);
	ck_assert_uint_eq(dnstable_count(table), MAX / 2 + 1);
	end();
}
END

TEST(the_oldest_gives_way_when_it_is_full)
{
	char client[32];
	int i;

	begin();
	for (i = 0; i < MAX; i++) {
		snprintf(client, sizeof(client), "10.0.0.%d:1", i);
		ck_assert_int_eq(ask(client, "10.1.0.2:53", 1, 0), 0);
	}
	ck_assert_int_eq(ask("10.0.0.9:1", "10.1.0.2:53", 1, 0), 1);
	ck_assert_uint_eq(dnstable_count(table), MAX);
	ck_assert_ptr_null(flow("10.0.0.0:1", "10.1.0.2:53"));
	/* its own flow's oldest */
	ck_assert_int_eq(ask("10.0.0.1:1", "10.1.0.2:53", 2, 0), 1);
	ck_assert(!dnstable_waits(table, flow("10.0.0.1:1", "10.1.0.2:53"),
	    1));
	ck_assert(dnstable_waits(table, flow("10.0.0.1:1", "10.1.0.2:53"), 2));
	end();
}
END

TEST(without_memory_there_is_no_query)
{
	begin();
	budget_limit(1);
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 1, 0), ERR_MEM);
	ck_assert_uint_eq(dnstable_count(table), 0);
	ck_assert_ptr_null(flow("10.0.0.1:1", "10.0.0.2:53"));
	budget_limit(UINT64_MAX);
	ck_assert_int_eq(ask("10.0.0.1:1", "10.0.0.2:53", 1, 0), 0);
	ck_assert(budget_held(BUDGET_BUFFERS) > sizeof(struct dnsflow));
	end();
}
END

SUITE("dnstable",
    a_flow_lives_as_long_as_its_queries,
    the_same_id_in_two_flows_is_two_queries,
    what_is_asked_again_is_one_query_and_waits_longer,
    a_client_has_half_at_most_whatever_its_ports,
    the_oldest_gives_way_when_it_is_full,
    without_memory_there_is_no_query)
