/*
 * What a configuration needs from this machine: a CA that loads, the user, a
 * place for the event log. Both `clearspan check` and the daemon, before it
 * starts anything, check it here, so that both say the same.
 */
#ifndef MAIN_HERE_H
#define MAIN_HERE_H

#include "conf/conf.h"
#include "util/text.h"

/*
 * Runs conf_load() and checks this machine. Returns 0, or ERR_USAGE with a line
 * "FILE:LINE:COL: what is wrong, what would be right" for each error.
 */
int	here_load(const char *path, struct conf **out, struct text *errors);

/*
 * Whether user may access path in this mode (R_OK, W_OK, X_OK of access(2)).
 * Returns 0 or an errno. If user is NULL, or we are not root and cannot become
 * another user, it asks for ourselves.
 */
int	here_may(const char *user, const char *path, int mode);

/* Write to out a command that lets user read path. */
void	here_mend_read(const char *user, const char *path, struct text *out);

/*
 * Check that the event log can be opened. Returns 0, or ERR_DENIED with the
 * reason in why and a command that mends it in mend.
 */
int	here_log(const struct conf *, struct text *why, struct text *mend);

/*
 * After here_load(): write to out the warnings of conf_warnings() and of the
 * CAs, as lines "FILE:LINE:COL: warning: ...".
 */
void	here_warnings(const struct conf *, struct text *out);

/* Check the trust, the mirrors, the devices' ports and the services
 * (here_parts.c). */
void	here_parts(const struct conf *, struct text *errors);

/* The same of the targets of `notify:` (here_notify.c). */
void	here_notify(const struct conf *, struct text *errors);
void	here_notify_warnings(const struct conf *, struct text *out);
/* The certificates of REST; and (part of here_warnings()) who can read its
 * tokens (here_rest.c). */
void	here_rest(const struct conf *, struct text *errors);
void	here_rest_warnings(const struct conf *, struct text *out);

/* Add a line to errors: the value of key is wrong. mend may be "". */
void	here_problem(const struct conf *, struct conf_pos, struct text *errors,
	    const char *key, const char *what, const char *mend);

/* The user that we are, or become at start; the caller frees. */
char	*here_user(const struct conf *);

#endif
