/*
 * The text of the comments: "name: value" pieces, so that a Wireshark filter
 * such as frame.comment contains "sni: example.com" finds them.
 */
#include "sink/comment.h"

static const char *
rule_name(const struct record *r)
{
	if (r->verdict->rule == NULL || r->verdict->rule->name == NULL)
		return "none";
	return r->verdict->rule->name;
}

void
comment_begin(struct text *t, const struct record *r)
{
	const struct facts *f = r->facts;
	char client[ADDR_STRLEN], server[ADDR_STRLEN];

	text_printf(t, "session: %llu; listener: %s; client: %s",
	    (unsigned long long)r->id, f->listener != NULL ? f->listener : "-",
	    addr_str(&f->client, client));
	if (f->server.sa.sa_family != AF_UNSPEC)
		text_printf(t, "; server: %s", addr_str(&f->server, server));
	if (f->host != NULL)
		text_printf(t, "; host: %s", f->host);
}

void
comment_facts(struct text *t, const struct record *r)
{
	const struct facts *f = r->facts;
	const char *alpn = f->tls_client.alpn;

	text_printf(t, "session: %llu", (unsigned long long)r->id);
	if (f->sni != NULL)
		text_printf(t, "; sni: %s", f->sni);
	if (f->tls_client.version != NULL)
		text_printf(t, "; client: %s %s", f->tls_client.version,
		    f->tls_client.cipher != NULL ? f->tls_client.cipher : "");
	if (f->tls_server.version != NULL)
		text_printf(t, "; server: %s %s", f->tls_server.version,
		    f->tls_server.cipher != NULL ? f->tls_server.cipher : "");
	if (f->tls_client.version != NULL)
		text_printf(t, "; alpn: %s", alpn[0] != '\0' ? alpn : "none");
	text_printf(t, "; rule: %s; action: %s", rule_name(r),
	    conf_action_str(r->verdict->action));
	if (f->cert != NULL)
		text_printf(t, "; certificate sha256: %s", f->cert->sha256);
	if (f->verify_text != NULL)
		text_printf(t, "; verify: %s", f->verify_text);
}
