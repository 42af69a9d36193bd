/*
 * The keys of the tickets for clients. All workers and profiles share them.
 * They are in memory only, and change every few hours.
 */
#ifndef TLS_TICKET_H
#define TLS_TICKET_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

struct ticket_keys;

struct ticket_keys	*ticket_keys_new(void);		/* NULL: no random */
void			 ticket_keys_free(struct ticket_keys *);
/*
 * For SSL_CTX_set_tlsext_ticket_key_evp_cb(); see its man page. A ticket tells
 * its lineage in the clear; one of another lineage is not opened.
 */
int			 ticket_crypt(struct ticket_keys *, uint64_t lineage,
			    unsigned char *name, unsigned char *iv,
			    EVP_CIPHER_CTX *, EVP_MAC_CTX *, int enc);
/* The lineage of a ticket that we made; 0: none, or it is none of ours. */
uint64_t		 ticket_lineage(struct ticket_keys *,
			    const uint8_t *ticket, size_t len);
/* Rotate now. */
void			 ticket_rotate(struct ticket_keys *);

#endif
