/*
 * The listeners of a worker.
 */
#ifndef PROXY_ACCEPT_H
#define PROXY_ACCEPT_H

struct conf;
struct conf_listen;
struct text;
struct worker;

/* See worker_listen(). */
int	accept_has(const struct conf *, const struct conf_listen *);
int	accept_open(const struct conf *, const struct conf *before, int *out,
	    const char **no_tproxy, struct text *why);
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
