/*
 * The listeners of a worker.
 */
#ifndef PROXY_ACCEPT_H
#define PROXY_ACCEPT_H

struct text;
struct worker;

/* Bind them; 0, or ERR_SYS with a sentence in why. */
int	accept_bind(struct worker *, struct text *why);
void	accept_start(struct worker *);
/* Close them. */
void	accept_stop(struct worker *);

#endif
