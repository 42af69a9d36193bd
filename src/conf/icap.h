/*
 * The section `icap`: the services that see messages, and may change or refuse
 * them.
 */
#ifndef CONF_ICAP_H
#define CONF_ICAP_H

#include <stddef.h>
#include <stdint.h>

#include "conf/parts.h"

enum conf_oversize {		/* a body past max-body */
	OVERSIZE_DEFAULT,	/* not given: see conf_icap_passes() */
	OVERSIZE_STREAM,	/* send what is held, the rest unscanned */
	OVERSIZE_BYPASS,	/* the same, from the first byte */
	OVERSIZE_BLOCK
};

#define ICAP_PREVIEW_AUTO	(-1)	/* what OPTIONS says */
#define ICAP_PREVIEW_OFF	(-2)

/* What "%{...}" in a field of `headers` stands for. */
enum conf_macro {
	MACRO_SRC, MACRO_SRC_PORT,	/* the client */
	MACRO_DST, MACRO_DST_PORT,	/* the server */
	MACRO_SNI, MACRO_HOST, MACRO_LISTENER, MACRO_RULE, MACRO_JA4,
	MACRO_SUBJECT,			/* of the server's certificate */
	MACRO_USER,			/* as it is; no field without one */
	MACRO_USER_URI,			/* base64 of "Local://NAME" */
	MACRO_FLOW, MACRO_TX,		/* numbers of session and exchange */
	MACRO_MAX
};
/* Find the next macro in s. Returns its '%', with *end past it, or NULL.
 * *which is MACRO_MAX if the macro is unknown. */
const char *conf_macro(const char *s, const char **end, enum conf_macro *which);

struct conf_icap_url {
	char		*url;		/* byte for byte, with its arguments */
	char		*host;		/* name or numeric, no brackets */
	uint16_t	 port;
	int		 tls;		/* icaps:// */
	unsigned	 weight;	/* 1 by default */
	unsigned	 tier;		/* 0 first; 1 when all of 0 are down */
};

/* Streams whose messages a service may see one by one. */
enum conf_messages {
	MESSAGES_WEBSOCKET,
	MESSAGES_GRPC,
	MESSAGES_MAX
};

struct conf_icap {			/* one service of `icap:` */
	char		*name;
	struct conf_pos	 pos;
	struct conf_icap_url *reqmod;	/* groups; one may be empty */
	size_t		 nreqmod;
	struct conf_icap_url *respmod;
	size_t		 nrespmod;
	struct {			/* open: unscanned messages pass */
		int	 reqmod, respmod;
	} fail;
	int		 tls_fail_open;
	int64_t		 preview;	/* bytes, or ICAP_PREVIEW_* */
	uint64_t	 connect_timeout, first_byte_timeout, idle_timeout;
	uint64_t	 max_body;
	enum conf_oversize oversize;
	uint64_t	 stream_after;	/* ms; 0: never */
	int		 monitor;
	unsigned	 sample;	/* a monitor sees one in this many */
	int		 options;	/* 0: `options: off` */
	int		 allow_204, allow_206;
	unsigned	 connections;	/* to a server, in all; 0: OPTIONS */
	unsigned	 queue;		/* waiting for a connection */
	uint64_t	 queue_timeout;
	/* how long a pooled connection is kept */
	uint64_t	 keep_idle;
	int		 persist;	/* by client address, else least busy */
	char		*trust;		/* icaps: PEM; NULL: the system's */
	char		*certificate;	/* icaps: ours, PEM; or NULL */
	char		*key;
	int		 proxy_auth;	/* Proxy-Authorization is shown to it */
	char		*auth;		/* "user:password", or NULL */
	struct conf_list headers;	/* "Name: value", with %{...} in it */
	/* content codings, lower case, or "any" alone; n 0: those of
	 * `inspect:` */
	struct conf_list encodings;
	struct conf_list echo;		/* names, REQMOD answer -> RESPMOD */
	struct conf_list bypass_types;	/* never scanned media types, lower
					 * case; a final * is any rest */
	int		 types_given;	/* by the operator, not our default */
	int		 messages[MESSAGES_MAX]; /* of these it sees each */
};

/*
 * Whether messages pass that a service cannot see whole: endless media, and
 * bodies past max-body. The service's own keys decide; without them they are
 * held back if the service fails closed and `inspect: endless` is closed.
 */
int	conf_icap_passes(const struct conf_icap *, int respmod,
	    int endless_open);

#endif
