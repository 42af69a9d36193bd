/*
 * A file of tags. Held to: what is read is in order, each once, and in the form
 * that it is kept in; and errors have the place of a byte in the file.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/group.h"
#include "util/mac.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char yaml[] = "listen: [{name: l, mode: explicit, address: "
    "\"127.0.0.1:1\"}]\nendpoints: {tags: /t}\n"
    "rules: [{name: d, action: bypass}]\n";
static const uint8_t *input;
static size_t input_len;

static int
fuzz_read(const char *path, size_t max, struct text *out)
{
	text_add(out, (const char *)input, input_len);
	return 0;
}

static const struct conf_world world = { fuzz_read, NULL, NULL, NULL };

static void
check_tagged(const struct conf_tagged *t)
{
	char text[ADDR_STRLEN];
	uint8_t mac[MAC_LEN];
	struct addr a;

	if (mac_parse(mac, t->who) == 0) {
		assert(strcmp(mac_str(mac, text), t->who) == 0);
	} else {
		assert(addr_parse_ip(&a, t->who) == 0);
		assert(strcmp(addr_ip_str(&a, text), t->who) == 0);
	}
	assert(conf_tag_valid(t->tag));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct text errors = { 0 };
	const struct conf_tagfile *f;
	struct conf *c;
	size_t i;

	input = data;
	input_len = len;
	if (conf_parse_in(&world, "c.yaml", yaml, sizeof(yaml) - 1, &c,
	    &errors) == 0) {
		f = &c->endpoints.tags;
		for (i = 0; i < f->n; i++) {
			check_tagged(&f->v[i]);
			assert(i == 0 || strcmp(f->v[i - 1].who,
			    f->v[i].who) < 0 || (strcmp(f->v[i - 1].who,
			    f->v[i].who) == 0 && strcmp(f->v[i - 1].tag,
			    f->v[i].tag) < 0));
		}
		conf_unref(c);
	} else {
		assert(strncmp(errors.s, "/t:", 3) == 0 ||
		    strstr(errors.s, "more than") != NULL);
	}
	text_free(&errors);
	return 0;
}
