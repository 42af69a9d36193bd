/*
 * The tables of every key of clearspan.yaml(5), and the checks that run once a
 * mapping has been read.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "conf/schema.h"

extern const struct map map_conf;	/* the whole file: struct conf */
extern const struct map map_icap_url;	/* struct conf_icap_url */
extern const struct map map_icap_fail;	/* conf_icap.fail */
extern const struct map map_icap;	/* struct conf_icap */
/* Sizes in bytes, times in ms. */
#define K	((uint64_t)1 << 10)
#define M	((uint64_t)1 << 20)
#define G	((uint64_t)1 << 30)
#define T	(G << 10)
#define SEC	((uint64_t)1000)
#define HOUR	(3600 * SEC)
#define DAY	(24 * HOUR)

extern const struct listof mirror_list;	/* mirror.c */
extern const struct map map_mirror;	/* struct conf_mirror */

/* For struct map's after, in check.c. */
void	check_conf(struct load *, yaml_node_t *, void *);
void	check_listen(struct load *, yaml_node_t *, void *);
void	check_side(struct load *, yaml_node_t *, void *);
void	check_icap(struct load *, yaml_node_t *, void *);
void	check_certificate(struct load *, yaml_node_t *, void *);
void	check_match(struct load *, yaml_node_t *, void *);
void	check_rule(struct load *, yaml_node_t *, void *);
void	check_pages(struct load *, yaml_node_t *, void *);	/* pages.c */
void	check_captive(struct load *, yaml_node_t *, void *);

/* Sets who may use a service if `allow` is not given. */
void	allow_default(struct conf_prefixes *);

/*
 * Shared by the checks. check_name: of n items, each starting with its name,
 * does an earlier one have the name of the last? check_unwanted: tells of keys
 * (the list ends with NULL) that make no sense beside another. The last one
 * returns whether a key is given with that text.
 */
void	check_name(struct load *, yaml_node_t *, const char *what, void *,
	    size_t n, size_t size);
void	check_unwanted(struct load *, yaml_node_t *, const char *const *keys,
	    const char *goes_with);
int	check_says(struct load *, yaml_node_t *map, const char *name,
	    const char *text);
/* A list of conditions must not be empty; keys end with NULL. */
void	check_filled(struct load *, yaml_node_t *, const char *const *keys);

/*
 * Of n items that start with their names, find the one named s. Returns 0; or
 * ERR_FORMAT with why, which says that there is no such thing (what) under that
 * key, and which is near.
 */
int	ref_find(const void *, size_t n, size_t size, const char *what,
	    const char *under, const char *s, size_t *index, struct text *why);

/*
 * Hash PEM files into sum[32]. A directory, or the word "system", counts by its
 * name alone. paths may have NULLs; if one cannot be read, sum stays.
 */
void	check_sum(struct load *, const char *const *paths, size_t n,
	    uint8_t *sum);
/* Zeros count as the same as any. */
int	sum_same(const uint8_t[32], const uint8_t[32]);

/* The CAs, in ca.c; but what all have in common is checked in check.c. */
extern const struct map map_ca;		/* struct conf_ca, that of `ca:` */
extern const struct listof ca_list;
extern const struct type type_ca;	/* size_t: see conf_ca() */
void	check_ca_files(struct load *, yaml_node_t *, struct conf_ca *);

/* Own servers' certificates, in own.c. */
extern const struct listof own_list;
extern const struct map map_client;	/* struct conf_own, of a rule */

/* Types that only the tables use, in refs.c. */
extern const struct type type_events;	/* unsigned, of bits; arg: words */
extern const struct type type_lists;	/* conf.lists: name -> file */
extern const struct type type_mirror;	/* size_t: index of a mirror */
extern const struct type type_service;	/* size_t: index of an ICAP service */
extern const struct type type_listener;	/* char *: a listener's name */
extern const struct type type_ciphers;	/* char *: for TLS 1.2 */
extern const struct type type_groups;	/* char * */
extern const struct type type_filter;	/* char *: libpcap's */
extern const struct type type_protocol;	/* char *: arg: words */

/* In covers.c: tell of each rule that one before it leaves nothing for. Only
 * after the rules have been read without a problem. */
void	check_reached(struct load *, yaml_node_t *rules);

/* What `categories` has made, in feed.c. */
void	feeds_drop(struct conf *);

/* Rules, in rule.c. */
extern const struct listof rule_list;

/* Types of conditions, in cond.c. */
extern const struct word conf_statuses[];	/* of enum tls_verify */
/* struct vec of struct conf_feed, and conf.categories; arg: feed_list */
extern const struct type type_feeds;
extern const struct listof feed_list, rule_categories;
extern const struct type type_category;	/* char *: lower case; of a rule */
extern const struct map map_geo;	/* conf.geo; geo.c */
extern const struct listof rule_countries;
extern const struct type type_window;	/* struct conf_window; window.c */
extern const struct type type_user;	/* char *: a name, or "@list" */
extern const struct type type_mac_pattern;	/* char *: "02:00:5e:*" */
/* Groups and tags, in group.c. */
extern const struct listof group_list, rule_groups, rule_tags;
extern const struct type type_group;	/* char *: a group's name */
extern const struct type type_tag;	/* char * */
/* struct conf_tagfile, in tagfile.c */
extern const struct type type_tagfile;
extern const struct type type_ja3;	/* char *: lower case */
extern const struct type type_ja4;	/* char *: "*" is any part */

/* Types of the section icap, in icap.c. */
/* char *url, and what follows: all of struct conf_icap_url's start */
extern const struct type type_icap_url;
extern const struct type type_preview;	/* int64_t, ICAP_PREVIEW_*; max */
extern const struct type type_auth;	/* char *: "user:password" */
extern const struct type type_field;	/* char *: "Name: value" */
extern const struct type type_field_name; /* char * */
extern const struct type type_media;	/* char *: a media type, a final star */
extern const struct type type_fail;	/* conf_icap.fail; arg: words */

/* The section inspect, in inspect.c. */
extern const struct map map_inspect;	/* struct conf_inspect */
extern const struct listof coding_list;	/* char *: a content coding, or any */
extern const struct type type_inspect;	/* struct conf_inspect *, of a rule */
void	inspect_default(struct conf_inspect *);
/* "any" in a list of codings stands alone, and the list is not empty. */
void	check_codings(struct load *, yaml_node_t *, const char *key,
	    const struct conf_list *);

/* The sections devices and chains, in chain.c and checkchain.c. */
extern const struct listof device_list, chain_list, rule_mirrors;
extern const struct type type_chain;	/* struct conf_chain *; or "none" */
void	check_health(struct load *, yaml_node_t *, void *);
void	check_device(struct load *, yaml_node_t *, void *);
void	check_slot(struct load *, yaml_node_t *, void *);
void	check_chain(struct load *, yaml_node_t *, void *);
/* check_rule() and check_conf(), and what they have to do with chains. */
void	check_rule_chain(struct load *, yaml_node_t *, void *);
void	check_conf_chain(struct load *, yaml_node_t *, void *);
/* A file that is read besides: its changes are watched for. */
void	load_file(struct load *, const char *path);

/* authentication of a listener, in users.c: struct conf_auth */
extern const struct map map_auth;
/* Upstream proxies, in upproxy.c. */
extern const struct listof proxy_list, rule_proxies;
/* Quarantines, in contained.c; what they mean goes before the rules. */
extern const struct listof quarantine_list;
void	quarantine_rules(struct conf *);
extern const struct listof never_denied_list;	/* denied.c */
/* Segments, in segment.c; their rules go behind those of quarantines. */
extern const struct listof segment_list;
extern const struct word segment_defaults[];
void	segment_rules(struct conf *);
/* What sensors say, and what is done about it, in verdicts.c. */
extern const struct listof sensor_list, response_list;
extern const struct map map_breaker;
/* Those of them with `listen`, in rest.c. */
extern const struct type type_tokens;	/* struct conf_tokens: their file */
extern const struct word conf_roles[];	/* of enum conf_role */
struct conf_sensor;
void	check_rest(struct load *, yaml_node_t *, struct conf_sensor *);
extern const struct map map_history;	/* struct conf_history; history.c */
extern const struct map map_notify;	/* conf.notify; notify.c */
extern const struct type type_fields;	/* struct vec of struct conf_field */
extern const struct type type_products;	/* struct conf_products */
/* In used.c and hostbits.c. */
void	hostbits_warnings(const struct conf *, struct text *out);
void	chain_warnings(const struct conf *, struct text *out);

#endif
