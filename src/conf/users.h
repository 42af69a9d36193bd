/*
 * Who may use an explicit listener: `authentication:`. The file of users is
 * that of htpasswd(1): a line has a name, a colon, and a hash that crypt(3)
 * knows.
 */
#ifndef CONF_USERS_H
#define CONF_USERS_H

#include <stddef.h>

struct conf_user {
	char		*name;
	char		*hash;
};

struct conf_users {
	struct conf_user *v;		/* in the order of their names */
	size_t		 n;
};

/* NULL: no such user. */
const struct conf_user *conf_users_find(const struct conf_users *,
	    const char *name);

#endif
