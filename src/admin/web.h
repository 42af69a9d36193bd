/*
 * The administrator's pages, on the port of REST: who is in quarantine and why,
 * verdicts as they come, endpoints and what they do, cases. The HTML is made
 * here; a little script keeps it fresh, and without script it is all there.
 *
 * Who looks has logged in with a token. A cookie says so: its name and role,
 * until when, and a MAC with a key of this process; it is HttpOnly and
 * SameSite=Strict. Each form has a text that only its session's pages know.
 */
#ifndef ADMIN_WEB_H
#define ADMIN_WEB_H

#include "admin/rest.h"
#include "conf/pages.h"

extern const struct rest_route rest_web[];

enum web_page {			/* those in the menu, in its order */
	WEB_QUARANTINE, WEB_VERDICTS, WEB_ENDPOINTS,
	WEB_MENU,
	WEB_LOGIN = WEB_MENU,
	WEB_ENDPOINT, WEB_CASE, WEB_MESSAGE,
	WEB_PAGES
};

#define WEB_SESSION	(12 * 3600)	/* s that a login lasts */
#define WEB_COOKIE	512		/* bytes of its value */
#define WEB_MAC		65		/* hexadecimal, with its NUL */

/* web_session.c: logging in, and who it is. */
/* Whether one is logged in (or a certificate or token says who it is). */
int	web_known(struct rest_request *);
/* Begin and end a session: fields for the answer. */
void	web_begin(struct rest_request *);
void	web_end(struct rest_request *);
/* What a form of this session carries; and whether this one did. */
void	web_form_mac(const struct rest_request *, char out[WEB_MAC]);
int	web_form_ours(struct rest_request *);
enum page_language web_language(const struct rest_request *);
/* If the query chose a language, it stays. */
void	web_keep_language(struct rest_request *);

/*
 * webview.c: HTML for a page, into out. o is what the page shows, as REST
 * answers it; said is a sentence above it, or NULL.
 */
void	webview_page(struct rest_request *, enum web_page, const json_t *o,
	    const char *said, struct text *out);

#endif
