/*
 * What a configuration asks of this machine, beyond what its text says: a CA
 * that loads, the user, a place for the event log. Asked before anything is
 * started, and by `clearspan check`, so that both say the same.
 */
#ifndef MAIN_HERE_H
#define MAIN_HERE_H

#include "conf/conf.h"
#include "util/text.h"

/*
 * conf_load(), and what is asked of this machine. 0, or ERR_USAGE with a line
 * "FILE:LINE:COL: what is wrong, what would be right" for each in errors.
 */
int	here_load(const char *path, struct conf **out, struct text *errors);

/*
 * Whether user may (R_OK, W_OK, X_OK as in access(2)) path: 0 or an errno.
 * For ourselves where user is NULL, or we are not root and can be no other.
 */
int	here_may(const char *user, const char *path, int mode);

/* How to let user read path, as a command; into out. */
void	here_mend_read(const char *user, const char *path, struct text *out);

/*
 * What keeps the event log from being opened: 0, or ERR_DENIED with what is
 * wrong in why and the command that mends it in mend.
 */
int	here_log(const struct conf *, struct text *why, struct text *mend);

/*
 * After here_load(): what works and is perhaps not meant, of conf_warnings()
 * and of the CAs, a line "FILE:LINE:COL: warning: ..." each; into out.
 */
void	here_warnings(const struct conf *, struct text *out);

/* What trust, mirrors and services ask of the machine (here_parts.c). */
void	here_parts(const struct conf *, struct text *errors);

/* One line of errors: what is wrong with the value of key; mend may be "". */
void	here_problem(const struct conf *, struct conf_pos, struct text *errors,
	    const char *key, const char *what, const char *mend);

/* The user we are, or become when started; the caller frees. */
char	*here_user(const struct conf *);

#endif
