/*
 * Inside the administrator's pages: the pieces of HTML that they are made of.
 */
#ifndef ADMIN_WEBPUT_H
#define ADMIN_WEBPUT_H

#include "admin/web.h"
#include "admin/webtext.h"

struct view {
	struct rest_request *r;
	struct text	*out;
	enum page_language lang;
	char		 form[WEB_MAC];
	int		 may;		/* change something */
};

const char	*view_word(const struct view *, enum web_word);

/* Markup, in which each "%s" is a text to be escaped (or NULL: nothing). */
void		 view_put(const struct view *, const char *markup, ...);

/* Of an object, a text or NULL. Texts of numbers: good until the fifth call. */
const char	*view_str(const json_t *, const char *key);
const char	*view_count(const json_t *);
const char	*view_bytes(const json_t *);
/* Seconds, in the two largest units. */
const char	*view_span(const struct view *, long long);

/* An endpoint, as a link to its page. */
void		 view_who(const struct view *, const char *who);

/* The head of a table: a bit in numbers for each column of numbers. */
void		 view_heads(const struct view *, const enum web_word *,
		    size_t n, unsigned numbers);
#define HEADS(v, numbers, ...) do {					\
	static const enum web_word w_[] = { __VA_ARGS__ };		\
	view_heads(v, w_, sizeof(w_) / sizeof(w_[0]), numbers);		\
} while (0)
void		 view_end(const struct view *);

/* The beginning of a form that changes something, at action and id; a field of
 * it, with more attributes; and its end with a button. */
void		 view_form(const struct view *, const char *class,
		    const char *action, const char *id);
void		 view_field(const struct view *, enum web_word label,
		    const char *name, const char *more);
void		 view_button(const struct view *, enum web_word,
		    const char *class);

#endif
