/*
 * Names are asked by their length first.
 */
#include "http/h2_meaning.h"

#include "codec/hpack_table.h"

static int
is(struct slice name, const char *text)
{
	return memcmp(name.p, text, name.len) == 0;
}

/* H2_P_MAX: there is none of that name. */
static enum h2_pseudo
pseudo_named(struct slice name)
{
	switch (name.len) {
	case 5:
		return is(name, ":path") ? H2_P_PATH : H2_P_MAX;
	case 7:
		return is(name, ":status") ? H2_P_STATUS :
		    is(name, ":method") ? H2_P_METHOD :
		    is(name, ":scheme") ? H2_P_SCHEME : H2_P_MAX;
	case 9:
		return is(name, ":protocol") ? H2_P_PROTOCOL : H2_P_MAX;
	case 10:
		return is(name, ":authority") ? H2_P_AUTHORITY : H2_P_MAX;
	}
	return H2_P_MAX;
}

enum h2_meaning
h2_meaning(struct slice name)
{
	if (name.len > 0 && name.p[0] == ':')
		return H2_F_PSEUDO + pseudo_named(name);
	switch (name.len) {
	case 2:
		return is(name, "te") ? H2_F_TE : H2_F_OTHER;
	case 4:
		return is(name, "host") ? H2_F_HOST : H2_F_OTHER;
	case 6:
		return is(name, "cookie") ? H2_F_COOKIE : H2_F_OTHER;
	case 7:
		return is(name, "upgrade") ? H2_F_HOP : H2_F_OTHER;
	case 10:
		return is(name, "connection") || is(name, "keep-alive") ?
		    H2_F_HOP : H2_F_OTHER;
	case 14:
		return is(name, "content-length") ? H2_F_LENGTH : H2_F_OTHER;
	case 16:
		return is(name, "proxy-connection") ? H2_F_HOP : H2_F_OTHER;
	case 17:
		return is(name, "transfer-encoding") ? H2_F_HOP : H2_F_OTHER;
	}
	return H2_F_OTHER;
}

const uint8_t h2_known_meaning[HPACK_STATIC + 1] = {
	[1] = H2_F_PSEUDO + H2_P_AUTHORITY,
	[2] = H2_F_PSEUDO + H2_P_METHOD, [3] = H2_F_PSEUDO + H2_P_METHOD,
	[4] = H2_F_PSEUDO + H2_P_PATH, [5] = H2_F_PSEUDO + H2_P_PATH,
	[6] = H2_F_PSEUDO + H2_P_SCHEME, [7] = H2_F_PSEUDO + H2_P_SCHEME,
	[8] = H2_F_PSEUDO + H2_P_STATUS, [9] = H2_F_PSEUDO + H2_P_STATUS,
	[10] = H2_F_PSEUDO + H2_P_STATUS, [11] = H2_F_PSEUDO + H2_P_STATUS,
	[12] = H2_F_PSEUDO + H2_P_STATUS, [13] = H2_F_PSEUDO + H2_P_STATUS,
	[14] = H2_F_PSEUDO + H2_P_STATUS,
	[28] = H2_F_LENGTH, [32] = H2_F_COOKIE, [38] = H2_F_HOST,
	[57] = H2_F_HOP
};
