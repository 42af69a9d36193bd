/*
 * The control socket: a UNIX socket, 0600, on which each line is a request
 * and each answer one line of JSON (admin/verbs.h). Lives on the main base.
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include "admin/admin.h"
#include "util/text.h"

struct control;

/*
 * Bind and listen; makes the last directory of path when it is missing, and
 * replaces a socket nobody answers on. env must outlive it. 0, or ERR_* with
 * one sentence in why.
 */
int	control_new(struct admin_env *, const char *path, struct control **,
	    struct text *why);
/* No more clients; the socket's name goes. */
void	control_stop(struct control *);
/* After the workers have ended, for they may still bring answers. */
void	control_free(struct control *);

#endif
