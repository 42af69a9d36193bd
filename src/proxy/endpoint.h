/*
 * The client as an endpoint of ours: whether it is contained, and its tags.
 * Those are facts, and the rules decide by them (conf/contained.h, the
 * conditions `tag` and `group`).
 */
#ifndef PROXY_ENDPOINT_H
#define PROXY_ENDPOINT_H

struct conf;
struct conf_quarantine;
struct contained;
struct addr;
struct facts;
struct session;
struct worker;

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
/*
 * The same for a client without a session, which has sent a datagram: f has
 * client, server and port, and gets the MAC, the denials and what is contained.
 * Returns a reference to go with that, or NULL.
 */
struct contained *endpoint_ask(const struct worker *, const struct conf *,
	    struct facts *);
/* The profile of one who is contained; one that was taken away is the
 * strictest. */
const struct conf_quarantine *endpoint_profile(const struct conf *,
	    const struct contained *);
/* Why it is contained, in the words of the verdict; or NULL. */
const char *endpoint_why(const struct session *);

#endif
