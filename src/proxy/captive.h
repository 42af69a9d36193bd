/*
 * An endpoint that is contained learns of it: by the page with the reason and
 * what still works, which is the portal's, too; by the captive portal API; and
 * because its system's search for a portal is led there. See http/captive.
 */
#ifndef PROXY_CAPTIVE_H
#define PROXY_CAPTIVE_H

#include "http/page.h"
#include "util/clock.h"

struct conf;
struct contained;
struct session;

/* What a page says of a quarantine; the page refers to it. */
struct captive_said {
	char		 reference[32], until[CLOCK_STAMP];
	struct text	 allowed;
};

void	captive_say(struct captive_said *, const struct conf *,
	    const struct contained *, struct page *);
void	captive_said_free(struct captive_said *);

/*
 * The whole response to p->request, malloc'ed, which has p->status; or NULL:
 * it is not about that. p is as answer_about() has made it.
 */
char	*captive_answer(struct session *, struct page *p, size_t *len);

#endif
