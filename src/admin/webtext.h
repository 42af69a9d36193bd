/*
 * The words of the administrator's pages, in each language; their style and
 * their script.
 */
#ifndef ADMIN_WEBTEXT_H
#define ADMIN_WEBTEXT_H

#include "conf/pages.h"

enum web_word {
	W_TITLE,		/* of the program's pages */
	W_QUARANTINE, W_VERDICTS, W_ENDPOINTS, W_LOGIN, W_ENDPOINT, W_CASE,
	W_NOTE,			/* titles of pages, as enum web_page */
	W_LOGOUT, W_TOKEN, W_TOKEN_HELP, W_TOKEN_WRONG, W_WHO, W_NAME,
	W_ADDRESS, W_ADDRESSES, W_MAC, W_PROFILE, W_REASON, W_BY, W_SINCE,
	W_LEFT, W_RELEASE, W_CONTAIN, W_FOR, W_NOBODY, W_TAGS, W_TAG, W_CLEAR,
	W_ADD_TAG, W_TIME, W_SENSOR, W_SEVERITY, W_SIGNATURE, W_RESULT,
	W_NO_VERDICTS, W_SESSIONS, W_SENT, W_RECEIVED, W_APPLICATION,
	W_DEVICE, W_VOLUME, W_NO_ENDPOINTS, W_STATE, W_CONTAINED, W_FREE,
	W_SERVER, W_SITE, W_ACTION, W_WHAT, W_DETAILS, W_CHAIN_WHOLE,
	W_CHAIN_BROKEN, W_RECENT, W_FOREVER, W_DONE, W_NOT_ALLOWED,
	W_FORM_OLD, W_OTHER_LANGUAGE, W_HOURS, W_MINUTES, W_SECONDS, W_DAYS,
	W_FIND, W_CANNOT_READ, W_WAITING, W_APPROVE, W_REJECT, W_BACK,
	W_DENIED, W_STEP_UPS, W_MIRROR, W_END, W_ALL_MIRRORS,
	W_WORDS
};

/* Static. */
const char	*webtext(enum page_language, enum web_word);

extern const char webtext_style[], webtext_script[];

#endif
