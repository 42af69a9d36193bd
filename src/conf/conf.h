/*
 * The configuration: YAML text -> a checked, immutable snapshot. Times are
 * milliseconds, sizes bytes, names NUL-terminated, lists counted arrays; all
 * of it is owned by struct conf and lives until the last conf_unref().
 * clearspan.yaml(5) is the specification of every key. Large sections have a
 * header each; this one has the whole, and how it is read.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "conf/ca.h"
#include "conf/chain.h"
#include "conf/icap.h"
#include "conf/inspect.h"
#include "conf/match.h"
#include "conf/mirror.h"
#include "conf/pages.h"
#include "conf/parts.h"
#include "conf/tagfile.h"
#include "conf/users.h"
#include "net/geo.h"
#include "net/via.h"
#include "tls/tls.h"
#include "util/addr.h"
#include "util/text.h"

#define CONF_DEFAULT_PATH	"/etc/clearspan/clearspan.yaml"

enum conf_mode {
	CONF_TRANSPARENT,	/* TPROXY or REDIRECT, told per connection */
	CONF_EXPLICIT		/* CONNECT, absolute-form HTTP, SOCKS5 */
};

enum conf_action {
	ACTION_DECRYPT,		/* end TLS here, show the clear text */
	ACTION_BYPASS,		/* pass through undecrypted */
	ACTION_BLOCK,		/* a page if the client can show it, or reset */
	ACTION_RESET,		/* RST to both */
	ACTION_WARN		/* a page; decrypt once the person went on */
};

/* What `on:` chooses for a server or client with a fault. */
enum conf_on {
	ON_DECRYPT,		/* go on in spite of it */
	ON_UNTRUSTED,		/* sign with the untrusted CA */
	ON_BLOCK,
	ON_BYPASS,
	ON_WAIT,		/* until there is room */
	ON_FETCH		/* what is missing */
};

#define CONF_LEARN_CLIENTS	16	/* at most */

struct conf_learn {		/* `learn:`, see proxy/bypasses.h */
	unsigned	 failures;	/* in all ... */
	unsigned	 clients;	/* ... of so many clients, ... */
	uint64_t	 keep;		/* ... ms: then for so long, ... */
	uint64_t	 probe;		/* ... and each time one is tried */
};

struct conf_auth {		/* `authentication:` */
	int		 given;
	struct conf_users users;	/* n 0: nobody is asked */
	char		*realm;
	/* The field in which a client at one of these addresses, which asks
	 * for its own clients, says who they are; or NULL. */
	char		*header;
	struct conf_prefixes from;
};

struct conf_listen {
	char		*name;
	enum conf_mode	 mode;
	struct addr	 address;
	int		 v6only;
	int		 dns;		/* transparent: DNS over UDP, too */
	struct conf_prefixes allow;	/* explicit: who may use it */
	/* explicit: the special addresses that may be reached; if it is not
	 * given, this host may be reached from itself */
	struct conf_prefixes destinations;
	int		 destinations_given;
	struct conf_auth auth;		/* explicit */
};

struct conf_own {			/* one of `certificates:` */
	/* patterns or "@list"; prefixes or "@list" */
	struct conf_list site, server;
	/* files; certificate i goes with key i */
	struct conf_list certificate, key;
	int		 verify;	/* the server behind; default yes */
	struct conf_pos	 pos[2];	/* of the certificates, of the keys */
	uint8_t		 sum[32];	/* as conf_ca's */
};

#define CONF_RULE_ICAPS		8	/* services of one rule */
#define CONF_RULE_MIRRORS	8	/* mirrors of one rule */

struct conf_seen {			/* a mirror of a rule */
	size_t		 mirror;		/* index into conf.mirrors */
	int		 after;		/* it looks behind the chain */
};

struct conf_rule {
	char		*name;
	struct conf_pos	 pos;
	struct conf_match match;		/* all must hold */
	struct conf_match except;		/* `not:`; must not all hold */
	enum conf_action action;
	struct conf_seen *mirrors;
	size_t		 nmirrors;
	const struct conf_chain *chain;		/* or NULL */
	size_t		*icaps;			/* indices into conf.icaps */
	size_t		 nicaps;
	int		 must_decrypt;		/* nothing of `on:` bypasses */
	int		 never_decrypt;		/* ... nor step-up decrypts */
	size_t		 ca;			/* see conf_ca() */
	int		 ca_given;
	/* `upstream-proxy`, of conf.proxies; NULL: straight. n 0: the same */
	struct via_proxy **proxies;
	size_t		 nproxies;
	struct conf_own	 client;	/* `client-certificate`; or empty */
	struct conf_inspect *inspect;	/* its own, or conf.inspect */
};

enum conf_forge {
	FORGE_ASKED,		/* the name asked for */
	FORGE_ALL		/* all of the server's */
};

enum conf_reload {		/* what makes it read again */
	RELOAD_ASKED,		/* SIGHUP and ctl */
	RELOAD_WATCH		/* ... and a change of its file */
};

struct conf_file {			/* read besides; to be watched */
	char		*path;
	struct conf_stamp stamp;	/* taken before it was read */
};

struct conf_named_list {		/* `lists:`, or a category */
	char		*name;
	char		*path;
	struct conf_stamp stamp;	/* taken before it was read */
	/* patterns as pattern_canon() writes them, a NUL behind each */
	struct text	 names;
	size_t		 nnames;
	struct prefix	*addresses;
	size_t		 naddresses;
	/* the first one with bits behind its length; line 0: none */
	struct conf_pos	 odd;
	struct prefix	 odd_prefix;
};

struct conf_feed {			/* `categories:` */
	char	*file, *category;	/* NULL: the file says */
};

enum { NOTIFY_SYSLOG, NOTIFY_WEBHOOK, NOTIFY_RADIUS, NOTIFY_LISTS };
struct conf_notify {			/* `notify:` */
	struct conf_targets {
		struct conf_target *v;
		size_t	 n;
	} lists[NOTIFY_LISTS];
	char		*state;		/* what waits at the end; NULL: none */
};

#define CONF_BUILT_IN	"-"	/* the path of `quickstart`'s own text */

struct conf {
	_Atomic int	 refs;
	char		*path;		/* of the file, or CONF_BUILT_IN */
	struct {	/* of values that only the machine can check */
		struct conf_pos	user, log_file, trust, trust_also, crl,
		    intermediates, lifetime;
	} pos;
	unsigned	 workers;	/* resolved: 1 or more */
	char		*user;		/* or NULL: stay */

	struct conf_ca	 ca;		/* perhaps without files */
	struct conf_ca	*cas;		/* see conf_ca() */
	size_t		 ncas;
	uint8_t		 trust_sum[32];	/* of the trusted files, as conf_ca's */

	struct conf_listen *listens;
	size_t		 nlistens;

	/* "system" or a PEM file or directory */
	char		*trust;
	struct conf_list trust_also;
	struct conf_list crl;		/* files or directories ... */
	size_t		 crl_files;	/* ... and the first in files */
	char		*intermediates;	/* PEM file or directory, or NULL */
	/* where issuers may be fetched from, though it is inside */
	struct conf_prefixes fetch_inside;
	int		 keep_client_address;	/* default no; see yaml(5) */
	uint64_t	 connect_timeout;
	uint64_t	 max_chain;	/* bytes of a server's certificates */

	struct {
		struct tls_profile profile;
		int	 alpn_http11;	/* `alpn: http/1.1`; 0: mirror */
	} tls;

	struct conf_mirror *mirrors;
	size_t		 nmirrors;
	struct conf_icap *icaps;
	size_t		 nicaps;
	struct via_proxy *proxies;	/* `upstream-proxies` */
	size_t		 nproxies;
	struct conf_device *devices;
	size_t		 ndevices;
	struct conf_chain *chains;
	size_t		 nchains;
	/* What was attached to devices and chains goes; or NULL. */
	void		(*release)(struct conf *);
	struct conf_prefixes inside;	/* `endpoints: inside` */
	struct {
		struct conf_list never;	/* contained: prefixes or "@list" */
		/* servers: prefixes, patterns of names or "@list" */
		struct conf_list never_denied;
		char	*state, *cases;	/* files, or NULL */
		int	 release;	/* when the daemon is gone */
		int	 by_address;	/* `identity: address` */
		struct conf_tagfile tags;
		char	*leases;	/* a file, or NULL */
		/* whose neighbours are endpoints; n 0: all */
		struct conf_list interfaces;
	} endpoints;
	struct conf_group *groups;	/* conf/group.h */
	size_t		 ngroups;
	struct conf_segment *segments;	/* conf/segment.h */
	size_t		 nsegments;
	int		 segments_deny;	/* `segments-default: deny` */
	struct conf_quarantine *quarantines;	/* conf/contained.h */
	size_t		 nquarantines;
	struct conf_products {		/* of the operator's */
		char	*path;		/* a directory, or NULL */
		struct conf_product *v;	/* conf/products.h */
		size_t	 n;
	} products;
	struct conf_sensor *sensors;	/* conf/verdicts.h */
	size_t		 nsensors;
	struct conf_response *responses;
	size_t		 nresponses;
	struct conf_notify notify;	/* conf/notify.h */
	/* new quarantines by sensors: so many in so many ms */
	struct conf_breaker {
		unsigned quarantines;
		uint64_t per;
	} breaker;
	struct conf_history {
		int	 given;
		struct conf_pos pos;
		uint64_t size, age;
		/* Captures of it: where; how many files; of so many bytes; so
		 * many at once; for so long after the alarm. */
		char	*directory;
		unsigned keep, at_once;
		uint64_t max_capture, after;
		int	 ports_map, http11, starttls;	/* as a mirror's */
	} history;
	struct conf_named_list *lists;
	size_t		 nlists;
	struct conf_feed *feeds;
	size_t		 nfeeds;
	struct conf_named_list *categories;	/* of all feeds */
	size_t		 ncategories;
	struct text	 odd_feeds;	/* warnings of lines left out */
	struct {
		int	 given;
		struct geo *db;		/* NULL: none, or none was read */
	} geo;
	struct conf_own	*owns;		/* `certificates:` */
	size_t		 nowns;
	struct conf_file *files;	/* of users, own servers ... */
	size_t		 nfiles;
	struct conf_inspect inspect;	/* for rules without their own */
	struct conf_rule *rules;	/* the last has no conditions */
	size_t		 nrules;

	struct {
		enum conf_on untrusted_server, expired_server, name_mismatch,
		    revoked_server, incomplete_chain, client_certificate_wanted,
		    no_sni, ech, handshake_failure, client_refused, overload;
	} on;
	struct conf_list ech_names;	/* patterns, besides our own */
	struct conf_learn learn;

	struct conf_pages pages;
	enum conf_reload reload;
	struct conf_stamp stamp;	/* of its file, before it was read */
	int		 monitor;		/* nothing is decrypted */
	int		 confirm_bypass;	/* by name; default yes */
	enum conf_forge	forge_names;	/* in forged certificates */
	uint64_t	 forge_lifetime;

	struct {
		int	 level;		/* enum log_level */
		unsigned events;	/* 1 << EVENT_* */
		char	*file;		/* NULL: none; "-": stdout */
		char	*keys;		/* NULL: none */
	} log;

	char		*control_socket;	/* NULL: none */
	struct addr	 metrics;		/* AF_UNSPEC: none */

	struct {
		unsigned connections, handshakes, per_client;
		uint64_t memory, head;
	} limits;
	struct {
		uint64_t hello, handshake, linger;
		uint64_t idle, idle_stream;	/* HTTP; all else */
		uint64_t keepalive;	/* 0: none */
	} timeouts;
};

enum conf_event {
	EVENT_FLOW, EVENT_TLS, EVENT_HTTP, EVENT_ICAP, EVENT_ALERT, EVENT_STATS,
	EVENT_WS
};

/*
 * Read and check a file. Returns 0, with a snapshot in *out that has one
 * reference; or ERR_USAGE, with *out NULL and every error appended to errors,
 * one "FILE:LINE:COL: what is wrong, what would be right" per line. It looks at
 * the file system (lists, CA files exist), but opens no device and needs no
 * privilege.
 */
int		 conf_load(const char *path, struct conf **out,
		    struct text *errors);
/* The same for text already in memory; path is for the messages. */
int		 conf_parse(const char *path, const char *yaml, size_t len,
		    struct conf **out, struct text *errors);

/*
 * The questions that a check asks the system. Without a member the answer is
 * that files exist, lists are empty and filters are right.
 */
struct conf_world {
	/* Append the file to out: 0, ERR_SYS, or ERR_LIMIT past max bytes. */
	int	(*read)(const char *path, size_t max, struct text *out);
	/* 0 if the path exists, or if we may not look; or ERR_SYS. */
	int	(*exists)(const char *path);
	/*
	 * 0; or ERR_FORMAT with libpcap's words about the expression, or
	 * because it passes none of our frames.
	 */
	int	(*filter)(const char *expression, struct text *why);
	void	(*stamp)(const char *path, struct conf_stamp *);
	/* Append the names in a directory, in their order, a NUL behind each.
	 * 0, or ERR_SYS: it is none. */
	int	(*list)(const char *path, struct text *out);
};
extern const struct conf_world conf_world_real, conf_world_none;

/* conf_parse() in a world of the caller's; for tests and fuzzing. */
int		 conf_parse_in(const struct conf_world *, const char *path,
		    const char *yaml, size_t len, struct conf **out,
		    struct text *errors);

struct conf	*conf_ref(struct conf *);
void		 conf_unref(struct conf *);

/*
 * Whether both have the same values of a key and of all below it. The key is
 * written as "log.file".
 */
int		 conf_same(const struct conf *, const struct conf *,
		    const char *key);

/*
 * Whether two mirrors or services are set alike; whether two configurations
 * have the same in all that struct tls is made of, as far as their files could
 * be read.
 */
int		 conf_mirror_same(const struct conf_mirror *,
		    const struct conf_mirror *);
int		 conf_icap_same(const struct conf_icap *,
		    const struct conf_icap *);
/* ... have the same files, with the same in them. */
int		 conf_own_same(const struct conf_own *,
		    const struct conf_own *);
int		 conf_tls_same(const struct conf *, const struct conf *);

const char	*conf_action_str(enum conf_action);
/* The words of `certificate: status`. conf_status: 0, or ERR_FORMAT. */
const char	*conf_status_str(enum tls_verify);
int		 conf_status(const char *, enum tls_verify *);

/* Whether a client is outside, and its server an endpoint inside. */
int		 conf_from_outside(const struct conf *,
		    const struct addr *client, const struct addr *server);

/* Whether two rules have the same upstream proxies, in the same order. */
int		 conf_proxies_same(const struct conf_rule *,
		    const struct conf_rule *);

/* The most devices that a session goes through. */
size_t		 conf_hops(const struct conf *);

/*
 * Append "FILE:LINE:COL: warning: ..." for each value that is valid but perhaps
 * not meant. conf_mirror_open does so for one mirror: it returns 1 with the
 * sentence in why, or 0.
 */
void		 conf_warnings(const struct conf *, struct text *out);
int		 conf_mirror_open(const struct conf_mirror *,
		    struct text *why);

#endif
