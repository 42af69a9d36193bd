/*
 * The tap that reads what DNS servers answer (inspect: dns).
 */
#ifndef PROXY_DNSTAP_H
#define PROXY_DNSTAP_H

struct session;

/* If the rule wants it, and the port is one of DNS. */
void	dnstap_open(struct session *);

#endif
