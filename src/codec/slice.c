/*
 * The grammar that HTTP and ICAP share: tokens, lists, numbers.
 */
#include "codec/slice.h"

#include "util/err.h"

/*
 * A bit for each character of a token: digits and !#$%&'*+-. below 64; letters
 * and ^_`|~ from there on.
 */
#define TOKEN_LOW	0x03ff6cfa00000000
#define TOKEN_HIGH	0x57ffffffc7fffffe
#define TOKEN_HIGH_LOWER 0x57ffffffc0000000	/* without capitals */

static int
is_of(struct slice s, uint64_t low, uint64_t high)
{
	size_t i;
	uint8_t c;

	for (i = 0; i < s.len; i++) {
		c = (uint8_t)s.p[i];
		if (c > 127 || ((c < 64 ? low : high) >> (c & 63) & 1) == 0)
			return 0;
	}
	return s.len > 0;
}

int
slice_is_token(struct slice s)
{
	return is_of(s, TOKEN_LOW, TOKEN_HIGH);
}

int
slice_is_lower_token(struct slice s)
{
	return is_of(s, TOKEN_LOW, TOKEN_HIGH_LOWER);
}

int
slice_item(struct slice *list, struct slice *item)
{
	if (list->p == NULL)
		return 0;
	if (!slice_cut(list, ',', item)) {
		*item = *list;
		*list = slice_of(NULL, 0);
	}
	*item = slice_trim(*item);
	return 1;
}

int
slice_lists(struct slice list, const char *token)
{
	struct slice item;

	while (slice_item(&list, &item))
		if (slice_is(item, token))
			return 1;
	return 0;
}

int
slice_number(struct slice s, int64_t *n)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' ||
		    v > (INT64_MAX - 9) / 10)
			return ERR_FORMAT;
		v = v * 10 + (s.p[i] - '0');
	}
	if (s.len == 0)
		return ERR_FORMAT;
	*n = v;
	return 0;
}
