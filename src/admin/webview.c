/*
 * HTML of the administrator's pages, each from what REST answers.
 */
#include "admin/webput.h"

#include <stdlib.h>
#include <string.h>

#include "conf/contained.h"

static const char *const paths[WEB_MENU] = {"/ui/", "/ui/verdicts",
    "/ui/endpoints"};

static void
put_profiles(const struct view *v)
{
	const struct conf *c = v->r->env->conf;
	size_t i;

	view_put(v,
	    "<div><label for=profile>%s</label><select id=profile "
	    "name=profile>",
	    view_word(v, W_PROFILE));
	for (i = 0; i < c->nquarantines; i++)
		view_put(v, "<option>%s", c->quarantines[i].name);
	text_puts(v->out, "</select></div>");
}

/* who: of whom the page is, or NULL: it is asked. */
static void
put_contain(const struct view *v, const char *who)
{
	if (!v->may || v->r->env->conf->nquarantines == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, W_CONTAIN));
	view_form(v, "row", "/ui/contain", "");
	if (who != NULL)
		view_put(v, "<input type=hidden name=who value=\"%s\">", who);
	else
		view_field(v, W_WHO, "who",
		    "required placeholder=\"192.0.2.7, "
		    "02:00:5e:00:00:07\"");
	put_profiles(v);
	view_field(v, W_FOR, "for",
	    "required size=6 value=8h "
	    "pattern=\"[0-9]+[smh]\"");
	view_field(v, W_REASON, "reason", "size=30 maxlength=200");
	view_button(v, W_CONTAIN, "");
}

static void
quarantine_row(const struct view *v, const json_t *q)
{
	const char *id = view_count(json_object_get(q, "id"));

	text_puts(v->out, "<tr><td class=k>");
	view_who(v, view_str(q, "endpoint"));
	if (view_str(q, "address") != NULL &&
	    strcmp(view_str(q, "address"), view_str(q, "endpoint")) != 0)
		view_put(v, "<br><span class=dim>%s</span>",
		    view_str(q, "address"));
	if (view_str(q, "name") != NULL)
		view_put(v, "<br>%s", view_str(q, "name"));
	view_put(v,
	    "<td>%s<td class=w>%s<td>%s<td class=k>%s<td class=k>%s<td "
	    "class=k><a href=\"/ui/case/%s\">%s</a><td>",
	    view_str(q, "profile"), view_str(q, "reason"), view_str(q, "by"),
	    view_str(q, "since"),
	    view_span(v, json_integer_value(json_object_get(q, "left"))), id,
	    id);
	if (v->may) {
		view_form(v, "x", "/ui/release/", id);
		view_button(v, W_RELEASE, "plain");
	}
	text_puts(v->out, "\n");
}

static void
put_tags(const struct view *v, const json_t *tags)
{
	const json_t *t;
	size_t i;

	if (json_array_size(tags) == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, W_TAGS));
	HEADS(v, 0, W_WHO, W_TAG, W_REASON, W_BY, W_SINCE, W_LEFT, W_WORDS);
	json_array_foreach(tags, i, t)
	{
		text_puts(v->out, "<tr><td class=k>");
		view_who(v, view_str(t, "endpoint"));
		view_put(v,
		    "<td>%s<td>%s<td>%s<td class=k>%s<td class=k>%s<td>",
		    view_str(t, "tag"), view_str(t, "reason"),
		    view_str(t, "by"), view_str(t, "since"),
		    view_str(t, "until") != NULL ? view_str(t, "until") :
						   view_word(v, W_FOREVER));
		if (v->may) {
			view_form(v, "x", "/ui/untag", "");
			view_put(v,
			    "<input type=hidden name=who value=\"%s\">"
			    "<input type=hidden name=tag value=\"%s\">",
			    view_str(t, "endpoint"), view_str(t, "tag"));
			view_button(v, W_CLEAR, "plain");
		}
	}
	view_end(v);
}

/* From its reason to its end, with a button that ends it. */
static void
put_rest(const struct view *v, const json_t *o, const char *action)
{
	const char *id = view_count(json_object_get(o, "id"));

	view_put(v,
	    "<td class=w>%s<td>%s<td class=k>%s<td class=k>%s<td class=k>"
	    "<a href=\"/ui/case/%s\">%s</a><td>",
	    view_str(o, "reason"), view_str(o, "by"), view_str(o, "since"),
	    view_span(v, json_integer_value(json_object_get(o, "left"))), id,
	    id);
	if (v->may) {
		view_form(v, "x", action, id);
		view_button(v, W_END, "plain");
	}
	text_puts(v->out, "\n");
}

static void
put_denials(const struct view *v, const json_t *all)
{
	const json_t *one;
	size_t i;

	if (json_array_size(all) == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, W_DENIED));
	HEADS(v, 0, W_SERVER, W_REASON, W_BY, W_SINCE, W_LEFT, W_CASE, W_WORDS);
	json_array_foreach(all, i, one)
	{
		view_put(v, "<tr><td class=k>%s", view_str(one, "server"));
		put_rest(v, one, "/ui/permit/");
	}
	view_end(v);
}

static void
put_step_ups(const struct view *v, const json_t *all)
{
	const json_t *one, *mirrors, *m;
	size_t i, k;

	if (json_array_size(all) == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, W_STEP_UPS));
	HEADS(v, 0, W_WHO, W_MIRROR, W_REASON, W_BY, W_SINCE, W_LEFT, W_CASE,
	    W_WORDS);
	json_array_foreach(all, i, one)
	{
		text_puts(v->out, "<tr><td class=k>");
		view_who(v, view_str(one, "endpoint"));
		text_puts(v->out, "<td>");
		mirrors = json_object_get(one, "mirror");
		json_array_foreach(mirrors, k, m) view_put(v,
		    k > 0 ? ", %s" : "%s",
		    strcmp(json_string_value(m), "*") == 0 ?
			view_word(v, W_ALL_MIRRORS) :
			json_string_value(m));
		put_rest(v, one, "/ui/step-down/");
	}
	view_end(v);
}

/* {"quarantine": [...], "tags": [...], "denials": [...], "step-ups": [...]} */
static void
view_quarantine(const struct view *v, const json_t *o)
{
	const json_t *all = json_object_get(o, "quarantine"), *q;
	size_t i;

	text_puts(v->out, "<div id=live>");
	if (json_array_size(all) == 0) {
		view_put(v, "<p>%s</p>", view_word(v, W_NOBODY));
	} else {
		HEADS(v, 0, W_WHO, W_PROFILE, W_REASON, W_BY, W_SINCE, W_LEFT,
		    W_CASE, W_WORDS);
		json_array_foreach(all, i, q) quarantine_row(v, q);
		view_end(v);
	}
	put_denials(v, json_object_get(o, "denials"));
	put_step_ups(v, json_object_get(o, "step-ups"));
	put_tags(v, json_object_get(o, "tags"));
	text_puts(v->out, "</div>");
	put_contain(v, NULL);
}

static void
verdict_row(const struct view *v, const json_t *o)
{
	const char *result = view_str(o, "result");
	json_t *id = json_object_get(o, "quarantine");

	view_put(v, "<tr><td class=k>%s<td>%s<td class=n>%s<td class=k>",
	    view_str(o, "at"), view_str(o, "sensor"),
	    view_count(json_object_get(o, "severity")));
	if (view_str(o, "endpoint") != NULL)
		view_who(v, view_str(o, "endpoint"));
	view_put(v, "<td class=w>%s<br><span class=dim>%s</span><td class=k>",
	    view_str(o, "signature"), view_str(o, "category"));
	if (id != NULL)
		view_put(v, "<a href=\"/ui/case/%s\">%s</a>", view_count(id),
		    result);
	else
		view_put(v, "%s", result);
	view_put(v, "<br><span class=dim>%s</span>\n", view_str(o, "error"));
}

/* What a verdict has proposed. */
static void
waiting_row(const struct view *v, const json_t *o)
{
	const char *id = view_count(json_object_get(o, "id"));

	view_put(v, "<tr><td>%s<td class=k>", view_str(o, "do"));
	if (view_str(o, "endpoint") != NULL)
		view_who(v, view_str(o, "endpoint"));
	view_put(v, " %s<td class=w>%s<td>%s<td class=k>%s<td class=k>",
	    view_str(o, "server"), view_str(o, "reason"), view_str(o, "by"),
	    view_span(v, json_integer_value(json_object_get(o, "left"))));
	if (v->may) {
		view_form(v, "x", "/ui/approve/", id);
		view_button(v, W_APPROVE, "");
		view_form(v, "x", "/ui/reject/", id);
		view_button(v, W_REJECT, "plain");
	}
	text_puts(v->out, "\n");
}

static void
put_waiting(const struct view *v, const json_t *all)
{
	const json_t *one;
	size_t i;

	if (json_array_size(all) == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, W_WAITING));
	HEADS(v, 0, W_ACTION, W_WHO, W_REASON, W_BY, W_LEFT, W_WORDS);
	json_array_foreach(all, i, one) waiting_row(v, one);
	view_end(v);
}

/* {"waiting": [...], "verdicts": [...]} */
static void
view_verdicts(const struct view *v, const json_t *o)
{
	const json_t *all = json_object_get(o, "verdicts"), *one;
	size_t i;

	text_puts(v->out, "<div id=live>");
	put_waiting(v, json_object_get(o, "waiting"));
	if (json_array_size(all) == 0) {
		view_put(v, "<p>%s</p></div>", view_word(v, W_NO_VERDICTS));
		return;
	}
	HEADS(v, 1 << 2, W_TIME, W_SENSOR, W_SEVERITY, W_WHO, W_SIGNATURE,
	    W_RESULT);
	json_array_foreach(all, i, one) verdict_row(v, one);
	view_end(v);
	text_puts(v->out, "</div>");
}

static void
put_list(const struct view *v, const json_t *texts)
{
	const json_t *s;
	size_t i;

	json_array_foreach(texts, i, s)
	    view_put(v, i > 0 ? "<br>%s" : "%s", json_string_value(s));
}

static void
put_state(const struct view *v, const json_t *o)
{
	json_t *q = json_object_get(o, "quarantine");
	const char *profile = view_str(q, "profile");

	if (profile != NULL)
		view_put(v, "<span class=bad>%s</span> (%s)",
		    view_word(v, W_CONTAINED), profile);
	else
		view_put(v, "%s", view_word(v, W_FREE));
}

static void
put_volume(const struct view *v, const json_t *o)
{
	view_put(v, "<td class=n>%s<td class=n>%s<td class=n>%s",
	    view_count(json_object_get(o, "sessions")),
	    view_bytes(json_object_get(o, "toserver")),
	    view_bytes(json_object_get(o, "toclient")));
}

static void
endpoint_row(const struct view *v, const json_t *o)
{
	const json_t *apps = json_object_get(o, "applications"), *a;
	size_t i;

	text_puts(v->out, "<tr><td class=k>");
	view_who(v, view_str(o, "endpoint"));
	view_put(v, "<br>%s<td class=k>", view_str(o, "name"));
	put_list(v, json_object_get(o, "addresses"));
	text_puts(v->out, "<td>");
	put_state(v, o);
	text_puts(v->out, "<td>");
	put_list(v, json_object_get(o, "tags"));
	put_volume(v, o);
	text_puts(v->out, "<td>");
	json_array_foreach(apps, i, a)
	    view_put(v, i > 0 ? ", %s" : "%s", view_str(a, "app_proto"));
	text_puts(v->out, "\n");
}

/* {"endpoints": [...]} */
static void
view_endpoints(const struct view *v, const json_t *o)
{
	const json_t *all = json_object_get(o, "endpoints"), *one;
	size_t i;

	text_puts(v->out, "<form class=row action=\"/ui/endpoint\">");
	view_field(v, W_FIND, "who",
	    "required placeholder=\"192.0.2.7, "
	    "02:00:5e:00:00:07\"");
	view_button(v, W_FIND, "plain");
	view_put(v, "<p class=dim>%s</p><div id=live>", view_word(v, W_RECENT));
	if (json_array_size(all) == 0) {
		view_put(v, "<p>%s</p></div>", view_word(v, W_NO_ENDPOINTS));
		return;
	}
	HEADS(v, 7 << 4, W_WHO, W_ADDRESSES, W_STATE, W_TAGS, W_SESSIONS,
	    W_SENT, W_RECEIVED, W_APPLICATION);
	json_array_foreach(all, i, one) endpoint_row(v, one);
	view_end(v);
	text_puts(v->out, "</div>");
}

static void
put_pair(const struct view *v, enum web_word w)
{
	view_put(v, "<tr><th>%s<td>", view_word(v, w));
}

static void
put_shares(const struct view *v, const json_t *rows, enum web_word head,
    const char *key)
{
	const enum web_word w[] = {head, W_SESSIONS, W_SENT, W_RECEIVED};
	const json_t *a;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, head));
	view_heads(v, w, 4, 7 << 1);
	json_array_foreach(rows, i, a)
	{
		view_put(v, "<tr><td>%s", view_str(a, key));
		put_volume(v, a);
	}
	view_end(v);
}

static void
put_sessions(const struct view *v, const json_t *rows)
{
	const json_t *s;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	view_put(v, "<h2>%s</h2>", view_word(v, W_SESSIONS));
	HEADS(v, 3 << 3, W_SITE, W_SERVER, W_ACTION, W_SENT, W_RECEIVED);
	json_array_foreach(rows, i, s) view_put(v,
	    "<tr><td>%s<td class=k>%s<td>%s<td class=n>%s<td "
	    "class=n>%s",
	    view_str(s, "name"), view_str(s, "server"), view_str(s, "action"),
	    view_bytes(json_object_get(s, "toserver")),
	    view_bytes(json_object_get(s, "toclient")));
	view_end(v);
}

/* One of the endpoints, with "open": its sessions. */
static void
view_endpoint(const struct view *v, const json_t *o)
{
	view_put(v,
	    "<div id=live><h1>%s</h1><div class=wide><table class=pairs>",
	    view_str(o, "endpoint"));
	put_pair(v, W_STATE);
	put_state(v, o);
	put_pair(v, W_NAME);
	view_put(v, "%s", view_str(o, "name"));
	put_pair(v, W_MAC);
	view_put(v, "%s", view_str(o, "mac"));
	put_pair(v, W_ADDRESSES);
	put_list(v, json_object_get(o, "addresses"));
	put_pair(v, W_TAGS);
	put_list(v, json_object_get(o, "tags"));
	view_end(v);
	put_shares(v, json_object_get(o, "applications"), W_APPLICATION,
	    "app_proto");
	put_shares(v, json_object_get(o, "devices"), W_DEVICE, "device");
	put_sessions(v, json_object_get(o, "open"));
	text_puts(v->out, "</div>");
	put_contain(v, view_str(o, "endpoint"));
}

/* {"chain": ..., "case": [{"at", "what", "about"}]} */
static void
view_case(const struct view *v, const json_t *o)
{
	const json_t *line;
	char *about;
	size_t i;

	if (strcmp(view_str(o, "chain") != NULL ? view_str(o, "chain") : "",
		"whole") == 0)
		view_put(v, "<p class=dim>%s</p>", view_word(v, W_CHAIN_WHOLE));
	else
		view_put(v, "<p class=bad>%s%s</p>",
		    view_word(v, W_CHAIN_BROKEN), view_str(o, "chain"));
	HEADS(v, 0, W_TIME, W_WHAT, W_DETAILS);
	json_array_foreach(json_object_get(o, "case"), i, line)
	{
		about =
		    json_dumps(json_object_get(line, "about"), JSON_INDENT(2));
		view_put(v, "<tr><td class=k>%s<td class=k>%s<td><pre>%s</pre>",
		    view_str(line, "at"), view_str(line, "what"), about);
		free(about);
	}
	view_end(v);
}

/* o: {"to": path} */
static void
view_login(const struct view *v, const json_t *o)
{
	view_put(v,
	    "<form class=in method=post action=\"/ui/login\"><h1>%s</h1>"
	    "<input type=hidden name=to value=\"%s\">"
	    "<label for=token>%s</label><input id=token name=token "
	    "type=password autocomplete=current-password required autofocus "
	    "size=32> <button>%s</button><p class=dim>%s</p></form>",
	    view_word(v, W_LOGIN), view_str(o, "to"), view_word(v, W_TOKEN),
	    view_word(v, W_LOGIN), view_word(v, W_TOKEN_HELP));
}

static void
view_message(const struct view *v, const json_t *o)
{
	view_put(v, "<p><a href=\"/ui/\">%s</a></p>", view_word(v, W_BACK));
}

static void (*const views[WEB_PAGES])(const struct view *, const json_t *) = {
    [WEB_QUARANTINE] = view_quarantine,
    [WEB_VERDICTS] = view_verdicts,
    [WEB_ENDPOINTS] = view_endpoints,
    [WEB_LOGIN] = view_login,
    [WEB_ENDPOINT] = view_endpoint,
    [WEB_CASE] = view_case,
    [WEB_MESSAGE] = view_message,
};

static void
put_menu(const struct view *v, enum web_page p)
{
	int i;

	view_put(v, "<header><b>%s</b><nav>", view_word(v, W_TITLE));
	for (i = 0; i < (int)WEB_MENU && p != WEB_LOGIN; i++)
		view_put(v,
		    i == (int)p ? "<a class=here href=\"%s\">%s</a>" :
				  "<a href=\"%s\">%s</a>",
		    paths[i], view_word(v, (enum web_word)(W_QUARANTINE + i)));
	view_put(v, "</nav><a href=\"?lang=%s\">%s</a>",
	    page_language_str(v->lang == PAGE_EN ? PAGE_JA : PAGE_EN),
	    view_word(v, W_OTHER_LANGUAGE));
	if (p != WEB_LOGIN && v->r->name != NULL) {
		view_put(v, "<span class=dim>%s</span>", v->r->name);
		view_form(v, "x", "/ui/logout", "");
		view_button(v, W_LOGOUT, "plain");
	}
	text_puts(v->out, "</header>\n");
}

void
webview_page(struct rest_request *r, enum web_page p, const json_t *o,
    const char *said, struct text *out)
{
	struct view v = {.r = r,
	    .out = out,
	    .lang = web_language(r),
	    .may = (r->role & ROLE_OPERATOR) != 0};

	web_form_mac(r, v.form);
	view_put(&v,
	    "<!doctype html><html lang=%s><head><meta charset=utf-8>"
	    "<meta name=viewport content=\"width=device-width\">"
	    "<title>%s - %s</title><link rel=stylesheet "
	    "href=\"/ui/style.css\"><script src=\"/ui/script.js\" defer>"
	    "</script></head><body>\n",
	    page_language_str(v.lang),
	    view_word(&v, (enum web_word)(W_QUARANTINE + p)),
	    view_word(&v, W_TITLE));
	put_menu(&v, p);
	text_puts(out, "<main>");
	if (p < WEB_MENU || p == WEB_CASE)
		view_put(&v, "<h1>%s</h1>",
		    view_word(&v, (enum web_word)(W_QUARANTINE + p)));
	if (said != NULL)
		view_put(&v, "<p class=said>%s</p>", said);
	views[p](&v, o);
	text_puts(out, "</main></body></html>\n");
}
