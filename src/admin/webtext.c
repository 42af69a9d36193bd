/*
 * What the administrator's pages say and look like.
 */
#include "admin/webtext.h"

static const char *const words[W_WORDS][PAGE_LANGUAGES] = {
	[W_TITLE] = { "Clearspan", "Clearspan" },
	[W_QUARANTINE] = { "Quarantine", "隔離" },
	[W_VERDICTS] = { "Verdicts", "検知" },
	[W_ENDPOINTS] = { "Endpoints", "端末" },
	[W_LOGIN] = { "Log in", "ログイン" },
	[W_ENDPOINT] = { "Endpoint", "端末" },
	[W_CASE] = { "Case", "ケース" },
	[W_NOTE] = { "Note", "お知らせ" },
	[W_LOGOUT] = { "Log out", "ログアウト" },
	[W_TOKEN] = { "Token", "トークン" },
	[W_TOKEN_HELP] = { "One of those in the file that the configuration "
	    "names for this port (sensors: token).",
	    "このポートの設定ファイル(sensors: token)にあるト"
	    "ークンを入力してく"
	    "ださい。" },
	[W_TOKEN_WRONG] = { "There is no such token.",
	    "トークンが違います。" },
	[W_WHO] = { "Endpoint", "端末" },
	[W_NAME] = { "Name", "名前" },
	[W_ADDRESS] = { "Address", "アドレス" },
	[W_ADDRESSES] = { "Addresses", "アドレス" },
	[W_MAC] = { "MAC address", "MACアドレス" },
	[W_PROFILE] = { "Profile", "プロファイル" },
	[W_REASON] = { "Reason", "理由" },
	[W_BY] = { "By", "設定者" },
	[W_SINCE] = { "Since", "開始" },
	[W_LEFT] = { "Time left", "残り時間" },
	[W_RELEASE] = { "Release", "解除" },
	[W_CONTAIN] = { "Put in quarantine", "隔離する" },
	[W_FOR] = { "For", "期間" },
	[W_NOBODY] = { "Nobody is in quarantine.",
	    "隔離中の端末はありません。" },
	[W_TAGS] = { "Tags", "タグ" },
	[W_TAG] = { "Tag", "タグ" },
	[W_CLEAR] = { "Clear", "削除" },
	[W_ADD_TAG] = { "Add a tag", "タグを付ける" },
	[W_TIME] = { "Time", "時刻" },
	[W_SENSOR] = { "Sensor", "センサー" },
	[W_SEVERITY] = { "Severity", "重大度" },
	[W_SIGNATURE] = { "What it saw", "検知内容" },
	[W_RESULT] = { "Result", "結果" },
	[W_NO_VERDICTS] = { "No sensor has reported anything yet.",
	    "センサーからの報告はまだありません。" },
	[W_SESSIONS] = { "Sessions", "セッション" },
	[W_SENT] = { "Sent", "送信" },
	[W_RECEIVED] = { "Received", "受信" },
	[W_APPLICATION] = { "Application", "アプリケーション" },
	[W_DEVICE] = { "Device", "装置" },
	[W_VOLUME] = { "Volume", "通信量" },
	[W_NO_ENDPOINTS] = { "No endpoint has been seen in the last minutes.",
	    "ここ数分間に通信した端末はありません。" },
	[W_STATE] = { "State", "状態" },
	[W_CONTAINED] = { "in quarantine", "隔離中" },
	[W_FREE] = { "free", "通常" },
	[W_SERVER] = { "Server", "サーバー" },
	[W_SITE] = { "Site", "サイト" },
	[W_ACTION] = { "Action", "動作" },
	[W_WHAT] = { "What", "内容" },
	[W_DETAILS] = { "Details", "詳細" },
	[W_CHAIN_WHOLE] = { "No line of this case has been changed.",
	    "このケースの記録は改変されていません。" },
	[W_CHAIN_BROKEN] = { "The file of cases has been changed: ",
	    "ケースの記録が改変されています: " },
	[W_RECENT] = { "The last 5 to 10 minutes.",
	    "直近5〜10分間の値です。" },
	[W_FOREVER] = { "until cleared", "無期限" },
	[W_DONE] = { "Done.", "完了しました。" },
	[W_NOT_ALLOWED] = { "Your token may look only.",
	    "このトークンでは閲覧のみ可能です。" },
	[W_FORM_OLD] = { "This form is old; please send it again.",
	    "フォームの有効期限が切れています。もう一度"
	    "送信してください。" },
	[W_OTHER_LANGUAGE] = { "日本語", "English" },
	[W_HOURS] = { "h", "時間" },
	[W_MINUTES] = { "min", "分" },
	[W_SECONDS] = { "s", "秒" },
	[W_DAYS] = { "d", "日" },
	[W_FIND] = { "Find an endpoint", "端末を検索" },
	[W_CANNOT_READ] = { "Write an address such as 192.0.2.7, or a MAC "
	    "address such as 02:00:5e:00:00:07.",
	    "192.0.2.7 のようなアドレス、または 02:00:5e:00:00:07"
	    " のようなMAC"
	    "アドレスを入力してください。" },
	[W_WAITING] = { "To be approved", "承認待ち" },
	[W_APPROVE] = { "Approve", "承認" },
	[W_REJECT] = { "Reject", "却下" },
	[W_BACK] = { "Back", "戻る" },
	[W_DENIED] = { "Denied servers", "遮断中のサーバー" },
	[W_STEP_UPS] = { "Endpoints under step-up",
	    "監視強化中の端末" },
	[W_MIRROR] = { "Mirror", "ミラー" },
	[W_END] = { "End", "終了" },
	[W_ALL_MIRRORS] = { "all", "すべて" },
};

const char *
webtext(enum page_language lang, enum web_word w)
{
	return words[w][lang];
}

const char webtext_style[] =
    ":root{--ink:#1c2430;--dim:#5d6b7c;--line:#d8dee6;--back:#f5f7f9;"
    "--bad:#b3261e;--go:#0b57a4}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;font:15px/1.5 system-ui,\"Noto Sans CJK JP\",sans-serif;"
    "color:var(--ink);background:var(--back)}\n"
    "header{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:center;"
    "padding:10px 20px;background:#fff;border-bottom:1px solid var(--line)}\n"
    "header b{font-size:17px}nav{display:flex;flex-wrap:wrap;gap:4px 16px;"
    "flex:1}\n"
    "a{color:var(--go);text-decoration:none}a:hover{text-decoration:"
    "underline}\n"
    "nav a.here{color:var(--ink);font-weight:600;border-bottom:2px solid "
    "var(--go)}\n"
    "main{max-width:1200px;margin:0 auto;padding:16px 20px 40px}\n"
    "h1{font-size:22px;margin:8px 0 12px}h2{font-size:16px;margin:28px 0 "
    "8px}\n"
    ".wide{overflow-x:auto;background:#fff;border:1px solid var(--line);"
    "border-radius:6px}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;vertical-align:top;padding:7px 12px;"
    "border-bottom:1px solid var(--line)}\n"
    "tr:last-child td,tr:last-child th{border-bottom:0}"
    "thead tr th{border-bottom:1px solid var(--line)!important}"
    ".pairs th{width:1%}td.w{min-width:220px}"
    "th{color:var(--dim);font-weight:500;"
    "white-space:nowrap}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}td.k{white-space:nowrap}\n"
    ".bad{color:var(--bad);font-weight:600}.dim{color:var(--dim)}\n"
    ".said{background:#fff;border-left:4px solid var(--go);padding:8px 12px;"
    "margin:0 0 16px}\n"
    "form.row{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:end}\n"
    "label{display:block;color:var(--dim);font-size:13px}\n"
    "input,select{font:inherit;padding:5px 8px;border:1px solid #a9b4c0;"
    "border-radius:4px;background:#fff;color:inherit;max-width:100%}\n"
    "button{font:inherit;padding:5px 14px;border:1px solid var(--go);"
    "border-radius:4px;background:var(--go);color:#fff;cursor:pointer}\n"
    "button.plain{background:#fff;color:var(--go)}\n"
    "pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}"
    "\n"
    "td form{margin:0}.in{max-width:420px;margin:8vh auto}\n";

/* Every few seconds the part that changes is fetched again; not while its
 * person is about to press a button in it, or the page is not seen. */
const char webtext_script[] =
    "'use strict';\n"
    "const live = () => document.getElementById('live');\n"
    "async function renew() {\n"
    "  const old = live();\n"
    "  if (!old || document.hidden || old.contains(document.activeElement))\n"
    "    return;\n"
    "  const r = await fetch(location.href, {headers: {Accept: 'text/html'}});"
    "\n"
    "  if (!r.ok || r.redirected)\n"
    "    return location.reload();\n"
    "  const d = new DOMParser().parseFromString(await r.text(), "
    "'text/html');\n"
    "  const now = d.getElementById('live');\n"
    "  if (now && live().innerHTML !== now.innerHTML)\n"
    "    live().replaceWith(document.importNode(now, true));\n"
    "}\n"
    "setInterval(() => renew().catch(() => 0), 3000);\n";
