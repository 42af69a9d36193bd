/*
 * The client as an endpoint of ours: whether it is contained, and its tags.
 * Those are facts, and the rules decide by them (conf/contained.h, the
 * conditions `tag` and `group`).
 */
#ifndef PROXY_ENDPOINT_H
#define PROXY_ENDPOINT_H

struct facts;
struct session;
struct worker;

/*
 * Ask, when the client is known, and again when it has named a server. A server
 * that its profile lets through makes it as if it were not contained.
 */
void	endpoint_look(struct session *);
/* The same of what has no session: in the facts of a datagram. */
void	endpoint_facts(const struct worker *, struct facts *);
/* Its tags may have changed. */
void	endpoint_renew(struct session *);
void	endpoint_forget(struct session *);
/* Why it is contained, in the words of the verdict; or NULL. */
const char *endpoint_why(const struct session *);

#endif
