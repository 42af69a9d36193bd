/*
 * The section `notify`: who is told of verdicts and of quarantines, and how.
 */
#ifndef CONF_NOTIFY_H
#define CONF_NOTIFY_H

#include "codec/fill.h"
#include "codec/radius.h"
#include "conf/conf.h"
#include "util/mac.h"

/* What is told of, as bits of conf_target.events. */
enum conf_notice {
	NOTICE_SET, NOTICE_EXTENDED,	/* a quarantine ... */
	NOTICE_RELEASED, NOTICE_EXPIRED,
	NOTICE_REFUSED,
	NOTICE_DENIAL_SET, NOTICE_DENIAL_EXTENDED,	/* a denial ... */
	NOTICE_DENIAL_RELEASED, NOTICE_DENIAL_EXPIRED,
	NOTICE_DENIAL_REFUSED,
	NOTICE_STEP_UP_SET, NOTICE_STEP_UP_EXTENDED,	/* a step-up ... */
	NOTICE_STEP_UP_RELEASED, NOTICE_STEP_UP_EXPIRED,
	NOTICE_STEP_UP_REFUSED,
	NOTICE_PROPOSED,	/* what has to be approved ... */
	NOTICE_APPROVED, NOTICE_REJECTED, NOTICE_LAPSED,
	NOTICE_PROPOSAL_REFUSED,
	NOTICE_NOTIFIED,	/* a verdict, by its result ... */
	NOTICE_DRY_RUN, NOTICE_AMBIGUOUS, NOTICE_NOBODY, NOTICE_BREAKER,
	NOTICE_DONE,
	NOTICE_VERDICT,		/* ... and what it did is told of, too */
	NOTICE_TEST,		/* `ctl notify test`: every target's */
	NOTICE_KINDS
};
/* "set", "dry-run", ...; static. */
const char	*conf_notice_str(enum conf_notice);
/* 0, or ERR_NOTFOUND. */
int		 conf_notice_of(const char *, enum conf_notice *);
/* The event of the log that it is: "quarantine", "denial", ...; static. */
const char	*conf_notice_type(enum conf_notice);

/* What a notice is. */
#define NOTICE_IS_CASE	1u	/* about what has a case */
#define NOTICE_IS_SET	2u	/* it has begun */
#define NOTICE_IS_LONGER 4u	/* its end is a later one */
#define NOTICE_IS_OVER	8u	/* it is over */
#define NOTICE_IS_VERDICT 16u	/* of a sensor */
int		 conf_notice_is(enum conf_notice, unsigned);

enum target_kind {
	TARGET_UDP, TARGET_TCP, TARGET_TLS,	/* syslog */
	TARGET_WEBHOOK,
	TARGET_RADIUS
};

enum target_format { FORMAT_CEE, FORMAT_JSON, FORMAT_CEF };
/* A request of RADIUS: none, or enum radius_code. */
#define REQUEST_NONE	0

/* The address of an endpoint: which attributes of RADIUS say who it is. */
enum target_identify { IDENTIFY_MAC, IDENTIFY_ADDRESS, IDENTIFY_BOTH };

struct conf_pair {		/* a field, or an attribute */
	char		*name;
	char		*value;		/* with %{name} in it */
	struct radius_attribute attribute;
};
struct conf_pairs {
	struct conf_pair *v;
	size_t		 n;
};

struct conf_url {
	char		*text;		/* as it was written */
	enum target_kind kind;
	int		 tls;
	char		*host;		/* a name or an address */
	uint16_t	 port;
	char		*path;		/* "/...", with %{name} in it */
};

struct conf_secret {		/* a file's first line */
	char		*path;
	char		*text;		/* NULL: it was not read */
};

struct conf_act {		/* what is asked of a target */
	struct conf_url	 url;		/* of a webhook */
	char		*method, *body;	/* body NULL: the event */
	int		 request;	/* of RADIUS */
	struct conf_pairs attributes;
};

struct conf_target {
	char		*name;		/* never NULL once it is checked */
	struct conf_pos	 pos;
	unsigned	 events;	/* 1 << enum conf_notice */
	int		 events_given;
	struct conf_list profiles;	/* of quarantines; n 0: all */
	/* ms for a try; tries after the first; notices that wait */
	uint64_t	 timeout;
	unsigned	 retries, queue;
	char		*trust, *certificate, *key;	/* TLS */
	char		*mac;		/* how %{mac} is written: conf_mac() */
	/* What is done, and undone. undo.url.text NULL: of a webhook it is
	 * told of the end by the first, too. */
	struct conf_act	 act, undo;
	/* syslog */
	int		 format, facility;
	/* webhook */
	struct conf_pairs headers;
	struct conf_secret token;
	/* RADIUS */
	struct conf_secret secret;
	int		 identify;
	struct addr	 nas_address;	/* AF_UNSPEC: none */
	char		*nas_identifier;
};

/* Its targets, of all kinds. */
size_t		 conf_targets(const struct conf_notify *);
const struct conf_target *conf_target(const struct conf_notify *, size_t i);
/* Whether two are set alike. */
int		 conf_target_same(const struct conf_target *,
		    const struct conf_target *);

/* Write a MAC address in the form of an example, as "AA-BB-CC-DD-EE-FF". */
void		 conf_mac(const char *form, const uint8_t mac[MAC_LEN],
		    struct text *out);

/* The names that may be in %{...}; NULL behind the last. */
extern const char *const conf_fills[];

#endif
