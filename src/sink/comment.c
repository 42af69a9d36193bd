/*
 * The text of the comments: "name: value" pieces, so that a Wireshark filter
 * such as frame.comment contains "sni: example.com" finds them.
 */
#include "sink/comment.h"

static const char *
rule_name(const struct record *r)
{
	if (r->verdict.rule == NULL || r->verdict.rule->name == NULL)
		return "none";
	return r->verdict.rule->name;
}

void
comment_begin(struct text *t, const struct record *r)
{
	char client[ADDR_STRLEN], server[ADDR_STRLEN];

	text_printf(t, "session: %llu; listener: %s; client: %s",
	    (unsigned long long)r->id, r->listener != NULL ? r->listener : "-",
	    addr_str(&r->client, client));
	if (r->server.sa.sa_family != AF_UNSPEC)
		text_printf(t, "; server: %s", addr_str(&r->server, server));
	if (r->host[0] != '\0')
		text_printf(t, "; host: %s", r->host);
}

void
comment_facts(struct text *t, const struct record *r)
{
	const char *alpn = r->tls_client.alpn;

	text_printf(t, "session: %llu", (unsigned long long)r->id);
	if (r->sni[0] != '\0')
		text_printf(t, "; sni: %s", r->sni);
	if (r->tls_client.version != NULL)
		text_printf(t, "; client: %s %s", r->tls_client.version,
		    r->tls_client.cipher != NULL ? r->tls_client.cipher : "");
	if (r->tls_server.version != NULL)
		text_printf(t, "; server: %s %s", r->tls_server.version,
		    r->tls_server.cipher != NULL ? r->tls_server.cipher : "");
	if (r->tls_client.version != NULL)
		text_printf(t, "; alpn: %s", alpn[0] != '\0' ? alpn : "none");
	text_printf(t, "; rule: %s; action: %s", rule_name(r),
	    conf_action_str(r->action));
	if (r->cert != NULL)
		text_printf(t, "; certificate sha256: %s", r->cert->sha256);
	if (r->verify_text != NULL)
		text_printf(t, "; verify: %s", r->verify_text);
}
