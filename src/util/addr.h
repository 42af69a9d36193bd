/*
 * Socket addresses and prefixes. IPv4-mapped IPv6 addresses are folded to
 * IPv4 by addr_set() and when they are parsed, so that a dual-stack
 * listener's clients compare, print and match as what they are.
 */
#ifndef UTIL_ADDR_H
#define UTIL_ADDR_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	union {
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
	};			/* sa.sa_family is AF_UNSPEC when not known */
};

struct prefix {
	uint8_t		ip[16];		/* network order; 4 or 16 used */
	uint8_t		family;		/* AF_INET or AF_INET6 */
	uint8_t		bits;
};

#define ADDR_STRLEN	64	/* holds "[ipv6%scope]:port" */

void		 addr_set(struct addr *, const struct sockaddr *);
socklen_t	 addr_len(const struct addr *);
uint16_t	 addr_port(const struct addr *);	/* host order */
void		 addr_set_port(struct addr *, uint16_t);
const uint8_t	*addr_ip(const struct addr *, size_t *len);	/* 4 or 16 */
int		 addr_eq(const struct addr *, const struct addr *);
int		 addr_is_any(const struct addr *);
/* Go on with a hash (util/hash.h), by address and port. */
uint64_t	 addr_hash(uint64_t h, const struct addr *);
/* Whose address it is, for shares (util/share.h): the owner of an IPv6 address
 * is its /64. Two owners differ. Never 0, which is nobody. */
uint64_t	 addr_owner(const struct addr *);

/* "192.0.2.1:80", "[2001:db8::1]:80" into out (ADDR_STRLEN); returns out. */
char		*addr_str(const struct addr *, char *out);
/* The address alone. */
char		*addr_ip_str(const struct addr *, char *out);

/*
 * Both take numeric text only and use no resolver. addr_parse takes
 * "1.2.3.4:80" or "[::1]:80", with the port required. addr_parse_ip takes an
 * address alone, with or without brackets, and sets port 0. Returns 0 or
 * ERR_FORMAT.
 */
int		 addr_parse(struct addr *, const char *);
int		 addr_parse_ip(struct addr *, const char *);
/* For dual-stack sockets: the IPv4-mapped IPv6 form. */
void		 addr_map6(struct addr *);
/* For packets between two families: an IPv4 address in 64:ff9b:1::/96, which is
 * set apart for translation within a network (RFC 6052, 2.2; RFC 8215). */
void		 addr_translate6(struct addr *);

/* "10.0.0.0/8", "2001:db8::/32" or an address alone. 0 or ERR_FORMAT. */
int		 prefix_parse(struct prefix *, const char *);
/* Clear the bits behind its length. */
void		 prefix_mask(struct prefix *);
int		 prefix_has(const struct prefix *, const struct addr *);
/* Its address, with a port. */
struct addr	 prefix_addr(const struct prefix *, uint16_t port);

#endif
