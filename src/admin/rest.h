/*
 * REST: a server of HTTP for each sensor with `listen`, on the main thread. It
 * says who asks (by token, or certificate of the client), finds the route, and
 * gives the request to its handler. What can be asked is in tables of routes.
 *
 * Peers are bounded: connections, the size of heads and bodies, and the time
 * for each step. A body is read only once its head has been let in.
 */
#ifndef ADMIN_REST_H
#define ADMIN_REST_H

#include <jansson.h>
#include <stddef.h>

#include "admin/admin.h"
#include "codec/http.h"
#include "conf/verdicts.h"

#define REST_HEAD	16384		/* bytes of a request's head */
#define REST_BODY	((size_t)1 << 20)
#define REST_CONNECTIONS 64		/* of one sensor */
#define REST_PATH	1024		/* of a path, decoded */

struct rest;
struct rest_conn;
struct rest_request;

struct rest_route {
	const char	*method;	/* GET answers HEAD, too */
	/* Segments; one may be "{}", which is any: "/v1/quarantine/{}". */
	const char	*pattern;
	/* Bits of enum conf_role: who may. 0: anyone, without a token; the
	 * handler looks for itself. */
	unsigned	 roles;
	/* It answers once, now or later. */
	void		(*run)(struct rest_request *);
};

/* A table ends with a NULL method. main gives them all to rest_new(). */
extern const struct rest_route rest_api[];	/* restapi.c */
extern const struct rest_route rest_verdicts[];	/* restverdicts.c */
extern const struct rest_route rest_measures[];	/* restmeasures.c */

/*
 * A request, good until it is answered. Texts end with a NUL; none has one in
 * it, but for the body.
 */
struct rest_request {
	struct admin_env *env;
	struct mailbox	*mail;		/* for questions to workers */
	/* Where it came in. Only for handlers before they return: a reload may
	 * change it. */
	const struct conf_sensor *sensor;
	const struct rest_route *route;
	char		 path[REST_PATH]; /* decoded, without the query */
	const char	*param;		/* what "{}" is, or NULL */
	const char	*query;		/* as it came, behind the "?"; or "" */
	const struct http_head *head;
	const char	*body;
	size_t		 len;
	struct addr	 peer;
	int		 tls;
	/* Who asks: a token's name, or a certificate's; and may. NULL and 0:
	 * nobody has said. */
	char		*name;
	unsigned	 role;

	struct rest_conn *conn;		/* private; NULL: it has gone */
	struct text	 bytes, words, fields, content;	/* private */
	char		 word[REST_PATH];		/* private */
};

/* The value of a field of the head, or of a parameter of the query (decoded,
 * at most size - 1 bytes); 0 if there is none. */
int	rest_header(const struct rest_request *, const char *name, char *out,
	    size_t size);
int	rest_query(const struct rest_request *, const char *name, char *out,
	    size_t size);
/* The parameter limit, a number from 1 to max; or def. */
size_t	rest_limit(const struct rest_request *, size_t def, size_t max);
/* The configuration that its sensor is of; no reference. */
struct conf *rest_conf(const struct rest_request *);
/* Likewise, of a form in the body (application/x-www-form-urlencoded). */
int	rest_form(const struct rest_request *, const char *name, char *out,
	    size_t size);
/* The body as one object, or NULL. The caller owns it. */
json_t	*rest_object(const struct rest_request *);

/* The token's name and role become the request's. Returns whether there is
 * such a token: for a form that one is typed into. */
int	rest_login(struct rest_request *, const char *token);
/* Likewise, of one who has logged in before: false when a reload has taken the
 * token away meanwhile, or changed its role. */
int	rest_known(struct rest_request *, const char *name, unsigned role);

/*
 * Add a field to the answer. It takes the place of one that each answer has:
 * Content-Security-Policy, Cache-Control. The value is ours, on one line.
 */
void	rest_field(struct rest_request *, const char *name, const char *value);
/* Answer, and be done with the request. JSON is taken over. */
void	rest_json(struct rest_request *, int status, json_t *);
/* {"error": "..."} */
void	rest_error(struct rest_request *, int status, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* type: "text/html; charset=utf-8". */
void	rest_bytes(struct rest_request *, int status, const char *type,
	    const void *, size_t);
/* A verb_done (admin/verbs.h): {"error": ...} is 404. arg is the request. */
void	rest_done(void *request, json_t *answer);

/* For cases and events: "NAME (SENSOR, ADDRESS)"; the caller frees. */
char	*rest_actor(const struct rest_request *);
/* (restorder.c) What is done until rest_acted() is by who asks. */
void	rest_acts(struct rest_request *);
void	rest_acted(struct rest_request *);
/* The number in the path; or 0, and it has been answered: of what it is. */
uint64_t rest_id(struct rest_request *, const char *of);
/* "8h", or seconds: in ms; 0: it is no time. */
uint64_t rest_span(const json_t *);

/*
 * The server: made once, without listeners. A reload opens those of a
 * configuration, and then begins with them, or drops them. ERR_SYS or
 * ERR_FORMAT with a sentence in why.
 */
struct rest_fresh;

/* tables end with NULL. */
struct rest *rest_new(struct admin_env *,
	    const struct rest_route *const *tables);
int	rest_open(struct rest *, struct conf *, struct rest_fresh **,
	    struct text *why);
void	rest_begin(struct rest *, struct rest_fresh *);
void	rest_drop(struct rest_fresh *);		/* NULL is allowed */
/* No more requests; answers of workers may still come. Then free it. */
void	rest_stop(struct rest *);		/* NULL is allowed */
void	rest_free(struct rest *);

/* The lines of the metrics page; of NULL none. */
void	rest_metrics(const struct rest *, struct text *out);

#endif
