/*
 * Ethernet addresses as text.
 */
#ifndef UTIL_MAC_H
#define UTIL_MAC_H

#include <stdint.h>

#define MAC_LEN		6
#define MAC_STRLEN	sizeof("00:00:00:00:00:00")

struct mac_pattern {		/* all that begin so; bytes MAC_LEN: the one */
	uint8_t		 mac[MAC_LEN];	/* zeros behind its bytes */
	uint8_t		 bytes;
};

/* "02:00:5e:00:00:07" into out; returns out. */
char	*mac_str(const uint8_t mac[MAC_LEN], char out[MAC_STRLEN]);
/* "02:00:5e:*" for less than all bytes. */
char	*mac_pattern_str(const struct mac_pattern *, char out[MAC_STRLEN]);

/* Whether an interface may have it: no group (IEEE 802, its first bit), and not
 * all zeros. */
int	 mac_is_host(const uint8_t mac[MAC_LEN]);

/* Six pairs of hexadecimal digits, between ":" or "-". 0, or ERR_FORMAT. */
int	 mac_parse(uint8_t mac[MAC_LEN], const char *);
/* The same, or fewer pairs and a "*": "02:00:5e:*". */
int	 mac_pattern_parse(struct mac_pattern *, const char *, unsigned len);

#endif
