/*
 * The fingerprint of the hello that we send a server, from its bytes, and how
 * far it is from the client's: for the log. libssl shows each message that it
 * makes; we look no longer than until there was a hello.
 */
#include "tls/print.h"

#include "codec/ja.h"
#include "tls/conn.h"

static void
print_hello(int ours, int version, int type, const void *msg, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_conn *c = conn_of(ssl);
	struct cursor w = cursor_of(arg, 4);
	struct hello h, client;

	if (!ours || type != SSL3_RT_HANDSHAKE)
		return;
	SSL_set_msg_callback(ssl, NULL);
	if (hello_parse_message(&h, msg, len) != 0 ||
	    hello_parse_message(&client, arg,
	    4 + (cursor_u32(&w) & 0xffffff)) != 0 ||
	    ja4(c->ja4, &h, NULL) != 0)
		return;
	c->distance = ja4_distance(&h, &client);
}

void
print_watch(SSL *ssl, const uint8_t *client)
{
	SSL_set_msg_callback(ssl, print_hello);
	SSL_set_msg_callback_arg(ssl, (void *)(uintptr_t)client);
}
