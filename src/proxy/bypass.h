/*
 * Pipes for bypass.
 */
#ifndef PROXY_BYPASS_H
#define PROXY_BYPASS_H

struct pipes;

/* Close those that are idle. */
void	pipes_done(struct pipes *);

#endif
