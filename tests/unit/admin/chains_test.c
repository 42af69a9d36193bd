/*
 * What ctl and the metrics say of devices and chains.
 */
#include "admin/chains.h"

#include <string.h>

#include "chain/device.h"
#include "test.h"
#include "util/log.h"

static const char yaml[] =
	"listen: [{name: p, mode: explicit, address: \"127.0.0.1:8080\"}]\n"
	"devices:\n"
	"- {name: ips1, inside: a0, outside: a1, connections: 2}\n"
	"- {name: ips2, inside: b0, outside: b1}\n"
	"chains:\n"
	"- name: inspect\n"
	"  slots:\n"
	"  - {name: ips, devices: [ips1]}\n"
	"  - {name: dlp, devices: [ips2], fail: open}\n";

static struct conf *
up(void)
{
	struct text errors = { 0 };
	struct conf *c;

	if (conf_parse_in(&conf_world_none, "c", yaml, strlen(yaml), &c,
	    &errors) != 0)
		ck_abort_msg("%s", errors.s);
	device_attach(c, NULL);
	log_level = LOG_LVL_ERROR;
	return c;
}

static const char *
member(const json_t *all, const char *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(
	    json_object_get(all, list), i), key));
}

static void
ck_state(const struct conf *c, size_t i, const char *want)
{
	json_t *all = chains_devices(c);

	ck_assert_str_eq(member(all, "devices", i, "state"), want);
	json_decref(all);
}

static void
ck_want(const struct conf *c, const char *name, const char *want,
    const char *error)
{
	json_t *o = chains_device(c, name, want);
	const char *said = json_string_value(json_object_get(o, "error"));

	if (error == NULL)
		ck_assert_ptr_null(said);
	else
		ck_assert_str_eq(said, error);
	json_decref(o);
}

TEST(a_device_has_one_word_for_its_state)
{
	static const uint64_t none[2];
	struct conf *c = up();
	const struct conf_slot *s = &c->chains[0].slots[0];
	uint64_t tried = 0, i;

	ck_state(c, 0, "down");
	device_set_health(c->devices[0].running, DEVICE_UP, "3 probes");
	ck_state(c, 0, "up");
	device_set_health(c->devices[0].running, DEVICE_SUSPECT, "resets");
	ck_state(c, 0, "suspect");
	for (i = 0; i < 2; i++, tried = 0)
		ck_assert_int_eq(device_enter(s, 1, &tried), 0);
	ck_state(c, 0, "full");
	ck_want(c, "ips1", "drain", NULL);
	ck_state(c, 0, "draining");
	device_leave(c->devices[0].running, DEVICE_PASSED, none);
	device_leave(c->devices[0].running, DEVICE_RESET, none);
	ck_state(c, 0, "drained");
	ck_want(c, "ips1", "down", NULL);
	ck_state(c, 0, "down");
	ck_want(c, "ips1", "auto", NULL);
	ck_state(c, 0, "suspect");
	device_set_open(c->devices[0].running, 1);
	device_set_health(c->devices[0].running, DEVICE_DOWN, "open");
	ck_state(c, 0, "open");
	conf_unref(c);
}
END

TEST(wrong_words_are_refused)
{
	struct conf *c = up();

	ck_want(c, "ips1", NULL, NULL);
	ck_want(c, "ips3", "drain", "no such device: devices lists them");
	ck_want(c, "ips1", "stop", "device NAME takes drain, down or auto");
	ck_assert_int_eq(device_admin(c->devices[0].running), DEVICE_AUTO);
	conf_unref(c);
}
END

TEST(chains_are_shown_slot_by_slot)
{
	struct conf *c = up();
	json_t *all;

	device_set_health(c->devices[1].running, DEVICE_UP, "3 probes");
	slot_count(&c->chains[0].slots[0], SLOT_REFUSED);
	all = chains_chains(c);
	ck_assert_uint_eq(json_array_size(json_object_get(all, "chains")), 2);
	ck_assert_str_eq(member(all, "chains", 0, "slot"), "ips");
	ck_assert_str_eq(member(all, "chains", 0, "devices"), "ips1");
	ck_assert_str_eq(member(all, "chains", 0, "up"), "");
	ck_assert_str_eq(member(all, "chains", 0, "fail"), "closed");
	ck_assert_str_eq(member(all, "chains", 1, "up"), "ips2");
	ck_assert_str_eq(member(all, "chains", 1, "fail"), "open");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(
	    json_object_get(all, "chains"), 0), "refused")), 1);
	json_decref(all);
	conf_unref(c);
}
END

static void
ck_has(const char *page, const char *line)
{
	ck_assert_msg(strstr(page, line) != NULL, "no \"%s\" in\n%s", line,
	    page);
}

TEST(metrics_have_each_device_and_slot)
{
	struct text page = { 0 };
	struct conf *c = up();

	device_set_health(c->devices[1].running, DEVICE_UP, "3 probes");
	device_probed(c->devices[1].running, 0, 250);
	chains_metrics(c, &page);
	ck_has(page.s, "# TYPE clearspan_device_up gauge\n"
	    "clearspan_device_up{device=\"ips1\"} 0\n"
	    "clearspan_device_up{device=\"ips2\"} 1\n");
	ck_has(page.s, "\nclearspan_device_sessions_total{device=\"ips2\","
	    "result=\"dropped\"} 0\n");
	ck_has(page.s, "\nclearspan_device_probe_seconds{device=\"ips2\","
	    "quantile=\"0.99\"} 0.000250\n");
	ck_has(page.s, "\nclearspan_device_probe_seconds_count{device="
	    "\"ips2\"} 1\n");
	ck_has(page.s, "\nclearspan_chain_failed_total{chain=\"inspect\","
	    "slot=\"dlp\",result=\"skipped\"} 0\n");
	text_free(&page);
	conf_unref(c);
}
END

SUITE("chains", a_device_has_one_word_for_its_state, wrong_words_are_refused,
    chains_are_shown_slot_by_slot, metrics_have_each_device_and_slot)
