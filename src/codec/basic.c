/*
 * User and password.
 */
#include "codec/basic.h"

#include <string.h>

#include "util/err.h"
#include "util/text.h"

#define DECODED_MAX	(2 * BASIC_PART_MAX + 1)
#define SOCKS_VERSION	1	/* of the message, not of SOCKS */

int
basic_name_valid(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return 0;
	return len > 0 && len <= BASIC_PART_MAX;
}

static int
take(struct basic *b, const char *user, size_t nuser, const char *password,
    size_t npassword)
{
	if (!basic_name_valid(user, nuser) || npassword > BASIC_PART_MAX ||
	    memchr(password, '\0', npassword) != NULL)
		return ERR_FORMAT;
	memcpy(b->user, user, nuser);
	memcpy(b->password, password, npassword);
	return 0;
}

/* The bytes decoded (RFC 4648, 4), or ERR_FORMAT. */
static int
decode(char out[DECODED_MAX], struct slice s)
{
	size_t pad = 0;

	while (pad < 2 && s.len > 0 && s.p[s.len - 1] == '=') {
		s.len--;
		pad++;
	}
	if (pad > 0 && (s.len + pad) % 4 != 0)
		return ERR_FORMAT;
	return base64_decode((uint8_t *)out, DECODED_MAX, s.p, s.len, "+/");
}

int
basic_read(struct basic *b, struct slice value)
{
	char text[DECODED_MAX];
	const char *colon;
	struct slice scheme;
	size_t at;
	int n;

	memset(b, 0, sizeof(*b));
	value = slice_trim(value);
	if (!slice_cut(&value, ' ', &scheme) || !slice_is(scheme, "Basic"))
		return ERR_NOTFOUND;
	if ((n = decode(text, slice_trim(value))) < 0 ||
	    (colon = memchr(text, ':', (size_t)n)) == NULL)
		return ERR_FORMAT;
	at = (size_t)(colon - text);
	return take(b, text, at, colon + 1, (size_t)n - at - 1);
}

int
basic_read_socks(struct basic *b, const uint8_t *data, size_t len,
    size_t *used, size_t *need)
{
	size_t user, password;

	memset(b, 0, sizeof(*b));
	if (len >= 1 && data[0] != SOCKS_VERSION)
		return ERR_FORMAT;
	*need = 2;
	if (len < *need)
		return ERR_SHORT;
	user = data[1];
	*need = 3 + user;
	if (len < *need)
		return ERR_SHORT;
	password = data[2 + user];
	*need = 3 + user + password;
	if (len < *need)
		return ERR_SHORT;
	*used = *need;
	return take(b, (const char *)data + 2, user,
	    (const char *)data + 3 + user, password);
}
