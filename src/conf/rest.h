/*
 * A sensor with `listen`: the REST port. Who may use it is in its file of
 * tokens. A line is the token alone, or NAME:ROLE:TOKEN.
 */
#ifndef CONF_REST_H
#define CONF_REST_H

#include <stddef.h>

#define TOKEN_MIN	16	/* characters: none is guessed */
#define TOKEN_MAX	256

/* Bits: a route names all that may use it. */
enum conf_role {
	ROLE_SENSOR = 1,	/* says verdicts, and undoes its own */
	ROLE_VIEWER = 2,	/* looks */
	ROLE_OPERATOR = 4	/* does everything */
};

struct conf_token {
	char		*name;
	enum conf_role	 role;
	char		*token;
};

struct conf_tokens {
	struct conf_token *v;
	size_t		 n;
	char		*path;		/* NULL: none is asked for */
};

struct conf_sensor;

/* "sensor", "viewer", "operator"; static. */
const char	*conf_role_str(enum conf_role);
/* Of these tokens the one that is this text, in a time that does not depend on
 * where it differs; or NULL. */
const struct conf_token *conf_token_find(const struct conf_tokens *,
		    const char *text, size_t len);

#endif
