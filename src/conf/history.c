/*
 * The section `history`: what is kept of sessions' packets in memory, and the
 * captures that are made of it.
 */
#include "conf/keys.h"
#include "conf/value.h"

#define SHARE_MIN	M	/* of a worker */

static void	check_history(struct load *, yaml_node_t *, void *);

static const struct word ports_words[] = {
	{ "keep", 0 }, { "map", 1 }, { NULL }
};
static const struct word http2_words[] = {
	{ "keep", 0 }, { "http/1.1", 1 }, { NULL }
};
static const struct word starttls_words[] = {
	{ "strip", 0 }, { "keep", 1 }, { NULL }
};

#define F(member)	offsetof(struct conf_history, member)
static const struct key history_keys[] = {
	{ "size", &type_size, F(size), "64M", M, T },
	{ "age", &type_time, F(age), "10m", SEC, 7 * DAY },
	{ "directory", &type_text, F(directory),
	    "/var/lib/clearspan/captures" },
	{ "keep", &type_uint, F(keep), "100", 1, 1000000 },
	{ "max-capture", &type_size, F(max_capture), "256M", M, T },
	{ "at-once", &type_uint, F(at_once), "16", 1, 64 },
	{ "after", &type_time, F(after), "30s", 0, DAY },
	{ "ports", &type_word, F(ports_map), "keep", .arg = ports_words },
	{ "http2", &type_word, F(http11), "keep", .arg = http2_words },
	{ "starttls", &type_word, F(starttls), "strip",
	    .arg = starttls_words },
	{ NULL }
};
#undef F
const struct map map_history = { "history", history_keys, check_history };

/* limits and workers have been read. */
static void
check_history(struct load *l, yaml_node_t *n, void *item)
{
	struct conf_history *h = item;
	const struct conf *c = l->conf;
	yaml_node_t *at = node_get(l, n, "size");

	h->pos = node_pos(n);
	if (h->size / (c->workers > 0 ? c->workers : 1) < SHARE_MIN)
		load_problem(l, at != NULL ? at : n, "the %u workers share "
		    "\"size\", and need 1M each; write at least %uM",
		    c->workers, c->workers);
	if (h->size > c->limits.memory / 2)
		load_problem(l, at != NULL ? at : n, "\"size\" is more than "
		    "half of \"limits: memory\"; make that twice as large, or "
		    "this smaller");
	at = node_get(l, n, "keep");
	if (h->keep < h->at_once)
		load_problem(l, at != NULL ? at : n, "\"keep\" is less than "
		    "\"at-once\"; a capture would remove one that is being "
		    "written");
}
