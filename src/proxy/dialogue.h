/*
 * The dialogue of a session that began in the clear, and may turn to TLS in the
 * middle (codec/starttls). Two taps read it: the client's side in the client's
 * wire, the server's in the server's, so that what is held here never gets into
 * a device. Once the client has asked for TLS, nothing that it sends goes on
 * before the server has answered. When the server agrees, or there is no more
 * dialogue to read, the session goes to PHASE_UPGRADE (upgrade.c).
 */
#ifndef PROXY_DIALOGUE_H
#define PROXY_DIALOGUE_H

#include "codec/starttls.h"
#include "stream/tap.h"

struct session;

struct dialogue_side {
	struct dialogue	*dialogue;
	enum flow_dir	 dir;
};

struct dialogue {
	struct session	*session;
	struct starttls	 reader;
	struct dialogue_side side[2];
	unsigned	 agreed:1;	/* TLS follows */
	unsigned	 over:1;	/* it holds nothing any more */
	unsigned	 alone:1;	/* there are no other taps */
};

enum starttls_result {		/* for the counters */
	RESULT_AGREED,		/* TLS followed, and the rules were asked */
	RESULT_REFUSED,		/* the server did not agree */
	RESULT_INJECTED_CLIENT,	/* it went on in the clear where TLS had been */
	RESULT_INJECTED_SERVER,	/* ... agreed on: refused */
	RESULT_MAX
};
const char	*starttls_result_str(enum starttls_result);

/* Read the session's dialogue, if it may have one and a rule may want it. */
void		 dialogue_open(struct session *);
/* Nothing is read from the ends of the row until it is let go. */
void		 dialogue_pause(struct session *, int on);
/* All that may go has gone: every flow of the row is empty, but for what is
 * held. */
int		 dialogue_drained(const struct session *);
/* Bytes of that direction that are held behind the agreement. */
size_t		 dialogue_held(const struct session *, enum flow_dir);

#endif
