/*
 * The client as an endpoint of ours: whether it is contained, and its tags.
 * Those are facts, and the rules decide by them (conf/contained.h, the
 * conditions `tag` and `group`).
 */
#ifndef PROXY_ENDPOINT_H
#define PROXY_ENDPOINT_H

struct addr;
struct facts;
struct session;

/*
 * Ask, when the client is known, and again when it has named a server. A server
 * that its profile lets through makes it as if it were not contained.
 */
void	endpoint_look(struct session *);
/*
 * policy_server(), and the server as an endpoint: its MAC address and tags, for
 * segments. The facts may be a copy of the session's, which is good until the
 * next call for a copy.
 */
void	endpoint_server(struct session *, struct facts *,
	    const struct addr *server);
/* Its tags may have changed. */
void	endpoint_renew(struct session *);
void	endpoint_forget(struct session *);
/* Why it is contained, in the words of the verdict; or NULL. */
const char *endpoint_why(const struct session *);

#endif
