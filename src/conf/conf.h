/*
 * The configuration: YAML text -> a checked, immutable snapshot. Times are
 * milliseconds, sizes bytes, names NUL-terminated, lists counted arrays; all
 * of it is owned by struct conf and lives until the last conf_unref().
 * clearspan.yaml(5) is the specification of every key.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "conf/ca.h"
#include "conf/match.h"
#include "conf/pages.h"
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

enum conf_mirror_kind {
	MIRROR_PORT,		/* frames on an interface */
	/* a file: .pcap classic, .pcapng with comments */
	MIRROR_PCAP,
	MIRROR_PCAPIP		/* PCAP-over-IP server */
};

struct conf_prefixes {
	struct prefix	*v;
	size_t		 n;
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

enum conf_offload {		/* who segments and checksums frames */
	OFFLOAD_AUTO,		/* its hardware, if it has any */
	OFFLOAD_ON,		/* the port, whatever it is */
	OFFLOAD_OFF		/* the kernel */
};

struct conf_mirror {
	char		*name;
	enum conf_mirror_kind kind;
	struct conf_pos	 pos;
	struct conf_pos	 place;		/* of its interface, path or address */
	/* MIRROR_PORT */
	char		*interface;
	uint8_t		 source_mac[6];	/* client to server */
	uint8_t		 reply_mac[6];	/* server to client: last octet + 1 */
	uint8_t		 destination_mac[6];
	unsigned	 mtu;		/* 0: the interface's */
	int		 vlan;		/* -1: none */
	enum conf_offload offload;
	/* all kinds */
	int		 ports_map;	/* 443->80 and so on */
	int		 http11;	/* `http2: http/1.1` */
	int		 starttls;	/* `starttls: keep` */
	unsigned	 acks;		/* every this many segments; 0: after
					   every superframe */
	char		*filter;	/* libpcap expression, or NULL */
	/* MIRROR_PCAP */
	char		*path;		/* strftime(3) pattern */
	/* PCAP and PCAPIP: comments, or classic */
	int		 pcapng;
	uint64_t	 rotate_size;	/* 0: never */
	uint64_t	 rotate_ms;	/* 0: never */
	unsigned	 rotate_keep;	/* 0: all */
	/* MIRROR_PCAPIP */
	struct addr	 listen;
	struct conf_prefixes allow;	/* who may read */
	int		 allow_given;	/* else it is the default */
	/* bytes queued for a slow reader or disk */
	uint64_t	 queue;
};

enum conf_oversize {		/* a body past max-body */
	OVERSIZE_DEFAULT,	/* not given: see conf_icap_passes() */
	OVERSIZE_STREAM,	/* send what is held, the rest unscanned */
	OVERSIZE_BYPASS,	/* the same, from the first byte */
	OVERSIZE_BLOCK
};

#define ICAP_PREVIEW_AUTO	(-1)	/* what OPTIONS says */
#define ICAP_PREVIEW_OFF	(-2)
#define CONF_RULE_ICAPS		8	/* services of one rule */
#define CONF_RULE_MIRRORS	8	/* mirrors of one rule */

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

enum conf_mismatch {		/* the certificate lacks the request's name */
	MISMATCH_BLOCK,		/* 421 */
	MISMATCH_LOG,
	MISMATCH_ALLOW
};

/*
 * Whether messages pass that a service cannot see whole: endless media, and
 * bodies past max-body. The service's own keys decide; without them they are
 * held back if the service fails closed and `inspect: endless` is closed.
 */
int	conf_icap_passes(const struct conf_icap *, int respmod,
	    int endless_open);

/* HTTPS records in answers of DNS; STRIP is those without a signature. */
enum conf_dns { DNS_PASS, DNS_STRIP, DNS_STRIP_SIGNED };

enum conf_ranges {		/* of an object that a service sees */
	RANGES_STRIP,		/* no part of it is asked for */
	RANGES_PASS,
	RANGES_WHOLE		/* nor here, but the client gets its part */
};

/* `inspect:`, of a rule or of all: what may not opt out of inspection. */
struct conf_inspect {
	enum conf_mismatch host_mismatch;
	int		 of_rule;	/* a rule owns it; else conf.inspect */
	/* content codings, lower case; or "any" alone */
	struct conf_list encodings;
	int		 endless_open;	/* see conf_icap_passes() */
	/* A body without a length is a stream if it has fewer bytes than below
	 * after so many ms; 0: that says nothing. */
	struct {
		uint64_t after, below;
	} streams;
	/* protocols that may be switched to, lower case */
	struct conf_list upgrade;
	/* The client gets so many bytes of a response that is held, after so
	 * many ms and then again after so many; bytes 0: it gets none. */
	struct conf_trickle {
		uint64_t after, bytes, every;
	} trickle;
	int		 non_http_block; /* block what is not HTTP */
	int		 alt_svc_pass;	/* QUIC may be offered in Alt-Svc */
	enum conf_dns	 dns;		/* ... and ECH, in DNS */
	enum conf_ranges ranges;
};

enum conf_device_kind {		/* how a device forwards */
	DEVICE_L2,		/* a bridge: it has no addresses */
	DEVICE_L3		/* a router, with an address on either side */
};

#define CONF_DEVICES		64	/* of all, and of one slot */
#define CONF_CHAIN_SLOTS	8	/* of one chain: hops of a session */

struct device;			/* chain/device.h */
struct slot_state;

struct conf_device {			/* one of `devices:` */
	char		*name;
	struct conf_pos	 pos;
	struct conf_pos	 port_pos[2];	/* of inside and outside */
	enum conf_device_kind kind;
	char		*inside, *outside;	/* our ports' interfaces */
	/* DEVICE_L3: the device's own, with their prefixes' lengths; [0] is
	 * IPv4, [1] IPv6, and a family of 0 says that there is none */
	struct prefix	 inside_address[2], outside_address[2];
	unsigned	 weight;	/* 1 to 100 */
	unsigned	 connections;	/* at once; 0: no limit */
	int		 offload;	/* it takes superframes, unsummed */
	struct {
		uint64_t every;		/* ms between probes */
		unsigned down, up;	/* misses, hits in a row */
		uint64_t hold;		/* ms that it must stay well */
		/* a file that must not come through, or NULL */
		char	*must_block;
	} health;
	/* What runs for it. device_attach() sets it before others see the
	 * snapshot, which has a reference; NULL in a check. */
	struct device	*running;
};

struct conf_slot {
	char		*name;
	struct conf_pos	 pos;
	const struct conf_device **devices; /* of the same conf */
	size_t		 ndevices;	/* 1 or more */
	int		 fail_open;	/* no device: go on without it */
	struct slot_state *running;	/* as with a device */
};

struct conf_chain {			/* one of `chains:` */
	char		*name;
	struct conf_pos	 pos;
	struct conf_slot *slots;	/* in the client's order */
	size_t		 nslots;	/* 1 or more */
	int		 ports_map;	/* devices see 443 as 80 and so on */
	int		 http11;	/* `http2: http/1.1` */
	unsigned	 also;		/* CHAIN_ALSO_* */
	uint64_t	 verdict_timeout;	/* ms */
};
#define CHAIN_ALSO_BYPASSED	1	/* TLS that is not decrypted */
#define CHAIN_ALSO_PLAIN	2	/* what is not TLS */

struct conf_stamp {			/* a file's state; zeros: not there */
	uint64_t	 dev, ino, size;
	int64_t		 sec, nsec;	/* modified */
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
		struct conf_pos	user, log_file, trust, trust_also,
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
	struct conf_list crl;		/* PEM files or directories ... */
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

int		 conf_prefixes_have(const struct conf_prefixes *,
		    const struct addr *);

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
