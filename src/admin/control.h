/*
 * The control socket: a UNIX socket, 0600. Each line is a request, and each
 * answer is one line of JSON (admin/verbs.h). It lives on the main base.
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include "admin/admin.h"
#include "util/text.h"

struct control;

/*
 * Bind and listen. Creates the last directory of path if it is missing, and
 * replaces a socket that nobody answers on. env must outlive it. Returns 0, or
 * ERR_* with one sentence in why.
 */
int	control_new(struct admin_env *, const char *path, struct control **,
	    struct text *why);
/* Take no more clients, and remove the socket's file. */
void	control_stop(struct control *);
/* Call it after the workers have ended: until then they may bring answers. */
void	control_free(struct control *);

#endif
