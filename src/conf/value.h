/*
 * The types of single values: text -> a checked field. The comments name the
 * C type, and the members of struct key that the type uses.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "conf/schema.h"

extern const struct type type_text;	/* char *; KEY_NONE, max: length */
extern const struct type type_name;	/* char *; of a listener, rule, ... */
extern const struct type type_bool;	/* int */
extern const struct type type_uint;	/* unsigned; min, max; arg: a word */
extern const struct word word_auto;	/* for that: "auto", 0 */
extern const struct type type_size;	/* uint64_t, bytes; min, max */
extern const struct type type_time;	/* uint64_t, milliseconds; min, max */
extern const struct type type_word;	/* int; arg: struct word[] */
extern const struct type type_only;	/* nothing; the same */
extern const struct type type_addr;	/* struct addr, with a port */
extern const struct type type_mac;	/* uint8_t[6] */
extern const struct type type_prefix;	/* struct prefix */
extern const struct type type_ports;	/* struct conf_ports */
extern const struct type type_pattern;	/* char *; a name, *.name or @list */
extern const struct type type_domain;	/* char *; the same, without @list */
extern const struct type type_source;	/* char *; a prefix or @list */

/* Whether s is a name; see conf/pattern.h. */
int	name_valid(const char *s);
/* A copy in lower case without a final dot. */
char	*name_lower(const char *s);

#endif
