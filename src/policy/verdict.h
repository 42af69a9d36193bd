/*
 * What becomes of a verdict of the rules: by `on:`, `must-decrypt` and
 * `mode: monitor`, as far as it follows from the facts. Pure; the daemon and
 * explain ask the same functions.
 */
#ifndef POLICY_VERDICT_H
#define POLICY_VERDICT_H

#include "policy/facts.h"
#include "util/text.h"

/* Do otherwise than the rule says, for this reason. */
void		 verdict_change(struct verdict *, enum conf_action,
		    enum undecrypted, const char *why);

/* Whether both do the same, even if by different rules. */
int		 verdict_same(const struct verdict *, const struct verdict *);

struct on_said {		/* what a key of `on:` says */
	const char	*key;		/* NULL: there is no fault */
	enum conf_on	 on;
};

/* Of a hello without a name, or with ECH. */
struct on_said	 on_hello(const struct conf *, const struct facts *);
/* Of a server whose certificate verified like this: facts.verify, late and
 * lacks_issuer. */
struct on_said	 on_server(const struct conf *, const struct facts *);

/* A verdict of decrypt, by what on_hello() said. 1: it is another one now. */
int		 verdict_hello(struct verdict *, const struct on_said *);
/* `mode: monitor`: everything passes, and why tells what it would be. */
void		 verdict_monitor(struct verdict *);

/*
 * All of this at once, for what was not seen by a session: v is the policy's.
 * What is learned, and handshakes that fail, are not in the facts. Returns the
 * key that has decided; its text is facts.verify_text, or v->why.
 */
struct on_said	 verdict_apply(struct verdict *, const struct conf *,
		    const struct facts *);
/* The same, with a line in out if there is something to tell. */
void		 verdict_explain(struct verdict *, const struct conf *,
		    const struct facts *, struct text *out);

#endif
