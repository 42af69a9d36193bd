/*
 * The listeners of a worker.
 */
#ifndef PROXY_ACCEPT_H
#define PROXY_ACCEPT_H

#include <stddef.h>

struct conf;
struct conf_listen;
struct text;
struct worker;

/* Whether there is a listener that can have the same socket. */
int	accept_has(const struct conf *, const struct conf_listen *);
/*
 * Sockets for the listeners of a configuration that another one (or NULL) does
 * not have, for n workers: (*out)[worker][listener], or -1; behind them those
 * for DNS over UDP. 0; or ERR_SYS, without any, and with a sentence in why.
 * accept_drop() closes those that are left and frees it; a worker's that was
 * taken is NULL.
 */
int	accept_open(const struct conf *, const struct conf *before, size_t n,
	    int ***out, struct text *why);
void	accept_drop(int **, size_t n, size_t nlistens);
/*
 * The listeners of conf, which the worker's parts have from now on, in place of
 * those it has: with their sockets where they are the same, and with those
 * given (-1: none) where they are new. Others are closed.
 */
void	accept_take(struct worker *, const struct conf *, const int *sockets);
void	accept_start(struct worker *);
/* No more connections. */
void	accept_stop(struct worker *);
void	accept_close(struct worker *);

#endif
