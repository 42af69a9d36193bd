/*
 * The state of the daemon as JSON, for the verbs of the control socket and the
 * stats of the event log.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "sink/eve.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

/*
 * The struct has nothing but 64-bit counters, so they are added as an array,
 * and a new counter needs no line here.
 */
void
admin_sum(const struct admin_env *env, struct worker_counts *sum)
{
	const size_t n = sizeof(*sum) / sizeof(_Atomic uint64_t);
	_Atomic uint64_t *to = (_Atomic uint64_t *)sum;
	const _Atomic uint64_t *from;
	size_t w, i;

	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "only counters");
	memset(sum, 0, sizeof(*sum));
	for (w = 0; w < env->nworkers; w++) {
		from = (const _Atomic uint64_t *)worker_counts(env->workers[w]);
		for (i = 0; i < n; i++)
			to[i] += atomic_load_explicit(&from[i],
			    memory_order_relaxed);
	}
}

static json_t *
count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
listeners(const struct conf *c)
{
	json_t *all = json_array();
	const struct conf_listen *l;
	char buf[ADDR_STRLEN];

	for (l = c->listens; l < c->listens + c->nlistens; l++)
		json_array_append_new(all, json_pack("{s:o,s:s,s:s}", "name",
		    eve_string(l->name), "mode", l->mode == CONF_EXPLICIT ?
		    "explicit" : "transparent", "address",
		    addr_str(&l->address, buf)));
	return all;
}

static json_t *
mirror(const struct conf_mirror *m, const struct proxy_sink *s)
{
	static const char *const kinds[] = { "interface", "pcap",
	    "pcap-over-ip" };
	struct sink_stats st = { 0 };
	json_t *o;

	s->ops->stats(s->sink, &st);
	o = json_pack("{s:o,s:s,s:I,s:I,s:I,s:I}", "name",
	    eve_string(m->name), "kind", kinds[m->kind], "packets",
	    (json_int_t)st.packets, "bytes", (json_int_t)st.bytes,
	    "lost_packets", (json_int_t)st.lost_packets, "lost_bytes",
	    (json_int_t)st.lost_bytes);
	if (st.lost_reason != NULL)
		json_object_set_new(o, "lost_reason",
		    eve_string(st.lost_reason));
	if (m->kind == MIRROR_PCAPIP)
		json_object_set_new(o, "readers", count(st.readers));
	return o;
}

static json_t *
mirrors(const struct admin_env *env)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < env->conf->nmirrors; i++)
		json_array_append_new(all, mirror(&env->conf->mirrors[i],
		    &env->sinks[i]));
	return all;
}

static json_t *
event_log(const struct admin_env *env)
{
	return json_pack("{s:o,s:I,s:I}", "file",
	    eve_string(env->conf->log.file), "queued_bytes",
	    (json_int_t)connlog_queued(env->log), "lost",
	    (json_int_t)connlog_dropped(env->log));
}

json_t *
admin_status(const struct admin_env *env)
{
	struct worker_counts sum;
	json_t *o;

	admin_sum(env, &sum);
	o = json_pack("{s:s,s:s,s:i,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I},"
	    "s:o,s:o}", "version", VERSION, "state",
	    env->draining ? "draining" : "running", "pid", (int)getpid(),
	    "configuration", eve_string(env->conf->path), "started",
	    eve_time(&env->started), "uptime",
	    (json_int_t)(clock_wall().tv_sec - env->started.tv_sec),
	    "workers", (json_int_t)env->nworkers, "sessions_open",
	    (json_int_t)sum.open, "sessions_accepted",
	    (json_int_t)sum.accepted, "rules", (json_int_t)env->conf->nrules,
	    "reloads", "done", (json_int_t)env->reloads[1], "failed",
	    (json_int_t)env->reloads[0], "listeners", listeners(env->conf),
	    "mirrors", mirrors(env));
	if (env->log != NULL)
		json_object_set_new(o, "event_log", event_log(env));
	return o;
}

static void
tally_member(void *arg, const char *action, const char *rule, uint64_t n)
{
	json_array_append_new(arg, json_pack("{s:s,s:o,s:I}", "action",
	    action, "rule", eve_string(rule), "sessions", (json_int_t)n));
}

static json_t *
handshakes(const struct worker_counts *c)
{
	static const char *const side[] = { "client", "server" };
	static const char *const version[] = { "older", "TLS 1.2", "TLS 1.3" };
	json_t *all = json_array();
	unsigned i, s, v, r, ok;

	for (i = 0; i < 8 * TLS_VERSION_CLASSES; i++) {
		s = i & 1;
		v = i >> 3;
		r = i >> 1 & 1;
		ok = !(i >> 2 & 1);
		if (c->handshakes[s][v][r][ok] == 0)
			continue;
		json_array_append_new(all, json_pack("{s:s,s:s,s:b,s:s,s:I}",
		    "side", side[s], "version", version[v], "resumed", (int)r,
		    "result", ok ? "ok" : "failed", "count",
		    (json_int_t)c->handshakes[s][v][r][ok]));
	}
	return all;
}

#define AT(member)	offsetof(struct worker_counts, member)

static const struct {
	const char	*name;
	size_t		 at;
} counters[] = {
	{ "accepted", AT(accepted) },
	{ "refused", AT(refused) },
	{ "open", AT(open) },
	{ "ended", AT(ended) },
	{ "bytes_toserver", AT(bytes[DIR_UP]) },
	{ "bytes_toclient", AT(bytes[DIR_DOWN]) },
	{ "handshaking", AT(handshaking) },
	{ "forged", AT(forged[0]) },
	{ "forged_from_cache", AT(forged[1]) },
	{ "undecrypted_client_certificate", AT(undecrypted[UNDECRYPTED_CERT]) },
	{ "undecrypted_rule", AT(undecrypted[UNDECRYPTED_RULE]) },
	{ "undecrypted_no_sni", AT(undecrypted[UNDECRYPTED_NO_SNI]) },
	{ "undecrypted_ech", AT(undecrypted[UNDECRYPTED_ECH]) },
	{ "undecrypted_verification", AT(undecrypted[UNDECRYPTED_VERIFY]) },
	{ "undecrypted_failure", AT(undecrypted[UNDECRYPTED_FAILURE]) },
	{ "undecrypted_monitor", AT(undecrypted[UNDECRYPTED_MONITOR]) },
	{ "undecrypted_client_refused", AT(undecrypted[UNDECRYPTED_REFUSED]) },
	{ "undecrypted_exempt", AT(undecrypted[UNDECRYPTED_EXEMPT]) },
	{ "undecrypted_overload", AT(undecrypted[UNDECRYPTED_OVERLOAD]) },
	{ "undecrypted_segment", AT(undecrypted[UNDECRYPTED_SEGMENT]) },
	{ "unread_starttls", AT(undecrypted[UNDECRYPTED_STARTTLS]) },
	{ "unread_tunnel", AT(undecrypted[UNDECRYPTED_TUNNEL]) },
	{ "unread_upgrade", AT(undecrypted[UNDECRYPTED_UPGRADE]) },
	{ "unread_other", AT(undecrypted[UNDECRYPTED_OTHER]) },
	{ "buffer_bytes", AT(buffers) },
	{ "accept_paused", AT(accept_paused) },
	{ "worker_late", AT(late) },
	{ "gave_way", AT(gave_way) },
	{ "stalled_reset", AT(stalled) },
};

json_t *
admin_counters(const struct admin_env *env)
{
	struct worker_counts c;
	json_t *o = json_object(), *rules = json_array();
	size_t i;

	admin_sum(env, &c);
	for (i = 0; i < NELEM(counters); i++)
		json_object_set_new(o, counters[i].name, count(
		    *(const _Atomic uint64_t *)(const void *)
		    ((const char *)&c + counters[i].at)));
	json_object_set_new(o, "log_lines_lost", count(log_dropped()));
	json_object_set_new(o, "events_lost", count(connlog_dropped(env->log)));
	json_object_set_new(o, "handshakes", handshakes(&c));
	tally_each(env->tally, tally_member, rules);
	json_object_set_new(o, "sessions", rules);
	json_object_set_new(o, "mirrors", mirrors(env));
	return o;
}

/* asked: the cache counts its questions and hits itself. */
static json_t *
cache(const struct cache_stats *st, int asked)
{
	json_t *o = json_pack("{s:I,s:I,s:I,s:I}", "entries",
	    (json_int_t)st->entries, "bytes", (json_int_t)st->bytes, "limit",
	    (json_int_t)st->max, "evicted", (json_int_t)st->evicted);

	if (!asked)
		return o;
	json_object_set_new(o, "asked", count(st->asked));
	json_object_set_new(o, "hits", count(st->hits));
	return o;
}

json_t *
admin_caches(const struct admin_env *env)
{
	struct leaf_stats leaf = { 0 };
	struct tls_stats tls = { 0 };
	json_t *all = json_object(), *o;

	leaf_stats(tls_leafs(env->tls), &leaf);
	tls_stats(env->tls, &tls);
	o = cache(&leaf.cache, 0);
	json_object_set_new(o, "hits", count(leaf.hits));
	json_object_set_new(o, "misses", count(leaf.misses));
	json_object_set_new(o, "forged", count(leaf.forged));
	json_object_set_new(o, "waited", count(leaf.waited));
	json_object_set_new(all, "leaf_certificates", o);
	json_object_set_new(all, "upstream_sessions", cache(&tls.sessions, 1));
	json_object_set_new(all, "chain_verdicts", cache(&tls.verdicts, 1));
	json_object_set_new(all, "server_certificates",
	    cache(&tls.certificates, 1));
	json_object_set_new(all, "certificate_texts", cache(&tls.texts, 1));
	o = cache(&tls.hellos, 1);
	json_object_set_new(o, "too_many", count(tls.hellos_many));
	json_object_set_new(all, "hellos", o);
	return all;
}
