/*
 * The keys of the tickets for clients. All workers and profiles share them.
 * They are in memory only, and change every few hours.
 */
#ifndef TLS_TICKET_H
#define TLS_TICKET_H

#include <openssl/ssl.h>

struct ticket_keys;

struct ticket_keys	*ticket_keys_new(void);		/* NULL: no random */
void			 ticket_keys_free(struct ticket_keys *);
/* For SSL_CTX_set_tlsext_ticket_key_evp_cb(); see its man page. */
int			 ticket_crypt(struct ticket_keys *, unsigned char *name,
			    unsigned char *iv, EVP_CIPHER_CTX *,
			    EVP_MAC_CTX *, int enc);
/* Rotate now. */
void			 ticket_rotate(struct ticket_keys *);

#endif
