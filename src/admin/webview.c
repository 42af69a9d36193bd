/*
 * HTML of the administrator's pages. What was said by anybody else goes through
 * put(), which escapes it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/web.h"
#include "admin/webtext.h"
#include "conf/contained.h"

struct view {
	struct rest_request *r;
	struct text	*out;
	enum page_language lang;
	char		 form[WEB_MAC];
	int		 may;		/* change something */
};

static const char *const paths[WEB_MENU] = { "/ui/", "/ui/verdicts",
    "/ui/endpoints" };

static const char *
word(const struct view *v, enum web_word w)
{
	return webtext(v->lang, w);
}

static void
escape(struct text *t, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		switch (*s) {
		case '<':
			text_puts(t, "&lt;");
			break;
		case '&':
			text_puts(t, "&amp;");
			break;
		case '"':
			text_puts(t, "&quot;");
			break;
		case '\'':
			text_puts(t, "&#39;");
			break;
		default:
			text_add(t, s, 1);
		}
}

/* Markup, in which each "%s" is a text to be escaped (or NULL: nothing). */
static void
put(const struct view *v, const char *markup, ...)
{
	const char *at;
	va_list ap;

	va_start(ap, markup);
	while ((at = strstr(markup, "%s")) != NULL) {
		text_add(v->out, markup, (size_t)(at - markup));
		escape(v->out, va_arg(ap, const char *));
		markup = at + 2;
	}
	va_end(ap);
	text_puts(v->out, markup);
}

static const char *
str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Into one of a few texts that are used in turn. */
static char *
scratch(size_t *size)
{
	static char texts[4][64];
	static unsigned next;

	*size = sizeof(texts[0]);
	return texts[next++ % 4];
}

static const char *
count(const json_t *n)
{
	size_t size;
	char *s = scratch(&size);

	snprintf(s, size, "%lld", (long long)json_integer_value(n));
	return s;
}

static const char *
bytes(const json_t *n)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double d = (double)json_integer_value(n);
	size_t size, i = 0;
	char *s = scratch(&size);

	for (; d >= 1000 && i < 4; i++)
		d /= 1000;
	snprintf(s, size, i == 0 || d >= 100 ? "%.0f %s" : "%.1f %s", d,
	    units[i]);
	return s;
}

/* Seconds, in the two largest units. */
static const char *
span(const struct view *v, long long n)
{
	size_t size;
	char *s = scratch(&size);

	if (n >= 86400)
		snprintf(s, size, "%lld %s %lld %s", n / 86400, word(v, W_DAYS),
		    n % 86400 / 3600, word(v, W_HOURS));
	else if (n >= 3600)
		snprintf(s, size, "%lld %s %lld %s", n / 3600, word(v, W_HOURS),
		    n % 3600 / 60, word(v, W_MINUTES));
	else if (n >= 60)
		snprintf(s, size, "%lld %s", n / 60, word(v, W_MINUTES));
	else
		snprintf(s, size, "%lld %s", n, word(v, W_SECONDS));
	return s;
}

/* An endpoint, as a link to its page. */
static void
put_who(const struct view *v, const char *who)
{
	put(v, "<a href=\"/ui/endpoint/%s\">%s</a>", who, who);
}

static void
put_heads(const struct view *v, const enum web_word *w, size_t n,
    unsigned numbers)
{
	size_t i;

	text_puts(v->out, "<div class=wide><table><thead><tr>");
	for (i = 0; i < n; i++)
		put(v, numbers >> i & 1 ? "<th class=n>%s" : "<th>%s",
		    w[i] == W_WORDS ? "" : word(v, w[i]));
	text_puts(v->out, "</tr></thead><tbody>\n");
}
#define HEADS(v, numbers, ...) do {					\
	static const enum web_word w_[] = { __VA_ARGS__ };		\
	put_heads(v, w_, sizeof(w_) / sizeof(w_[0]), numbers);		\
} while (0)

static void
put_end(const struct view *v)
{
	text_puts(v->out, "</tbody></table></div>\n");
}

/* The beginning of a form that changes something. */
static void
put_form(const struct view *v, const char *class, const char *action,
    const char *id)
{
	put(v, "<form class=%s method=post action=\"%s%s\">"
	    "<input type=hidden name=form value=\"%s\">", class, action, id,
	    v->form);
}

static void
put_field(const struct view *v, enum web_word label, const char *name,
    const char *more)
{
	put(v, "<div><label for=\"%s\">%s</label><input id=\"%s\" "
	    "name=\"%s\" ", name, word(v, label), name, name);
	put(v, more);
	text_puts(v->out, "></div>");
}

static void
put_button(const struct view *v, enum web_word w, const char *class)
{
	put(v, "<button class=\"%s\">%s</button></form>", class, word(v, w));
}

static void
put_profiles(const struct view *v)
{
	const struct conf *c = v->r->env->conf;
	size_t i;

	put(v, "<div><label for=profile>%s</label><select id=profile "
	    "name=profile>", word(v, W_PROFILE));
	for (i = 0; i < c->nquarantines; i++)
		put(v, "<option>%s", c->quarantines[i].name);
	text_puts(v->out, "</select></div>");
}

/* who: of whom the page is, or NULL: it is asked. */
static void
put_contain(const struct view *v, const char *who)
{
	if (!v->may || v->r->env->conf->nquarantines == 0)
		return;
	put(v, "<h2>%s</h2>", word(v, W_CONTAIN));
	put_form(v, "row", "/ui/contain", "");
	if (who != NULL)
		put(v, "<input type=hidden name=who value=\"%s\">", who);
	else
		put_field(v, W_WHO, "who", "required placeholder=\"192.0.2.7, "
		    "02:00:5e:00:00:07\"");
	put_profiles(v);
	put_field(v, W_FOR, "for", "required size=6 value=8h "
	    "pattern=\"[0-9]+[smh]\"");
	put_field(v, W_REASON, "reason", "size=30 maxlength=200");
	put_button(v, W_CONTAIN, "");
}

static void
quarantine_row(const struct view *v, const json_t *q)
{
	const char *id = count(json_object_get(q, "id"));

	text_puts(v->out, "<tr><td class=k>");
	put_who(v, str(q, "endpoint"));
	if (str(q, "address") != NULL && strcmp(str(q, "address"),
	    str(q, "endpoint")) != 0)
		put(v, "<br><span class=dim>%s</span>", str(q, "address"));
	if (str(q, "name") != NULL)
		put(v, "<br>%s", str(q, "name"));
	put(v, "<td>%s<td class=w>%s<td>%s<td class=k>%s<td class=k>%s<td "
	    "class=k><a href=\"/ui/case/%s\">%s</a><td>", str(q, "profile"),
	    str(q, "reason"), str(q, "by"), str(q, "since"),
	    span(v, json_integer_value(json_object_get(q, "left"))), id,
	    id);
	if (v->may) {
		put_form(v, "x", "/ui/release/", id);
		put_button(v, W_RELEASE, "plain");
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
	put(v, "<h2>%s</h2>", word(v, W_TAGS));
	HEADS(v, 0, W_WHO, W_TAG, W_REASON, W_BY, W_SINCE, W_LEFT, W_WORDS);
	json_array_foreach(tags, i, t) {
		text_puts(v->out, "<tr><td class=k>");
		put_who(v, str(t, "endpoint"));
		put(v, "<td>%s<td>%s<td>%s<td class=k>%s<td class=k>%s<td>",
		    str(t, "tag"), str(t, "reason"), str(t, "by"),
		    str(t, "since"), str(t, "until") != NULL ?
		    str(t, "until") : word(v, W_FOREVER));
		if (v->may) {
			put_form(v, "x", "/ui/untag", "");
			put(v, "<input type=hidden name=who value=\"%s\">"
			    "<input type=hidden name=tag value=\"%s\">",
			    str(t, "endpoint"), str(t, "tag"));
			put_button(v, W_CLEAR, "plain");
		}
	}
	put_end(v);
}

/* {"quarantine": [...], "tags": [...]} */
static void
view_quarantine(const struct view *v, const json_t *o)
{
	const json_t *all = json_object_get(o, "quarantine"), *q;
	size_t i;

	text_puts(v->out, "<div id=live>");
	if (json_array_size(all) == 0) {
		put(v, "<p>%s</p>", word(v, W_NOBODY));
	} else {
		HEADS(v, 0, W_WHO, W_PROFILE, W_REASON, W_BY, W_SINCE, W_LEFT,
		    W_CASE, W_WORDS);
		json_array_foreach(all, i, q)
			quarantine_row(v, q);
		put_end(v);
	}
	put_tags(v, json_object_get(o, "tags"));
	text_puts(v->out, "</div>");
	put_contain(v, NULL);
}

static void
verdict_row(const struct view *v, const json_t *o)
{
	const char *result = str(o, "result");
	json_t *id = json_object_get(o, "quarantine");

	put(v, "<tr><td class=k>%s<td>%s<td class=n>%s<td class=k>",
	    str(o, "at"), str(o, "sensor"),
	    count(json_object_get(o, "severity")));
	if (str(o, "endpoint") != NULL)
		put_who(v, str(o, "endpoint"));
	put(v, "<td class=w>%s<br><span class=dim>%s</span><td class=k>",
	    str(o, "signature"), str(o, "category"));
	if (id != NULL)
		put(v, "<a href=\"/ui/case/%s\">%s</a>", count(id), result);
	else
		put(v, "%s", result);
	put(v, "<br><span class=dim>%s</span>\n", str(o, "error"));
}

/* What a verdict has proposed. */
static void
waiting_row(const struct view *v, const json_t *o)
{
	const char *id = count(json_object_get(o, "id"));

	put(v, "<tr><td>%s<td class=k>", str(o, "do"));
	if (str(o, "endpoint") != NULL)
		put_who(v, str(o, "endpoint"));
	put(v, " %s<td class=w>%s<td>%s<td class=k>%s<td class=k>",
	    str(o, "server"), str(o, "reason"), str(o, "by"),
	    span(v, json_integer_value(json_object_get(o, "left"))));
	if (v->may) {
		put_form(v, "x", "/ui/approve/", id);
		put_button(v, W_APPROVE, "");
		put_form(v, "x", "/ui/reject/", id);
		put_button(v, W_REJECT, "plain");
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
	put(v, "<h2>%s</h2>", word(v, W_WAITING));
	HEADS(v, 0, W_ACTION, W_WHO, W_REASON, W_BY, W_LEFT, W_WORDS);
	json_array_foreach(all, i, one)
		waiting_row(v, one);
	put_end(v);
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
		put(v, "<p>%s</p></div>", word(v, W_NO_VERDICTS));
		return;
	}
	HEADS(v, 1 << 2, W_TIME, W_SENSOR, W_SEVERITY, W_WHO, W_SIGNATURE,
	    W_RESULT);
	json_array_foreach(all, i, one)
		verdict_row(v, one);
	put_end(v);
	text_puts(v->out, "</div>");
}

static void
put_list(const struct view *v, const json_t *texts)
{
	const json_t *s;
	size_t i;

	json_array_foreach(texts, i, s)
		put(v, i > 0 ? "<br>%s" : "%s", json_string_value(s));
}

static void
put_state(const struct view *v, const json_t *o)
{
	json_t *q = json_object_get(o, "quarantine");
	const char *profile = str(q, "profile");

	if (profile != NULL)
		put(v, "<span class=bad>%s</span> (%s)", word(v, W_CONTAINED),
		    profile);
	else
		put(v, "%s", word(v, W_FREE));
}

static void
put_volume(const struct view *v, const json_t *o)
{
	put(v, "<td class=n>%s<td class=n>%s<td class=n>%s",
	    count(json_object_get(o, "sessions")),
	    bytes(json_object_get(o, "toserver")),
	    bytes(json_object_get(o, "toclient")));
}

static void
endpoint_row(const struct view *v, const json_t *o)
{
	const json_t *apps = json_object_get(o, "applications"), *a;
	size_t i;

	text_puts(v->out, "<tr><td class=k>");
	put_who(v, str(o, "endpoint"));
	put(v, "<br>%s<td class=k>", str(o, "name"));
	put_list(v, json_object_get(o, "addresses"));
	text_puts(v->out, "<td>");
	put_state(v, o);
	text_puts(v->out, "<td>");
	put_list(v, json_object_get(o, "tags"));
	put_volume(v, o);
	text_puts(v->out, "<td>");
	json_array_foreach(apps, i, a)
		put(v, i > 0 ? ", %s" : "%s", str(a, "app_proto"));
	text_puts(v->out, "\n");
}

/* {"endpoints": [...]} */
static void
view_endpoints(const struct view *v, const json_t *o)
{
	const json_t *all = json_object_get(o, "endpoints"), *one;
	size_t i;

	text_puts(v->out, "<form class=row action=\"/ui/endpoint\">");
	put_field(v, W_FIND, "who", "required placeholder=\"192.0.2.7, "
	    "02:00:5e:00:00:07\"");
	put_button(v, W_FIND, "plain");
	put(v, "<p class=dim>%s</p><div id=live>", word(v, W_RECENT));
	if (json_array_size(all) == 0) {
		put(v, "<p>%s</p></div>", word(v, W_NO_ENDPOINTS));
		return;
	}
	HEADS(v, 7 << 4, W_WHO, W_ADDRESSES, W_STATE, W_TAGS, W_SESSIONS,
	    W_SENT, W_RECEIVED, W_APPLICATION);
	json_array_foreach(all, i, one)
		endpoint_row(v, one);
	put_end(v);
	text_puts(v->out, "</div>");
}

static void
put_pair(const struct view *v, enum web_word w)
{
	put(v, "<tr><th>%s<td>", word(v, w));
}

static void
put_shares(const struct view *v, const json_t *rows, enum web_word head,
    const char *key)
{
	const enum web_word w[] = { head, W_SESSIONS, W_SENT, W_RECEIVED };
	const json_t *a;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	put(v, "<h2>%s</h2>", word(v, head));
	put_heads(v, w, 4, 7 << 1);
	json_array_foreach(rows, i, a) {
		put(v, "<tr><td>%s", str(a, key));
		put_volume(v, a);
	}
	put_end(v);
}

static void
put_sessions(const struct view *v, const json_t *rows)
{
	const json_t *s;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	put(v, "<h2>%s</h2>", word(v, W_SESSIONS));
	HEADS(v, 3 << 3, W_SITE, W_SERVER, W_ACTION, W_SENT, W_RECEIVED);
	json_array_foreach(rows, i, s)
		put(v, "<tr><td>%s<td class=k>%s<td>%s<td class=n>%s<td "
		    "class=n>%s", str(s, "name"), str(s, "server"),
		    str(s, "action"), bytes(json_object_get(s, "toserver")),
		    bytes(json_object_get(s, "toclient")));
	put_end(v);
}

/* One of the endpoints, with "open": its sessions. */
static void
view_endpoint(const struct view *v, const json_t *o)
{
	put(v, "<div id=live><h1>%s</h1><div class=wide><table class=pairs>",
	    str(o, "endpoint"));
	put_pair(v, W_STATE);
	put_state(v, o);
	put_pair(v, W_NAME);
	put(v, "%s", str(o, "name"));
	put_pair(v, W_MAC);
	put(v, "%s", str(o, "mac"));
	put_pair(v, W_ADDRESSES);
	put_list(v, json_object_get(o, "addresses"));
	put_pair(v, W_TAGS);
	put_list(v, json_object_get(o, "tags"));
	put_end(v);
	put_shares(v, json_object_get(o, "applications"), W_APPLICATION,
	    "app_proto");
	put_shares(v, json_object_get(o, "devices"), W_DEVICE, "device");
	put_sessions(v, json_object_get(o, "open"));
	text_puts(v->out, "</div>");
	put_contain(v, str(o, "endpoint"));
}

/* {"chain": ..., "case": [{"at", "what", "about"}]} */
static void
view_case(const struct view *v, const json_t *o)
{
	const json_t *line;
	char *about;
	size_t i;

	if (strcmp(str(o, "chain") != NULL ? str(o, "chain") : "",
	    "whole") == 0)
		put(v, "<p class=dim>%s</p>", word(v, W_CHAIN_WHOLE));
	else
		put(v, "<p class=bad>%s%s</p>", word(v, W_CHAIN_BROKEN),
		    str(o, "chain"));
	HEADS(v, 0, W_TIME, W_WHAT, W_DETAILS);
	json_array_foreach(json_object_get(o, "case"), i, line) {
		about = json_dumps(json_object_get(line, "about"),
		    JSON_INDENT(2));
		put(v, "<tr><td class=k>%s<td class=k>%s<td><pre>%s</pre>",
		    str(line, "at"), str(line, "what"), about);
		free(about);
	}
	put_end(v);
}

/* o: {"to": path} */
static void
view_login(const struct view *v, const json_t *o)
{
	put(v, "<form class=in method=post action=\"/ui/login\"><h1>%s</h1>"
	    "<input type=hidden name=to value=\"%s\">"
	    "<label for=token>%s</label><input id=token name=token "
	    "type=password autocomplete=current-password required autofocus "
	    "size=32> <button>%s</button><p class=dim>%s</p></form>",
	    word(v, W_LOGIN), str(o, "to"), word(v, W_TOKEN),
	    word(v, W_LOGIN), word(v, W_TOKEN_HELP));
}

static void
view_message(const struct view *v, const json_t *o)
{
	put(v, "<p><a href=\"/ui/\">%s</a></p>", word(v, W_BACK));
}

static void	(*const views[WEB_PAGES])(const struct view *,
		    const json_t *) = {
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

	put(v, "<header><b>%s</b><nav>", word(v, W_TITLE));
	for (i = 0; i < (int)WEB_MENU && p != WEB_LOGIN; i++)
		put(v, i == (int)p ? "<a class=here href=\"%s\">%s</a>" :
		    "<a href=\"%s\">%s</a>", paths[i],
		    word(v, (enum web_word)(W_QUARANTINE + i)));
	put(v, "</nav><a href=\"?lang=%s\">%s</a>", page_language_str(
	    v->lang == PAGE_EN ? PAGE_JA : PAGE_EN),
	    word(v, W_OTHER_LANGUAGE));
	if (p != WEB_LOGIN && v->r->name != NULL) {
		put(v, "<span class=dim>%s</span>", v->r->name);
		put_form(v, "x", "/ui/logout", "");
		put_button(v, W_LOGOUT, "plain");
	}
	text_puts(v->out, "</header>\n");
}

void
webview_page(struct rest_request *r, enum web_page p, const json_t *o,
    const char *said, struct text *out)
{
	struct view v = { .r = r, .out = out, .lang = web_language(r),
	    .may = (r->role & ROLE_OPERATOR) != 0 };

	web_form_mac(r, v.form);
	put(&v, "<!doctype html><html lang=%s><head><meta charset=utf-8>"
	    "<meta name=viewport content=\"width=device-width\">"
	    "<title>%s - %s</title><link rel=stylesheet "
	    "href=\"/ui/style.css\"><script src=\"/ui/script.js\" defer>"
	    "</script></head><body>\n", page_language_str(v.lang),
	    word(&v, (enum web_word)(W_QUARANTINE + p)), word(&v, W_TITLE));
	put_menu(&v, p);
	text_puts(out, "<main>");
	if (p < WEB_MENU || p == WEB_CASE)
		put(&v, "<h1>%s</h1>", word(&v,
		    (enum web_word)(W_QUARANTINE + p)));
	if (said != NULL)
		put(&v, "<p class=said>%s</p>", said);
	views[p](&v, o);
	text_puts(out, "</main></body></html>\n");
}
