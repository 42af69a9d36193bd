/*
 * The built-in page of the CA, in each language: what stands between the title
 * and the foot.
 */
#include "http/pagetext.h"

/* What to do; the same in all languages. */
#define DO_WINDOWS \
	"<pre>certutil -addstore -f Root ca.crt</pre>\n"
#define DO_MACOS \
	"<pre>sudo security add-trusted-cert -d -r trustRoot \\\n" \
	"  -k /Library/Keychains/System.keychain ca.crt</pre>\n"
#define DO_DEBIAN \
	"<pre>sudo cp ca.pem /usr/local/share/ca-certificates/clearspan.crt\n" \
	"sudo update-ca-certificates</pre>\n"
#define DO_FEDORA \
	"<pre>sudo cp ca.pem /etc/pki/ca-trust/source/anchors/clearspan.pem\n" \
	"sudo update-ca-trust</pre>\n"
#define DO_JAVA \
	"<pre>keytool -importcert -cacerts -noprompt -storepass changeit \\\n" \
	"  -alias clearspan -file ca.pem</pre>\n"
#define DO_NODE \
	"<pre>export NODE_EXTRA_CA_CERTS=/etc/ssl/clearspan.pem</pre>\n"
#define DO_PYTHON \
	"<pre>export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n" \
	"export REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt</pre>\n"
#define DO_GO \
	"<pre>export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt</pre>\n"
#define DO_GIT \
	"<pre>git config --global http.sslCAInfo \\\n" \
	"  /etc/ssl/certs/ca-certificates.crt</pre>\n"
#define DO_DOCKER \
	"<pre>COPY ca.pem /usr/local/share/ca-certificates/clearspan.crt\n" \
	"RUN update-ca-certificates</pre>\n"

const char pagetext_ca_en[] =
    "<p>This network looks into encrypted connections to protect its users. "
    "Your\n"
    "device must trust the certificate authority (CA) of the gateway, or it "
    "will warn\n"
    "of every site. Compare the fingerprint with the one that your "
    "administrator gave\n"
    "you by another way before you install it.</p>\n"
    "<dl>\n"
    "<dt>Name</dt><dd>{{subject}}</dd>\n"
    "<dt>Valid until</dt><dd>{{until}}</dd>\n"
    "<dt>SHA-256</dt><dd><code>{{fingerprint}}</code></dd>\n"
    "{{#contact}}<dt>Contact</dt><dd>{{contact}}</dd>\n"
    "{{/contact}}</dl>\n"
    "<ul>\n"
    "<li><a href=\"/ca.crt\">ca.crt</a>: DER, for Windows and Android</li>\n"
    "<li><a href=\"/ca.mobileconfig\">ca.mobileconfig</a>: profile for iOS, "
    "iPadOS and\n"
    "macOS</li>\n"
    "<li><a href=\"/ca.pem\">ca.pem</a>: PEM, for Linux, Firefox and "
    "programs</li>\n"
    "<li><a href=\"/ca.p12\">ca.p12</a>: PKCS#12 without a key, empty "
    "password</li>\n"
    "</ul>\n"
    "<h2>Windows</h2>\n"
    "<p>Open <code>ca.crt</code>, choose Install Certificate, Local Machine, "
    "and the\n"
    "store Trusted Root Certification Authorities. Or as administrator:</p>\n"
    DO_WINDOWS
    "<h2>macOS</h2>\n"
    "<p>Open <code>ca.crt</code>, add it to the keychain System, and set "
    "Trust to\n"
    "Always Trust. Or:</p>\n"
    DO_MACOS
    "<h2>iOS and iPadOS</h2>\n"
    "<p>Open <code>ca.mobileconfig</code> in Safari. Install it in Settings, "
    "General,\n"
    "VPN &amp; Device Management. Then switch it on in Settings, General, "
    "About,\n"
    "Certificate Trust Settings.</p>\n"
    "<h2>Android</h2>\n"
    "<p>Download <code>ca.crt</code>. Settings, Security, Encryption &amp;\n"
    "credentials, Install a certificate, CA certificate. Many apps trust "
    "only the CAs\n"
    "of the system.</p>\n"
    "<h2>Debian and Ubuntu</h2>\n"
    DO_DEBIAN
    "<h2>Fedora and Red Hat</h2>\n"
    DO_FEDORA
    "<h2>Firefox</h2>\n"
    "<p>Settings, Privacy &amp; Security, View Certificates, Authorities, "
    "Import\n"
    "<code>ca.pem</code>, and trust it for websites. Or set\n"
    "<code>security.enterprise_roots.enabled</code> in about:config.</p>\n"
    "<h2>Java</h2>\n"
    DO_JAVA
    "<h2>Node.js</h2>\n"
    DO_NODE
    "<h2>Python</h2>\n"
    DO_PYTHON
    "<p>They need all CAs: of the system, and this one.</p>\n"
    "<h2>Go</h2>\n"
    "<p>Programs read the store of the system. Elsewhere:</p>\n"
    DO_GO
    "<h2>git</h2>\n"
    DO_GIT
    "<h2>Docker</h2>\n"
    "<p>The daemon trusts the store of the system after a restart. In an "
    "image:</p>\n"
    DO_DOCKER;

const char pagetext_ca_ja[] =
    "<p>このネットワークは、利用者を保護するために暗号"
    "化通信の中身を検査しています。ゲートウェイの認証"
    "局 (CA) を端末が信頼していないと、すべてのサイトで"
    "警告が表示されます。インストールする前に、管理者"
    "から別の手段で受け取ったフィンガープリントと一致"
    "することを確認してください。</p>\n"
    "<dl>\n"
    "<dt>名前</dt><dd>{{subject}}</dd>\n"
    "<dt>有効期限</dt><dd>{{until}}</dd>\n"
    "<dt>SHA-256</dt><dd lang=\"en\"><code>{{fingerprint}}</code></dd>\n"
    "{{#contact}}<dt>問い合わせ先</dt><dd>{{contact}}</dd>\n"
    "{{/contact}}</dl>\n"
    "<ul>\n"
    "<li><a href=\"/ca.crt\">ca.crt</a>: DER 形式 (Windows、Android)</li>"
    "\n"
    "<li><a href=\"/ca.mobileconfig\">ca.mobileconfig</a>: iOS、iPadOS、mac"
    "OS 用プロファイル</li>\n"
    "<li><a href=\"/ca.pem\">ca.pem</a>: PEM 形式 (Linux、Firefox、各種"
    "プログラム)</li>\n"
    "<li><a href=\"/ca.p12\">ca.p12</a>: PKCS#12 形式 (秘密鍵なし、"
    "パスワードは空)</li>\n"
    "</ul>\n"
    "<h2>Windows</h2>\n"
    "<p><code>ca.crt</code> を開き、「証明書のインストール」"
    "、「ローカル コンピューター」、「信頼されたルー"
    "ト証明機関」の順に選択します。または管理者として"
    "次を実行します。</p>\n"
    DO_WINDOWS
    "<h2>macOS</h2>\n"
    "<p><code>ca.crt</code> を開いて「システム」キーチェーン"
    "に追加し、「信頼」を「常に信頼」にします。または"
    "次を実行します。</p>\n"
    DO_MACOS
    "<h2>iOS、iPadOS</h2>\n"
    "<p>Safari で <code>ca.mobileconfig</code> を開き、「設定」、"
    "「一般」、「VPNとデバイス管理」でインストールしま"
    "す。続いて「設定」、「一般」、「情報」、「証明書"
    "信頼設定」で有効にします。</p>\n"
    "<h2>Android</h2>\n"
    "<p><code>ca.crt</code> をダウンロードし、「設定」、「セ"
    "キュリティ」、「暗号化と認証情報」、「証明書のイ"
    "ンストール」、「CA 証明書」の順に選択します。シス"
    "テムの CA だけを信頼するアプリも多くあります。</p>"
    "\n"
    "<h2>Debian、Ubuntu</h2>\n"
    DO_DEBIAN
    "<h2>Fedora、Red Hat</h2>\n"
    DO_FEDORA
    "<h2>Firefox</h2>\n"
    "<p>「設定」、「プライバシーとセキュリティ」、「証"
    "明書を表示」、「認証局証明書」、「インポート」で"
    " <code>ca.pem</code> を読み込み、ウェブサイトの識別に信"
    "頼します。または about:config で <code>security.enterprise_root"
    "s.enabled</code> を有効にします。</p>\n"
    "<h2>Java</h2>\n"
    DO_JAVA
    "<h2>Node.js</h2>\n"
    DO_NODE
    "<h2>Python</h2>\n"
    DO_PYTHON
    "<p>システムの CA とこの CA の両方を含むファイルが必"
    "要です。</p>\n"
    "<h2>Go</h2>\n"
    "<p>通常はシステムの証明書ストアが使われます。それ"
    "以外の場合は次のとおりです。</p>\n"
    DO_GO
    "<h2>git</h2>\n"
    DO_GIT
    "<h2>Docker</h2>\n"
    "<p>デーモンは再起動後にシステムの証明書ストアを使"
    "います。イメージの中では次のとおりです。</p>\n"
    DO_DOCKER;
