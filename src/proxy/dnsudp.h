/*
 * DNS over UDP through a transparent listener (listen: dns). Each query is
 * judged by the rules as a connection to its server is that speaks neither TLS
 * nor HTTP: block and warn answer REFUSED, reset says by ICMP that nobody is
 * there, bypass lets it pass unread, and with decrypt its answer is blunted as
 * `inspect: dns` says (codec/dnsmsg). It goes on from the client's own address
 * and port, or from ours, as upstream: keep-client-address says; and its answer
 * comes back from the server's. What is no DNS, or was not asked for, is
 * dropped.
 */
#ifndef PROXY_DNSUDP_H
#define PROXY_DNSUDP_H

#include <event2/util.h>

struct conf_listen;
struct dnsudp;
struct text;
struct worker;

/* A socket for a listener, or ERR_* with a sentence in why. */
int	dnsudp_listen(const struct conf_listen *, struct text *why);
/* A struct listener's socket for DNS has queries. */
void	dnsudp_event(evutil_socket_t, short, void *listener);
/* Whether the worker has queries that wait for answers. */
int	dnsudp_waits(const struct worker *);
void	dnsudp_free(struct dnsudp *);

#endif
