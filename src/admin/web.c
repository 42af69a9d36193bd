/*
 * The routes of the administrator's pages.
 */
#include "admin/web.h"

#include <stdlib.h>
#include <string.h>

#include "admin/asking.h"
#include "admin/contained.h"
#include "admin/measures.h"
#include "admin/tags.h"
#include "admin/usage.h"
#include "admin/webtext.h"
#include "util/mem.h"
#include "verdict/quarantine.h"

#define FIELD	256		/* bytes of a field of a form */

static const char policy[] = "default-src 'none'; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri "
    "'none'; frame-ancestors 'none'";

static void
go(struct rest_request *r, const char *path)
{
	rest_field(r, "Location", path);
	rest_bytes(r, 303, NULL, "", 0);
}

/* Answer with a page, and free what it shows. */
static void
show(struct rest_request *r, int status, enum web_page p, json_t *o,
    const char *said)
{
	struct text out = { 0 };

	webview_page(r, p, o, said, &out);
	json_decref(o);
	rest_field(r, "Content-Security-Policy", policy);
	web_keep_language(r);
	rest_bytes(r, status, "text/html; charset=utf-8", out.s, out.len);
	text_free(&out);
}

static void
tell(struct rest_request *r, int status, enum web_word w)
{
	show(r, status, WEB_MESSAGE, json_object(), webtext(web_language(r),
	    w));
}

/* Whether one is logged in that may look; or it has been answered. */
static int
looks(struct rest_request *r)
{
	char *to;

	if (web_known(r) && (r->role & (ROLE_VIEWER | ROLE_OPERATOR)) != 0)
		return 1;
	if (r->role != 0) {
		tell(r, 403, W_NOT_ALLOWED);
		return 0;
	}
	to = xasprintf("/ui/login?to=%s", r->path);
	go(r, to);
	free(to);
	return 0;
}

/* ... that may change something, by a form of ours. */
static int
does(struct rest_request *r)
{
	if (!looks(r))
		return 0;
	if (!web_form_ours(r))
		tell(r, 403, W_FORM_OLD);
	else if ((r->role & ROLE_OPERATOR) == 0)
		tell(r, 403, W_NOT_ALLOWED);
	else
		return 1;
	return 0;
}

static void
get_root(struct rest_request *r)
{
	go(r, "/ui/");
}

static void
get_quarantine(struct rest_request *r)
{
	json_t *o;

	if (!looks(r))
		return;
	o = contained_verb(r->env->quarantine, "list");
	json_object_update_missing_new(o, tags_verb(r->env->quarantine,
	    "list"));
	json_object_set_new(o, "denials", measures_list(r->env->measures,
	    STATE_DENIAL));
	json_object_set_new(o, "step-ups", measures_list(r->env->measures,
	    STATE_STEP_UP));
	show(r, 200, WEB_QUARANTINE, o, NULL);
}

static void
get_verdicts(struct rest_request *r)
{
	if (looks(r))
		show(r, 200, WEB_VERDICTS, verdicts_verb(r->env->ring,
		    r->env->measures, "100"), NULL);
}

static void
got_endpoints(void *arg, json_t *o)
{
	show(arg, 200, WEB_ENDPOINTS, o, NULL);
}

static void
get_endpoints(struct rest_request *r)
{
	if (looks(r))
		asking_start(r->env, r->mail, ASKING_USE, 0, got_endpoints, r);
}

/* The endpoint that the page is of; or, of one that has been quiet, what is
 * known of it. */
static json_t *
endpoint_in(const struct rest_request *r, const json_t *all)
{
	const json_t *addresses;
	json_t *o, *one, *a;
	size_t i, k;

	json_array_foreach(json_object_get(all, "endpoints"), i, o) {
		if (strcmp(json_string_value(json_object_get(o, "endpoint")),
		    r->param) == 0)
			return json_incref(o);
		addresses = json_object_get(o, "addresses");
		json_array_foreach(addresses, k, a)
			if (strcmp(json_string_value(a), r->param) == 0)
				return json_incref(o);
	}
	one = usage_endpoint(r->env, r->param);
	return one;
}

struct seeking {		/* a page of one endpoint */
	struct rest_request *r;
	json_t		*o;
};

static int
is_of(const json_t *addresses, const char *client)
{
	size_t i, n;
	const json_t *a;
	const char *ip;

	json_array_foreach(addresses, i, a) {
		ip = json_string_value(a);
		n = strlen(ip);
		if (strncmp(client + (client[0] == '['), ip, n) == 0 &&
		    (client[n] == ':' || client[n + 1] == ']'))
			return 1;
	}
	return 0;
}

static void
got_sessions(void *arg, json_t *list)
{
	struct seeking *k = arg;
	json_t *open = json_array(), *s;
	const char *client;
	size_t i;

	json_array_foreach(json_object_get(list, "sessions"), i, s) {
		client = json_string_value(json_object_get(s, "client"));
		if (is_of(json_object_get(k->o, "addresses"), client))
			json_array_append(open, s);
	}
	json_decref(list);
	json_object_set_new(k->o, "open", open);
	show(k->r, 200, WEB_ENDPOINT, k->o, NULL);
	free(k);
}

static void
got_endpoint(void *arg, json_t *all)
{
	struct rest_request *r = arg;
	json_t *o = endpoint_in(r, all);
	struct seeking *k;

	json_decref(all);
	if (o == NULL) {
		tell(r, 404, W_CANNOT_READ);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->r = r;
	k->o = o;
	asking_start(r->env, r->mail, ASKING_LIST, VERB_SESSIONS_MAX,
	    got_sessions, k);
}

static void
get_endpoint(struct rest_request *r)
{
	if (looks(r))
		asking_start(r->env, r->mail, ASKING_USE, 0, got_endpoint, r);
}

static void
find_endpoint(struct rest_request *r)
{
	char who[FIELD], *path, s[ADDR_STRLEN];
	struct endpoint e;

	if (!looks(r))
		return;
	if (!rest_query(r, "who", who, sizeof(who)) ||
	    endpoint_parse(&e, who) != 0) {
		tell(r, 400, W_CANNOT_READ);
		return;
	}
	path = xasprintf("/ui/endpoint/%s", endpoint_str(&e, s));
	go(r, path);
	free(path);
}

static void
get_case(struct rest_request *r)
{
	json_t *o;

	if (!looks(r))
		return;
	o = contained_case(r->env->quarantine, strtoull(r->param, NULL, 10));
	if (json_object_get(o, "error") != NULL)
		show(r, 404, WEB_MESSAGE, o, json_string_value(
		    json_object_get(o, "error")));
	else
		show(r, 200, WEB_CASE, o, NULL);
}

static void
get_login(struct rest_request *r)
{
	char to[FIELD] = "";

	rest_query(r, "to", to, sizeof(to));
	show(r, 200, WEB_LOGIN, json_pack("{s:s}", "to", to), NULL);
}

/* Only a page of ours. */
static const char *
where(const char *to)
{
	return strncmp(to, "/ui/", 4) == 0 && strstr(to, "//") == NULL &&
	    strchr(to, '\\') == NULL ? to : "/ui/";
}

static void
post_login(struct rest_request *r)
{
	char token[TOKEN_MAX + 1], to[FIELD] = "";

	rest_form(r, "to", to, sizeof(to));
	if (!rest_form(r, "token", token, sizeof(token)) ||
	    !rest_login(r, token)) {
		show(r, 403, WEB_LOGIN, json_pack("{s:s}", "to", to),
		    webtext(web_language(r), W_TOKEN_WRONG));
		return;
	}
	web_begin(r);
	go(r, where(to));
}

static void
post_logout(struct rest_request *r)
{
	web_end(r);
	go(r, "/ui/login");
}

/* What a verb makes of these words, which are freed, for who asks. */
static json_t *
ordered(struct rest_request *r, json_t *(*verb)(struct quarantine *,
    const char *), char *words)
{
	json_t *answer;

	rest_acts(r);
	answer = verb(r->env->quarantine, words);
	rest_acted(r);
	free(words);
	return answer;
}

/* What a verb has answered: back to the list, or its error. */
static void
done(struct rest_request *r, json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer,
	    "error"));

	if (error != NULL) {
		show(r, 400, WEB_MESSAGE, answer, error);
		return;
	}
	json_decref(answer);
	go(r, "/ui/");
}

static void
post_release(struct rest_request *r)
{
	char *words;

	if (!does(r))
		return;
	words = xasprintf("release %s", r->param);
	done(r, ordered(r, contained_verb, words));
}

/* A verb of denials, step-ups or proposals, and what goes before the number in
 * the path. */
static void
measured(struct rest_request *r, json_t *(*verb)(struct measures *,
    const char *), const char *before)
{
	char *words;
	json_t *answer;

	if (!does(r))
		return;
	words = xasprintf("%s%s", before, r->param);
	rest_acts(r);
	answer = verb(r->env->measures, words);
	rest_acted(r);
	free(words);
	done(r, answer);
}

static void
post_approve(struct rest_request *r)
{
	measured(r, approve_verb, "");
}

static void
post_reject(struct rest_request *r)
{
	measured(r, reject_verb, "");
}

static void
post_permit(struct rest_request *r)
{
	measured(r, deny_verb, "release ");
}

static void
post_step_down(struct rest_request *r)
{
	measured(r, step_up_verb, "release ");
}

static void
post_contain(struct rest_request *r)
{
	char who[FIELD], profile[FIELD], span[FIELD], reason[FIELD],
	    *words;

	if (!does(r))
		return;
	if (!rest_form(r, "who", who, sizeof(who)) ||
	    !rest_form(r, "profile", profile, sizeof(profile)) ||
	    !rest_form(r, "for", span, sizeof(span)) ||
	    !rest_form(r, "reason", reason, sizeof(reason))) {
		tell(r, 400, W_CANNOT_READ);
		return;
	}
	words = xasprintf("add %s %s %s %s", who, profile, span, reason);
	done(r, ordered(r, contained_verb, words));
}

static void
post_untag(struct rest_request *r)
{
	char who[FIELD], tag[FIELD], *words;

	if (!does(r))
		return;
	if (!rest_form(r, "who", who, sizeof(who)) ||
	    !rest_form(r, "tag", tag, sizeof(tag))) {
		tell(r, 400, W_CANNOT_READ);
		return;
	}
	words = xasprintf("clear %s %s", who, tag);
	done(r, ordered(r, tags_verb, words));
}

static void
file(struct rest_request *r, const char *type, const char *text)
{
	rest_field(r, "Cache-Control", "max-age=3600");
	rest_bytes(r, 200, type, text, strlen(text));
}

static void
get_style(struct rest_request *r)
{
	file(r, "text/css; charset=utf-8", webtext_style);
}

static void
get_script(struct rest_request *r)
{
	file(r, "text/javascript; charset=utf-8", webtext_script);
}

const struct rest_route rest_web[] = {
	{ "GET", "/", 0, get_root },
	{ "GET", "/ui/", 0, get_quarantine },
	{ "GET", "/ui/verdicts", 0, get_verdicts },
	{ "GET", "/ui/endpoints", 0, get_endpoints },
	{ "GET", "/ui/endpoint", 0, find_endpoint },
	{ "GET", "/ui/endpoint/{}", 0, get_endpoint },
	{ "GET", "/ui/case/{}", 0, get_case },
	{ "GET", "/ui/login", 0, get_login },
	{ "POST", "/ui/login", 0, post_login },
	{ "POST", "/ui/logout", 0, post_logout },
	{ "POST", "/ui/release/{}", 0, post_release },
	{ "POST", "/ui/approve/{}", 0, post_approve },
	{ "POST", "/ui/reject/{}", 0, post_reject },
	{ "POST", "/ui/permit/{}", 0, post_permit },
	{ "POST", "/ui/step-down/{}", 0, post_step_down },
	{ "POST", "/ui/contain", 0, post_contain },
	{ "POST", "/ui/untag", 0, post_untag },
	{ "GET", "/ui/style.css", 0, get_style },
	{ "GET", "/ui/script.js", 0, get_script },
	{ NULL }
};
