/*
 * Words that are wanted, words that are there.
 */
#include "policy/words.h"

#include <string.h>
#include <strings.h>

int
words_have(const struct conf_list *words, const char *s)
{
	size_t i, n;

	for (; ; s += n + 1) {
		n = strcspn(s, ",");
		for (i = 0; i < words->n; i++)
			if (strlen(words->v[i]) == n &&
			    strncasecmp(words->v[i], s, n) == 0)
				return 1;
		if (s[n] == '\0')
			return 0;
	}
}

void
words_print(const struct conf_list *words, struct text *t)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		text_printf(t, "%s%s", i > 0 ? ", " : "", words->v[i]);
}

int
words_fact(const char *s, struct text *t)
{
	if (s == NULL || s[0] == '\0')
		return 0;
	text_puts(t, s);
	return 1;
}
