/*
 * Servers that are denied, step-ups and proposals: their tables, and what is
 * kept of them in a file.
 */
#include "verdict/measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"
#include "util/clock.h"
#include "util/err.h"
#include "verdict/denied.h"
#include "verdict/proposal.h"

#define WALL	1795926703
#define HOUR	3600000

/* What is told, as "denial set; step-up expired; ". */
static struct text told;
static unsigned cuts;

static void
tells(void *arg, enum state_kind kind, enum measure_what what,
    const struct contained *c, const char *why)
{
	text_printf(&told, "%s %s; ", measure_str(kind),
	    measure_what_str(what));
}

static void
tells_quarantine(void *arg, enum quarantine_what what,
    const struct contained *c, const char *why)
{
	text_printf(&told, "quarantine %s; ", quarantine_str(what));
}

static void
cut_quarantine(void *arg, const struct contained *c)
{
	cuts++;
}

static void
cut(void *arg, enum state_kind kind, const struct contained *c)
{
	cuts++;
}

static struct conf *
conf(void)
{
	static const char yaml[] = "listen: [{name: g, mode: transparent, "
	    "address: \"[::]:1\"}]\nrules: [{name: d, action: decrypt}]\n"
	    "endpoints: {inside: [10.0.0.0/8], never: [10.0.0.53], "
	    "never-denied: [good.example]}\nquarantines: [{name: all}]\n"
	    "mirrors: [{name: a, pcap-over-ip: 127.0.0.1:5}]\n";
	struct text errors = { 0 };
	struct conf *c;

	if (conf_parse_in(&conf_world_none, "c", yaml, strlen(yaml), &c,
	    &errors) != 0)
		ck_abort_msg("%s", errors.s);
	return c;
}

static struct quarantine q;
static struct measures m;
static char path[64];

static void
begin(const struct conf *c)
{
	struct contain *tables[STATE_KINDS];
	struct text why = { 0 };

	memset(&q, 0, sizeof(q));
	memset(&m, 0, sizeof(m));
	text_clear(&told);
	q.conf = c;
	q.told = tells_quarantine;
	q.cut = cut_quarantine;
	m.quarantine = &q;
	m.told = tells;
	m.cut = cut;
	m.denied = denied_new(7);
	tables[STATE_QUARANTINE] = q.contain = contain_new(7, 0);
	tables[STATE_TAG] = q.tags = contain_new(7, CONTAIN_BY_BOTH);
	tables[STATE_DENIAL] = denied_table(m.denied);
	tables[STATE_STEP_UP] = m.step_ups = contain_new(7, 0);
	tables[STATE_PROPOSAL] = m.proposals = contain_new(7,
	    CONTAIN_BY_BOTH);
	if (state_open(path, NULL, tables, WALL, clock_ms(), &q.last, &q.state,
	    &why) != 0)
		ck_abort_msg("%s", why.s);
	denied_filled(m.denied);
}

static void
end(void)
{
	state_close(q.state);
	contain_free(q.contain);
	contain_free(q.tags);
	denied_free(m.denied);
	contain_free(m.step_ups);
	contain_free(m.proposals);
}

static void
path_make(void)
{
	snprintf(path, sizeof(path), "/tmp/measure_test.%d", (int)getpid());
	unlink(path);
}

static struct measure_order
order(enum conf_do what, const char *who, const char *object,
    const char *by)
{
	struct measure_order o = { .what = what, .object = object,
	    .ms = HOUR, .reason = "r", .by = by };

	if (who != NULL)
		ck_assert_int_eq(endpoint_parse(&o.who, who), 0);
	return o;
}

static int
give(enum conf_do what, const char *who, const char *object, uint64_t *id)
{
	struct measure_order o = order(what, who, object, "ids");
	struct text why = { 0 };
	int rv = measure_do(&m, &o, WALL, clock_ms(), id, &why);

	ck_assert((rv != 0) == (why.len > 0));
	text_free(&why);
	return rv;
}

static int
denies(const char *name)
{
	const struct denials *d = denied_ask(m.denied);
	struct addr a;

	return addr_parse_ip(&a, name) == 0 ? d->has_addr(d, &a) :
	    d->has_name(d, name);
}

TEST(a_server_is_denied_by_what_covers_it)
{
	struct conf *c = conf();
	const struct denials *d;
	uint64_t id, same;

	path_make();
	begin(c);
	d = denied_ask(m.denied);
	ck_assert(!d->has_any(d, 0) && !d->has_any(d, 1));
	ck_assert_int_eq(give(DO_DENY_SERVER, NULL, "=evil.example", &id), 0);
	ck_assert(!d->has_any(d, 0) && d->has_any(d, 1));
	ck_assert(denies("evil.example") && !denies("a.evil.example"));
	ck_assert_int_eq(give(DO_DENY_SERVER, NULL, "*.bad.example", &id), 0);
	ck_assert(denies("a.b.bad.example") && !denies("bad.example"));
	ck_assert_int_eq(give(DO_DENY_SERVER, NULL, "worse.example", &id), 0);
	ck_assert(denies("worse.example") && denies("a.worse.example"));
	ck_assert(!denies("notworse.example") && !denies("example"));
	ck_assert_int_eq(give(DO_DENY_SERVER, NULL, "203.0.113.9", &id), 0);
	ck_assert_int_eq(give(DO_DENY_SERVER, NULL, "2001:db8::9", &same), 0);
	ck_assert(denies("203.0.113.9") && denies("2001:db8::9"));
	ck_assert(!denies("203.0.113.8") && d->has_any(d, 0));
	ck_assert_uint_eq(same, id + 1);
	ck_assert_int_eq(give(DO_DENY_SERVER, NULL, "203.0.113.9", &same), 0);
	ck_assert_uint_eq(same, id);
	ck_assert_uint_eq(cuts, 5);	/* the same again changes nothing */
	ck_assert_int_eq(measure_release(&m, STATE_DENIAL, id), 0);
	ck_assert_int_eq(measure_release(&m, STATE_DENIAL, id), ERR_NOTFOUND);
	ck_assert(!denies("203.0.113.9") && denies("2001:db8::9"));
	measure_tick(&m, clock_ms() + 2 * HOUR);
	ck_assert(!d->has_any(d, 0) && !d->has_any(d, 1));
	end();
	conf_unref(c);
	unlink(path);
}
END

TEST(what_must_not_be_denied_or_raised_is_refused)
{
	struct conf *c = conf();
	static const char *const never[] = { "10.0.0.7", "127.0.0.1",
	    "224.0.0.1", "fe80::1", "=good.example", "www.good.example" };
	uint64_t id = 0;
	size_t i;

	path_make();
	begin(c);
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		ck_assert_int_eq(give(DO_DENY_SERVER, NULL, never[i], &id),
		    ERR_DENIED);
	ck_assert_int_eq(give(DO_STEP_UP, "192.0.2.1", "*", &id), ERR_DENIED);
	ck_assert_int_eq(give(DO_QUARANTINE, "10.0.0.53", "all", &id),
	    ERR_DENIED);
	/* Looking at it is not containing it. */
	ck_assert_int_eq(give(DO_STEP_UP, "10.0.0.53", "*", &id), 0);
	ck_assert_uint_eq(id, 1);
	end();
	conf_unref(c);
	unlink(path);
}
END

/* The mirrors of an endpoint's step-up, or NULL. */
static const char *
mirrors(const char *who)
{
	static char out[64];
	struct endpoint e;
	struct contained *c;

	endpoint_parse(&e, who);
	if ((c = contain_ask(m.step_ups, &e.addr, NULL, clock_ms())) == NULL)
		return NULL;
	snprintf(out, sizeof(out), "%s", c->profile);
	contained_unref(c);
	return out;
}

TEST(step_ups_of_one_endpoint_add_up)
{
	struct conf *c = conf();
	uint64_t id, same;

	path_make();
	begin(c);
	ck_assert_int_eq(give(DO_STEP_UP, "10.0.0.1", "a,b", &id), 0);
	ck_assert_int_eq(give(DO_STEP_UP, "10.0.0.1", "b,c", &same), 0);
	ck_assert_uint_eq(id, same);
	ck_assert_str_eq(mirrors("10.0.0.1"), "a,b,c");
	ck_assert_int_eq(give(DO_STEP_UP, "10.0.0.1", "", &same), 0);
	ck_assert_str_eq(mirrors("10.0.0.1"), "a,b,c");
	ck_assert_int_eq(give(DO_STEP_UP, "10.0.0.1", "*", &same), 0);
	ck_assert_str_eq(mirrors("10.0.0.1"), "*");
	ck_assert_int_eq(give(DO_STEP_UP, "10.0.0.2", "", &same), 0);
	ck_assert_str_eq(mirrors("10.0.0.2"), "");
	ck_assert_ptr_null(mirrors("10.0.0.3"));
	ck_assert_int_eq(measure_release(&m, STATE_STEP_UP, id), 0);
	ck_assert_ptr_null(mirrors("10.0.0.1"));
	end();
	conf_unref(c);
	unlink(path);
}
END

static int
propose(enum conf_do what, const char *who, const char *object,
    const char *by, int second, uint64_t *id)
{
	struct measure_order o = order(what, who, object, by);
	struct text why = { 0 };
	int rv = proposal_add(&m, &o, HOUR, second, WALL, clock_ms(), id,
	    &why);

	text_free(&why);
	return rv;
}

TEST(a_proposal_waits_and_is_approved_rejected_or_lapses)
{
	struct conf *c = conf();
	struct text why = { 0 };
	uint64_t id, same, other;

	path_make();
	begin(c);
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.1", "all", "ids", 0,
	    &id), 0);
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.1", "all", "ids", 0,
	    &same), 0);
	ck_assert_uint_eq(id, same);
	ck_assert_uint_eq(contain_count(q.contain), 0);
	same = id;
	ck_assert_int_eq(proposal_approve(&m, "operator", WALL, clock_ms(),
	    &same, &why), 0);
	ck_assert_uint_eq(id, same);
	ck_assert_uint_eq(contain_count(q.contain), 1);
	ck_assert_int_eq(proposal_approve(&m, "operator", WALL, clock_ms(),
	    &same, &why), ERR_NOTFOUND);
	ck_assert_int_eq(propose(DO_DENY_SERVER, NULL, "=evil.example", "ids",
	    0, &id), 0);
	ck_assert_int_eq(propose(DO_STEP_UP, "10.0.0.1", "", "ids", 0,
	    &other), 0);
	ck_assert_int_eq(proposal_reject(&m, id, "operator"), 0);
	ck_assert_int_eq(proposal_reject(&m, id, "operator"), ERR_NOTFOUND);
	proposal_tick(&m, clock_ms());
	ck_assert_uint_eq(contain_count(m.proposals), 1);
	proposal_tick(&m, clock_ms() + 2 * HOUR);
	ck_assert_uint_eq(contain_count(m.proposals), 0);
	ck_assert_str_eq(told.s, "proposal proposed; quarantine set; "
	    "proposal approved; proposal proposed; proposal proposed; "
	    "proposal rejected; proposal lapsed; ");
	ck_assert(!denies("evil.example"));
	text_free(&why);
	end();
	conf_unref(c);
	unlink(path);
}
END

TEST(a_second_sensor_approves_what_the_first_has_proposed)
{
	struct conf *c = conf();
	uint64_t id, same;

	path_make();
	begin(c);
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.1", "all", "ids", 1,
	    &id), 0);
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.1", "all", "ids", 1,
	    &same), 0);
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.2", "all", "ddi", 1,
	    &same), 0);
	ck_assert_int_eq(propose(DO_STEP_UP, "10.0.0.1", "*", "ddi", 1,
	    &same), 0);
	/* Nor does one whose response wants a person. */
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.1", "all", "ddi", 0,
	    &same), 0);
	ck_assert_uint_eq(contain_count(q.contain), 0);
	ck_assert_int_eq(propose(DO_QUARANTINE, "10.0.0.1", "all", "ddi", 1,
	    &same), 1);
	ck_assert_uint_eq(id, same);
	ck_assert_uint_eq(contain_count(q.contain), 1);
	end();
	conf_unref(c);
	unlink(path);
}
END

TEST(all_of_it_outlives_a_restart)
{
	struct conf *c = conf();
	uint64_t id, freed, last;
	struct text why = { 0 };

	path_make();
	begin(c);
	give(DO_DENY_SERVER, NULL, "=evil.example", &id);
	give(DO_DENY_SERVER, NULL, "203.0.113.9", &id);
	give(DO_DENY_SERVER, NULL, "203.0.113.8", &freed);
	measure_release(&m, STATE_DENIAL, freed);
	give(DO_STEP_UP, "02:00:00:00:00:07", "a", &id);
	give(DO_STEP_UP, "10.0.0.2", "", &id);
	propose(DO_QUARANTINE, "10.0.0.3", "all", "ids", 0, &id);
	propose(DO_DENY_SERVER, NULL, "=bad.example", "ids", 0, &last);
	ck_assert_int_eq(proposal_approve(&m, "operator", WALL, clock_ms(),
	    &id, &why), 0);
	end();
	begin(c);
	ck_assert(denies("evil.example") && denies("203.0.113.9"));
	ck_assert(!denies("203.0.113.8"));
	ck_assert_uint_eq(contain_count(m.step_ups), 2);
	ck_assert_str_eq(mirrors("10.0.0.2"), "");
	ck_assert_uint_eq(contain_count(q.contain), 1);
	ck_assert_uint_eq(contain_count(m.proposals), 1);
	ck_assert_uint_eq(q.last, last);
	ck_assert_int_eq(proposal_approve(&m, "operator", WALL, clock_ms(),
	    &last, &why), 0);
	ck_assert(denies("bad.example"));
	text_free(&why);
	end();
	conf_unref(c);
	unlink(path);
}
END

static atomic_int asking;

static void *
asks(void *arg)
{
	unsigned *n = arg;

	while (atomic_load(&asking))
		*n += (unsigned)(denies("a.b.evil.example") +
		    denies("203.0.113.9") + (mirrors("10.0.0.9") != NULL));
	return NULL;
}

TEST(workers_ask_while_entries_come_and_go)
{
	struct conf *c = conf();
	unsigned n[2] = { 0 };
	pthread_t t[2];
	uint64_t id;
	int i;

	path_make();
	begin(c);
	state_close(q.state);		/* it would only be slow */
	q.state = NULL;
	atomic_store(&asking, 1);
	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, asks, &n[i]);
	for (i = 0; i < 2000; i++) {
		give(DO_DENY_SERVER, NULL, i % 2 ? "evil.example" :
		    "203.0.113.9", &id);
		give(DO_DENY_SERVER, NULL, i % 2 ? "*.b.evil.example" :
		    "2001:db8::9", &id);
		measure_tick(&m, clock_ms() + (i % 3 ? 2 * HOUR : 0));
	}
	atomic_store(&asking, 0);
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	measure_tick(&m, clock_ms() + 2 * HOUR);
	ck_assert(!denies("a.b.evil.example") && !denies("203.0.113.9"));
	end();
	conf_unref(c);
	unlink(path);
}
END

SUITE("measure", a_server_is_denied_by_what_covers_it,
    what_must_not_be_denied_or_raised_is_refused,
    step_ups_of_one_endpoint_add_up,
    a_proposal_waits_and_is_approved_rejected_or_lapses,
    a_second_sensor_approves_what_the_first_has_proposed,
    all_of_it_outlives_a_restart,
    workers_ask_while_entries_come_and_go)
