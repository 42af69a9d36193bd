/*
 * The built-in pages. A template has the words that are the same on all pages
 * of its language; title and lead come with the kind of page.
 */
#include "http/pagetext.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/template.h"

static const char *const titles[PAGE_KINDS][PAGE_LANGUAGES] = {
	[PAGE_BLOCK] = { "This connection is not allowed",
	    "この接続は許可されていません" },
	[PAGE_FAILURE] = { "This connection could not be made",
	    "接続できませんでした" },
	[PAGE_WARN] = { "Please think before you go on",
	    "続行する前にご確認ください" },
	[PAGE_CA] = { "Trust this network's certificate authority",
	    "このネットワークの認証局を信頼する" },
	[PAGE_QUARANTINE] = { "This device is in quarantine",
	    "この端末は隔離されています" },
	[PAGE_RELEASED] = { "This device is not in quarantine",
	    "この端末は隔離されていません" }
};

static const char *const leads[PAGE_KINDS][PAGE_LANGUAGES] = {
	[PAGE_BLOCK] = {
	    "The policy of this network does not allow what you asked for.",
	    "このネットワークのポリシーにより、要求され"
	    "た通信は許可されていません。" },
	[PAGE_FAILURE] = {
	    "The network's gateway could not do what you asked for. The fault "
	    "may be at the site, or on the way to it. It may help to try again "
	    "later.",
	    "ネットワークのゲートウェイが要求を処理でき"
	    "ませんでした。原因はサイト側、または途中の"
	    "経路にある可能性があります。しばらくしてか"
	    "ら再度お試しください。" },
	[PAGE_WARN] = {
	    "The policy of this network advises against this site. If you "
	    "need it, you may go on. Your choice is recorded.",
	    "このネットワークのポリシーでは、このサイト"
	    "の利用は推奨されていません。必要な場合は続"
	    "行できます。続行した操作は記録されます。" },
	[PAGE_QUARANTINE] = {
	    "A security system has found something on this device that may "
	    "harm it, or others. Until that is settled, the network lets it "
	    "reach little or nothing. Please leave the device as it is, and "
	    "tell those named below; the reference helps them.",
	    "セキュリティシステムが、この端末または他の"
	    "端末に害を及ぼすおそれのあるものを検出しま"
	    "した。解決するまで、ネットワークの利用は制"
	    "限されます。端末はそのままにして、下記の問"
	    "い合わせ先に参照番号をお知らせください。" },
	[PAGE_RELEASED] = {
	    "The network lets it reach what it lets all others reach. If a "
	    "page still says otherwise, load that page again.",
	    "他の端末と同じようにネットワークを利用でき"
	    "ます。隔離中と表示されるページがある場合は"
	    "、そのページを再読み込みしてください。" }
};

#define STYLE								\
    ":root{color-scheme:light dark;--b:#fff;--t:#1c2430;--m:#5a6675;"	\
    "--l:#d5dbe3;--a:#0b5cad;--c:#f4f6f9}"				\
    "@media(prefers-color-scheme:dark){:root{--b:#14181e;--t:#e8ecf1;"	\
    "--m:#a3afbd;--l:#343c47;--a:#8ec2ff;--c:#1d232b}}"			\
    "*{box-sizing:border-box}"						\
    "body{margin:0;background:var(--c);color:var(--t);"			\
    "font:1rem/1.6 system-ui,-apple-system,\"Segoe UI\",\"Noto Sans\","	\
    "\"Hiragino Sans\",\"Noto Sans CJK JP\",Meiryo,sans-serif}"		\
    "main{max-width:44rem;margin:0 auto;padding:1.5rem 1.25rem 2rem;"	\
    "background:var(--b);border-top:6px solid var(--a);"		\
    "overflow-wrap:anywhere}"						\
    "@media(min-width:48rem){main{margin:3rem auto;padding:2rem 2.5rem;" \
    "border:1px solid var(--l);border-top:6px solid var(--a);"		\
    "border-radius:6px}}"						\
    "h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.3;"		\
    "text-wrap:balance}"						\
    "ul{padding-left:1.25rem}"						\
    "h2{margin:2rem 0 .5rem;font-size:1.15rem;line-height:1.4}"		\
    "dl{margin:1.5rem 0;display:grid;gap:.1rem 1.25rem}"		\
    "@media(min-width:36rem){dl{grid-template-columns:max-content 1fr;"	\
    "gap:.4rem 1.25rem}}"						\
    "dt{color:var(--m)}dd{margin:0 0 .5rem}"				\
    "@media(min-width:36rem){dd{margin:0}}"				\
    "a{color:var(--a)}"							\
    "button{font:inherit;padding:.6rem 1.4rem;border:2px solid var(--a);" \
    "border-radius:6px;background:var(--b);color:var(--a);cursor:pointer}" \
    "button:hover,button:focus-visible{background:var(--a);"		\
    "color:var(--b)}"							\
    "code,pre{font-family:ui-monospace,Consolas,monospace;font-size:.9em}" \
    "pre{background:var(--c);padding:.75rem 1rem;white-space:pre-wrap;"	\
    "border-radius:4px}"						\
    "footer{margin-top:2rem;padding-top:1rem;"				\
    "border-top:1px solid var(--l);color:var(--m);font-size:.9rem}"

#define HEAD								\
    "<!DOCTYPE html>\n<html lang=\"{{lang}}\">\n<head>\n"		\
    "<meta charset=\"utf-8\">\n"					\
    "<meta name=\"viewport\" content=\"width=device-width,"		\
    "initial-scale=1\">\n"						\
    "<meta name=\"robots\" content=\"noindex\">\n"			\
    "<title>{{title}}</title>\n<style>" STYLE "</style>\n</head>\n"	\
    "<body>\n<main>\n<h1>{{title}}</h1>\n"

#define TAIL(foot)							\
    "<footer>" foot "</footer>\n</main>\n</body>\n</html>\n"

#define ROW(name, label, attribute)					\
    "{{#" name "}}<dt>" label "</dt><dd" attribute ">{{" name "}}</dd>\n" \
    "{{/" name "}}"

#define PAGE(go_on, url, reason, rule, time, until, reference, allowed,	\
    contact, foot)							\
    HEAD "<p>{{lead}}</p>\n"						\
    "{{#continue}}<form method=\"post\" action=\"{{continue}}\">"	\
    "<button type=\"submit\">" go_on "</button></form>\n{{/continue}}"	\
    "<dl>\n" ROW("url", url, "") ROW("reason", reason, " lang=\"en\"")	\
    ROW("rule", rule, "") ROW("time", time, "")				\
    ROW("until", until, "")						\
    ROW("reference", reference, "") ROW("allowed", allowed, "")	\
    ROW("contact", contact, "")						\
    "</dl>\n" TAIL(foot)

#define FOOT_EN "This page is from the gateway of your network "	\
    "(Clearspan), not from the site."
#define FOOT_JA								\
    "このページは、サイトではなく、お使いの" \
    "ネットワークのゲートウェイ (Clearspan) が" \
    "表示しています。"

static const char *const texts[PAGE_LANGUAGES] = {
	PAGE("Go on to the site", "Address", "Reason", "Rule", "Time",
	    "Until", "Reference", "Still works", "Contact", FOOT_EN),
	PAGE("サイトへ進む", "アドレス", "理由",
	    "ルール", "時刻", "期限", "参照番号",
	    "利用できる接続先",
	    "問い合わせ先", FOOT_JA)
};

/* The page of the CA has a text of its own in the middle. */
static const struct {
	const char	*middle, *tail;
} ca_texts[PAGE_LANGUAGES] = {
	{ pagetext_ca_en, TAIL(FOOT_EN) },
	{ pagetext_ca_ja, TAIL(FOOT_JA) }
};

static struct template *templates[PAGE_KINDS][PAGE_LANGUAGES];

static struct template *
built_in(const char *text)
{
	struct template_error e;
	struct template *t;

	if (template_read(&t, text, strlen(text), page_names, PAGE_NAMES,
	    &e) != 0)
		abort();
	return t;
}

static void
templates_read(void)
{
	struct text t = { 0 };
	size_t k;

	for (k = 0; k < PAGE_LANGUAGES; k++) {
		templates[PAGE_BLOCK][k] = built_in(texts[k]);
		text_clear(&t);
		text_puts(&t, HEAD);
		text_puts(&t, ca_texts[k].middle);
		text_puts(&t, ca_texts[k].tail);
		templates[PAGE_CA][k] = built_in(t.s);
	}
	text_free(&t);
}

const struct template *
pagetext_template(enum page_kind kind, enum page_language l)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, templates_read);
	return templates[kind == PAGE_CA ? PAGE_CA : PAGE_BLOCK][l];
}

const char *
pagetext_title(enum page_kind kind, enum page_language l)
{
	return titles[kind][l];
}

const char *
pagetext_lead(enum page_kind kind, enum page_language l)
{
	return leads[kind][l];
}
