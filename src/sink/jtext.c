/*
 * JSON into a text. What is open, and whether it is still empty, can be seen
 * from the last character.
 */
#include "sink/jtext.h"

#include <string.h>

/* Before a value: what stands between it and the one before, and its key. */
static void
begin(struct text *t, const char *key)
{
	char last = t->len > 0 ? t->s[t->len - 1] : '{';
	int comma = last != '{' && last != '[';
	size_t n = key != NULL ? strlen(key) : 0;
	char *p;

	if (comma)
		text_add(t, ",", 1);
	if (key == NULL)
		return;
	p = text_more(t, n + 3);
	p[0] = '"';
	memcpy(p + 1, key, n);
	p[n + 1] = '"';
	p[n + 2] = ':';
}

void
jtext_open(struct text *t, const char *key, char bracket)
{
	begin(t, key);
	text_add(t, &bracket, 1);
}

void
jtext_close(struct text *t, char bracket)
{
	text_add(t, &bracket, 1);
}

/* Bytes at s that stand for themselves, as most do. */
static size_t
plain(const char *s)
{
	size_t n = 0;

	while ((signed char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* What stands in for the byte at s. */
static void
put_escape(struct text *t, uint8_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *p = strchr(from, c);

	if (p != NULL)
		text_printf(t, "\\%c", to[p - from]);
	else
		text_printf(t, c < 0x20 ? "\\u%04x" : "\\\\x%02x", c);
}

void
jtext_string(struct text *t, const char *key, const char *s)
{
	size_t n;

	begin(t, key);
	text_add(t, "\"", 1);
	for (;;) {
		text_add(t, s, n = plain(s));
		s += n;
		if (*s == '\0')
			break;
		if ((signed char)*s < 0 && (n = text_utf8(s)) > 0)
			text_add(t, s, n);
		else
			put_escape(t, (uint8_t)*s);
		s += n > 0 ? n : 1;
	}
	text_add(t, "\"", 1);
}

void
jtext_words(struct text *t, const char *key, char *words)
{
	char *word, *save = NULL;

	if (words == NULL || words[0] == '\0')
		return;
	jtext_open(t, key, '[');
	for (word = strtok_r(words, ",", &save); word != NULL;
	    word = strtok_r(NULL, ",", &save))
		jtext_string(t, NULL, word);
	jtext_close(t, ']');
}

void
jtext_count(struct text *t, const char *key, uint64_t n)
{
	begin(t, key);
	text_number(t, n);
}

void
jtext_bool(struct text *t, const char *key, int is)
{
	begin(t, key);
	text_puts(t, is ? "true" : "false");
}

/* The last n digits of a number. */
static void
put_digits(char *out, uint64_t number, size_t n)
{
	while (n-- > 0) {
		out[n] = (char)('0' + number % 10);
		number /= 10;
	}
}

void
jtext_ms(struct text *t, const char *key, double ms)
{
	uint64_t us = (uint64_t)(ms * 1000 + 0.5);
	char *p;

	begin(t, key);
	text_number(t, us / 1000);
	p = text_more(t, 4);
	p[0] = '.';
	put_digits(p + 1, us, 3);
}

void
jtext_time_str(char out[JTEXT_TIME], const struct timespec *ts)
{
	struct tm tm;

	gmtime_r(&ts->tv_sec, &tm);
	memcpy(out, "0000-00-00T00:00:00.000000+00:00", JTEXT_TIME);
	put_digits(out, (uint64_t)tm.tm_year + 1900, 4);
	put_digits(out + 5, (uint64_t)tm.tm_mon + 1, 2);
	put_digits(out + 8, (uint64_t)tm.tm_mday, 2);
	put_digits(out + 11, (uint64_t)tm.tm_hour, 2);
	put_digits(out + 14, (uint64_t)tm.tm_min, 2);
	put_digits(out + 17, (uint64_t)tm.tm_sec, 2);
	put_digits(out + 20, (uint64_t)ts->tv_nsec / 1000, 6);
}

void
jtext_time(struct text *t, const char *key, const struct timespec *ts)
{
	char all[JTEXT_TIME];

	jtext_time_str(all, ts);
	jtext_string(t, key, all);
}

void
jtext_raw(struct text *t, const char *key, const char *json)
{
	begin(t, key);
	text_puts(t, json);
}
