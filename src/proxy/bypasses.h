/*
 * Sites that are not decrypted although the rules say decrypt: because trying
 * to has failed (`learn:`), or because an operator has said so (ctl exempt).
 * One table for the process, of a bounded size; it knows no configuration, and
 * so outlives each. Any thread.
 *
 * A site is the name that the client asks for, or else the server's address.
 * What a client did counts for its name and the client's JA4: one that pins a
 * certificate fails, and the browser beside it is decrypted. What a server did
 * counts for its address, too. An exemption counts for the name and all names
 * below it.
 */
#ifndef PROXY_BYPASSES_H
#define PROXY_BYPASSES_H

#include "policy/facts.h"

struct bypasses;

/* rows: at most so many; seed: random, for peers choose the names. */
struct bypasses	*bypasses_new(unsigned rows, uint64_t seed);
void		 bypasses_free(struct bypasses *);

enum bypass {
	BYPASS_NO,		/* decrypt it */
	BYPASS_YES,
	BYPASS_TRY		/* decrypt this one, to see whether it works
				 * now; bypasses_worked() or bypasses_failed()
				 * says whether it did */
};
/* BYPASS_YES: what is why, and bypasses_why() has the words. */
enum bypass	 bypasses_ask(struct bypasses *, const struct facts *,
		    const struct conf_learn *, enum undecrypted *what);
const char	*bypasses_why(enum undecrypted);	/* static */

/*
 * A session could not be decrypted: UNDECRYPTED_REFUSED, UNDECRYPTED_FAILURE,
 * or UNDECRYPTED_CERT, which needs no second failure.
 */
enum bypass_learned {
	BYPASS_COUNTED,		/* not often enough so far */
	BYPASS_LEARNED,		/* that was the last that it took */
	BYPASS_KNOWN		/* it was to be bypassed anyway */
};
enum bypass_learned bypasses_failed(struct bypasses *, const struct facts *,
		    const struct conf_learn *, enum undecrypted);
/* It was decrypted: forget what was learned of it. */
void		 bypasses_worked(struct bypasses *, const struct facts *);

/* Bypass a site (canonical) for ms. 0, or ERR_LIMIT: there are too many. */
int		 bypasses_exempt(struct bypasses *, const char *site,
		    uint64_t ms);
/* Forget all, or only exemptions, of a site and those below it. Returns how
 * many there were. */
unsigned	 bypasses_clear(struct bypasses *, const char *site,
		    int exempt_only);

struct bypass_row {		/* good during the call */
	const char	*site;
	const char	*ja4;		/* "": any client */
	const struct addr *server;	/* AF_UNSPEC: any */
	enum undecrypted what;
	int		 active;	/* it is bypassed; 0: failures are
					 * counted */
	unsigned	 failures, clients;
	uint64_t	 left, probe;	/* ms: until it is forgotten, until it
					 * is tried (0: never) */
};
/* Show all, those that are bypassed first. */
void		 bypasses_each(struct bypasses *,
		    void (*)(void *arg, const struct bypass_row *), void *arg);

#endif
