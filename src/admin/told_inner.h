/*
 * What was told, for those that fill it (told.c) and look at it
 * (told_explain.c).
 */
#ifndef ADMIN_TOLD_INNER_H
#define ADMIN_TOLD_INNER_H

#include "admin/told.h"
#include "conf/pattern.h"
#include "policy/denied.h"
#include "verdict/server.h"

struct told {			/* the facts, and the texts they point to */
	struct facts	 facts;
	struct text	 alpn;
	char		*tags;
	struct contained *contained, *step_up;
	struct told_denial {	/* "denied=": a table of one server */
		struct denials	 ask;
		char		 server[SERVER_STRLEN];
	} denial;
	char		*server_tags;
	const char	*from, *to;	/* groups, or NULL */
	struct certinfo	 cert;
	char		 sni[PATTERN_MAX + 1], host[PATTERN_MAX + 1];
};

#endif
