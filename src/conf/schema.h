/*
 * The engine under the tables in keys.c. A table of keys describes a mapping
 * of the YAML text; each key has a type, a range, a default and the field it
 * fills. The same tables set the defaults and free the fields.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "conf/conf.h"
#include "conf/problem.h"

struct load {			/* one run over one text */
	const char	*path;
	const struct conf_world *world;
	yaml_document_t	 doc;
	struct conf	*conf;	/* being filled, in the order of the tables */
	struct problems	 problems;
};

struct key;

/*
 * A type has parse (from a single value) or set (from any node), not both. Two
 * values are compared by same, or as plain memory of size bytes, or as texts
 * where text_drop frees them; others count as different.
 */
struct type {
	/* 0, or ERR_FORMAT with what is wrong and what is right in why. */
	int	(*parse)(struct load *, const struct key *, const char *,
		    void *field, struct text *why);
	void	(*set)(struct load *, const struct key *, yaml_node_t *,
		    void *field);
	void	(*drop)(const struct key *, void *field);
	size_t	size;
	int	(*same)(const struct key *, const void *, const void *);
};

struct key {
	const char	*name;
	const struct type *type;
	size_t		 offset;	/* of the field in its struct */
	const char	*def;		/* as text; NULL: zeros */
	uint64_t	 min, max;	/* max 0: the type's own bound */
	const void	*arg;		/* for the type; see below */
	unsigned	 flags;		/* KEY_* */
	const char	*hint;		/* for KEY_REQUIRED: what to write */
	size_t		 given;		/* offset of an int, 1 if the key is
					 * given; 0: nobody asks */
};

#define KEY_REQUIRED	1
#define KEY_EXISTS	2		/* a path; something must be there */
#define KEY_NONE	4		/* "none" leaves the text NULL */
#define KEY_SYSTEM	8		/* KEY_EXISTS, or "system" */
#define KEY_CA		16		/* KEY_EXISTS; `ca create` makes it */
#define KEY_ALONE	32		/* of a list: one mapping is a list */

struct word {				/* type_word's arg; ends with NULL */
	const char	*name;
	int		 value;
	int		 later;		/* reserved: an error until it works */
};

struct map {				/* type_map's arg */
	const char	*what;		/* "listener": for messages */
	const struct key *keys;		/* ends with a NULL name */
	void		(*after)(struct load *, yaml_node_t *, void *);
};

struct listof {				/* type_list's arg; max: how many */
	size_t		 size;		/* of one element */
	struct key	 item;		/* its name is the list's; offset 0 */
};

/* How type_list lies in a struct: a pointer and a count, side by side. */
struct vec {
	void		*v;
	size_t		 n;
};

extern const struct type type_later;	/* reserved key */
extern const struct type type_map;	/* a struct */
/* In a list: a struct, of which the first key may be given alone. arg: map */
extern const struct type type_short;
extern const struct type type_list;	/* a struct vec; one value is a list */

void	 schema_map(struct load *, const struct map *, yaml_node_t *, void *);
void	 schema_defaults(struct load *, const struct map *, void *);
void	 schema_drop(const struct map *, void *);
/* Whether two structs have the same value of a key, written "a.b"; NULL: of
 * all keys. */
int	 schema_same(const struct map *, const char *key, const void *,
	    const void *);
/* The drop of a char *. */
void	 text_drop(const struct key *, void *field);

/* A problem at a node of the text. */
void	 load_problem(struct load *, yaml_node_t *, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
struct conf_pos	 node_pos(const yaml_node_t *);
/* The value of a mapping's key, or NULL. */
yaml_node_t	*node_get(struct load *, yaml_node_t *, const char *);
yaml_node_t	*node_key(struct load *, yaml_node_t *, const char *);
/* A list's entries, in whose place one entry may stand alone. */
size_t		 node_count(const yaml_node_t *);
yaml_node_t	*node_item(struct load *, yaml_node_t *, size_t);
/* A single value's text, or NULL after telling the problem. */
const char	*node_text(struct load *, const char *what, yaml_node_t *);
/* The nearest of n names, or NULL if none is near. */
const char	*nearest(const char *, const char *const *, size_t n);

#endif
