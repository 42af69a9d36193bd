/*
 * What is known of a session, as members of EVE.
 */
#include "sink/put.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/starttls.h"
#include "sink/jtext.h"

void
put_text(struct text *o, const char *key, const char *s)
{
	if (s != NULL && s[0] != '\0')
		jtext_string(o, key, s);
}

void
put_texts(struct text *o, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, o);
	while ((key = va_arg(ap, const char *)) != NULL)
		put_text(o, key, va_arg(ap, const char *));
	va_end(ap);
}

const char *
put_app(const struct facts *f)
{
	switch (f->protocol) {
	case PROTO_TLS:
		return "tls";
	case PROTO_HTTP:
		return f->http_unsure ? "failed" : "http";
	case PROTO_UNKNOWN:
	case PROTO_OTHER:
		return "failed";	/* EVE's word for unrecognized */
	default:
		return starttls_name(f->protocol - PROTO_DIALOGUE);
	}
}

/* OpenSSL says "TLSv1.3", EVE "TLS 1.3". */
static void
put_version(struct text *o, const char *v)
{
	char eve[32];

	if (v == NULL)
		return;
	if (strncmp(v, "TLSv", 4) == 0) {
		snprintf(eve, sizeof(eve), "TLS %s%s", v + 4,
		    strchr(v, '.') == NULL ? ".0" : "");
		v = eve;
	}
	put_text(o, "version", v);
}

void
put_tls(struct text *o, const struct facts *f)
{
	const struct certinfo *c = f->cert;

	jtext_open(o, "tls", '{');
	put_text(o, "sni", f->sni);
	if (f->ech)
		jtext_bool(o, "ech", 1);
	put_version(o, f->tls_client.version != NULL ? f->tls_client.version :
	    f->tls_server.version);
	if (c != NULL)
		put_texts(o, "subject", c->subject, "issuerdn", c->issuer,
		    "serial", c->serial, "fingerprint", c->fingerprint,
		    "notbefore", c->notbefore, "notafter", c->notafter, NULL);
	if (f->ja3[0] != '\0') {
		jtext_open(o, "ja3", '{');
		jtext_string(o, "hash", f->ja3);
		jtext_close(o, '}');
	}
	put_text(o, "ja4", f->ja4);
	jtext_close(o, '}');
}

static void
put_used(struct text *o, const struct tls_used *u)
{
	put_version(o, u->version);
	put_texts(o, "cipher", u->cipher, "group", u->group, "alpn", u->alpn,
	    NULL);
	jtext_bool(o, "resumed", u->resumed);
	if (u->certificate)
		jtext_bool(o, "client_certificate", 1);
}

void
put_client(struct text *o, const struct facts *f)
{
	if (f->tls_client.version == NULL)
		return;
	jtext_open(o, "client", '{');
	put_used(o, &f->tls_client);
	jtext_close(o, '}');
}

void
put_server(struct text *o, const struct facts *f)
{
	const struct tls_used *u = &f->tls_server;

	if (u->version == NULL)
		return;
	jtext_open(o, "server", '{');
	put_used(o, u);
	put_text(o, "verify", f->verify_text != NULL ? f->verify_text :
	    f->verify == VERIFY_OK ? "ok" : NULL);
	put_text(o, "hello", u->hello);
	if (u->ja4[0] != '\0') {
		jtext_string(o, "ja4", u->ja4);
		jtext_count(o, "ja4_distance", u->distance);
	}
	jtext_close(o, '}');
}

void
put_ether(struct text *o, const struct facts *f)
{
	char mac[MAC_STRLEN];

	if (!f->mac_known)
		return;
	jtext_open(o, "ether", '{');
	put_text(o, "src_mac", mac_str(f->mac, mac));
	jtext_close(o, '}');
}

void
put_geo(struct text *o, const struct facts *f)
{
	if (f->country[0] == '\0' || strcmp(f->country, GEO_UNKNOWN) == 0)
		return;
	jtext_open(o, "geo", '{');
	put_text(o, "country_iso_code", f->country);
	jtext_close(o, '}');
}
