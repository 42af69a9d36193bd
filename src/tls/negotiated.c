/*
 * What a handshake negotiated, or why it failed, in words for logs.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

#include "tls/conn.h"
#include "util/mem.h"

/* The names that Suricata's EVE uses. */
static const char *
used_version(int version)
{
	switch (version) {
	case TLS1_3_VERSION:
		return "TLS 1.3";
	case TLS1_2_VERSION:
		return "TLS 1.2";
	case TLS1_1_VERSION:
		return "TLS 1.1";
	case TLS1_VERSION:
		return "TLSv1";
	}
	return "unknown";
}

/* IANA's names, which Wireshark shows. */
static const char *
used_group(SSL *ssl)
{
	switch (SSL_get_negotiated_group(ssl)) {
	case NID_X25519:
		return "x25519";
	case NID_X9_62_prime256v1:
		return "secp256r1";
	case NID_secp384r1:
		return "secp384r1";
	case NID_secp521r1:
		return "secp521r1";
	case NID_X448:
		return "x448";
	case NID_undef:
		return NULL;
	case TLSEXT_nid_unknown | 0x11ec:
		return "X25519MLKEM768";
	}
	return SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
}

void
tls_used(SSL *ssl, struct tls_used *u)
{
	const struct tls_conn *c = conn_of(ssl);
	const unsigned char *alpn;
	unsigned int n;

	memset(u, 0, sizeof(*u));
	u->version = used_version(SSL_version(ssl));
	u->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
	u->group = used_group(ssl);
	u->resumed = SSL_session_reused(ssl);
	u->certificate = c->about.client;
	SSL_get0_alpn_selected(ssl, &alpn, &n);
	if (n > sizeof(u->alpn) - 1)
		n = sizeof(u->alpn) - 1;
	if (n > 0)
		memcpy(u->alpn, alpn, n);
	if (c->hello != NULL)
		u->hello = c->hello->follows ? "client" : "own";
	memcpy(u->ja4, c->print.ja4, sizeof(u->ja4));
	u->distance = c->print.distance;
}

unsigned
tls_version_class(int version)
{
	return version >= TLS1_3_VERSION ? 2 : version >= TLS1_2_VERSION ? 1 :
	    0;
}

int
tls_version_of(SSL *ssl, int offered)
{
	if (SSL_get_current_cipher(ssl) == NULL &&
	    SSL_get_pending_cipher(ssl) == NULL)
		return offered;
	return SSL_version(ssl);
}

/* RFC 8446, 6 and B.2, and the alerts of older versions. */
static const char *
alert_name(int alert)
{
	static const char *const names[] = {
		[0] = "close_notify", [10] = "unexpected_message",
		[20] = "bad_record_mac", [21] = "decryption_failed",
		[22] = "record_overflow", [30] = "decompression_failure",
		[40] = "handshake_failure", [41] = "no_certificate",
		[42] = "bad_certificate", [43] = "unsupported_certificate",
		[44] = "certificate_revoked", [45] = "certificate_expired",
		[46] = "certificate_unknown", [47] = "illegal_parameter",
		[48] = "unknown_ca", [49] = "access_denied",
		[50] = "decode_error", [51] = "decrypt_error",
		[60] = "export_restriction", [70] = "protocol_version",
		[71] = "insufficient_security", [80] = "internal_error",
		[86] = "inappropriate_fallback", [90] = "user_canceled",
		[100] = "no_renegotiation", [109] = "missing_extension",
		[110] = "unsupported_extension",
		[111] = "certificate_unobtainable", [112] = "unrecognized_name",
		[113] = "bad_certificate_status_response",
		[114] = "bad_certificate_hash_value",
		[115] = "unknown_psk_identity", [116] = "certificate_required",
		[120] = "no_application_protocol",
	};

	return (size_t)alert < NELEM(names) ? names[alert] : NULL;
}

char *
tls_reason(SSL *ssl, int ret, char *out, size_t size)
{
	int saved = errno, how = SSL_get_error(ssl, ret), reason;
	unsigned long e = ERR_peek_last_error();
	const char *s = NULL;

	reason = ERR_GET_REASON(e);
	if ((s = conn_why(ssl, e)) != NULL)
		;
	else if (how == SSL_ERROR_ZERO_RETURN)
		s = "close_notify";
	else if (e != 0 && ERR_GET_LIB(e) == ERR_LIB_SSL &&
	    reason >= SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256)
		s = alert_name(reason - SSL_AD_REASON_OFFSET);
	if (s == NULL && e != 0)
		s = ERR_reason_error_string(e);
	if (s == NULL && how == SSL_ERROR_SYSCALL)
		s = saved != 0 ? strerror(saved) : "connection closed";
	snprintf(out, size, "%s", s != NULL ? s : "unknown error");
	ERR_clear_error();
	errno = saved;
	return out;
}
