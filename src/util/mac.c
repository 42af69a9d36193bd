/*
 * Ethernet addresses.
 */
#include "util/mac.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"

char *
mac_str(const uint8_t mac[MAC_LEN], char out[MAC_STRLEN])
{
	snprintf(out, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
	    mac[1], mac[2], mac[3], mac[4], mac[5]);
	return out;
}

int
mac_is_host(const uint8_t mac[MAC_LEN])
{
	static const uint8_t nobody[MAC_LEN];

	return !(mac[0] & 1) && memcmp(mac, nobody, MAC_LEN) != 0;
}

char *
mac_pattern_str(const struct mac_pattern *p, char out[MAC_STRLEN])
{
	mac_str(p->mac, out);
	if (p->bytes < MAC_LEN) {
		out[3 * p->bytes] = '*';
		out[3 * p->bytes + 1] = '\0';
	}
	return out;
}

static unsigned
digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') :
	    (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

int
mac_pattern_parse(struct mac_pattern *p, const char *s, unsigned len)
{
	unsigned i, at = 0;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < MAC_LEN; i++, at += 3) {
		if (i > 0 && at + 1 == len && s[at] == '*')
			return 0;
		if (at + 2 > len || !isxdigit((unsigned char)s[at]) ||
		    !isxdigit((unsigned char)s[at + 1]))
			return ERR_FORMAT;
		p->mac[i] = (uint8_t)(digit(s[at]) << 4 | digit(s[at + 1]));
		p->bytes++;
		if (at + 2 == len)
			return i + 1 == MAC_LEN ? 0 : ERR_FORMAT;
		if (s[at + 2] != ':' && s[at + 2] != '-')
			return ERR_FORMAT;
	}
	return ERR_FORMAT;
}

int
mac_parse(uint8_t mac[MAC_LEN], const char *s)
{
	struct mac_pattern p;

	if (mac_pattern_parse(&p, s, (unsigned)strnlen(s, MAC_STRLEN)) != 0 ||
	    p.bytes != MAC_LEN)
		return ERR_FORMAT;
	memcpy(mac, p.mac, MAC_LEN);
	return 0;
}
