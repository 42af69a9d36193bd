/*
 * The grammar that HTTP and ICAP share: tokens, lists, numbers.
 */
#include "codec/slice.h"

#include "util/err.h"

static int
is_token_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

int
slice_is_token(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_token_char((uint8_t)s.p[i]))
			return 0;
	return s.len > 0;
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
