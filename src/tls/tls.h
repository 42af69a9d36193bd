/*
 * TLS as the phases see it: one struct tls for all that has the same options
 * (authorities, trust store, profiles, caches, ticket keys, key log), and an
 * SSL for each side of each session. The socket is not here: the caller sets
 * the BIOs and runs the handshake. All functions may be called by any worker.
 * An SSL goes (tls_end) before its struct tls does.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/hello.h"
#include "codec/ja.h"
#include "tls/authority.h"
#include "tls/issuers.h"
#include "tls/leaf.h"
#include "util/addr.h"
#include "util/text.h"

struct tls_side {
	int		 min, max;	/* TLS1_2_VERSION ... */
	const char	*ciphers;	/* TLS 1.2 list; NULL: ours */
	const char	*groups;	/* NULL: ours, X25519 first */
	int		 own_hello;	/* towards servers: TLS_HELLO_OWN,
					 * whatever tls_want says */
};

struct tls_profile {
	struct tls_side	 client;	/* we are the server */
	struct tls_side	 server;	/* we are the client */
	int		 libssl;	/* all records are libssl's; 0: a
					 * takeover may come (bulk.h) */
};

struct tls_options {
	/* What leaf_want's authority counts; each may be NULL. */
	struct authority *const *authorities;
	size_t		 nauthorities;
	const char	*trust;		/* "system", a PEM file or directory */
	char		**trust_also;	/* more PEM files or directories */
	size_t		 ntrust_also;
	char		**crls;		/* files or directories */
	size_t		 ncrls;
	const char	*intermediates;	/* PEM file or directory, or NULL */
	const char	*keylog;	/* NSS key log file, or NULL */
	size_t		 caches;	/* bytes of all caches; 0: 128 MiB */
	size_t		 max_chain;	/* bytes a server may send as its
					 * certificates; 0: 64 KiB */
	const struct tls_profile *profiles;
	size_t		 nprofiles;
};

struct tls;

/*
 * 0, or ERR_USAGE with a line for each thing wrong in errors. It takes its own
 * references to authorities.
 */
int		 tls_new(const struct tls_options *, struct tls **,
		    struct text *errors);
void		 tls_free(struct tls *);
struct leafs	*tls_leafs(struct tls *);
/* NULL: there is none, and nothing can be forged for its clients. Both give no
 * reference; the second is the CA that signs for trusted servers. */
struct authority *tls_authority(struct tls *, size_t);
X509		*tls_ca_cert(struct tls *, size_t);

/*
 * Towards a client: a server-side SSL in accept state that presents leaf,
 * and answers alpn (one protocol, without its length byte; NULL: none).
 * Takes its own reference to leaf. NULL when out of memory.
 */
SSL		*tls_accept(struct tls *, size_t profile, struct leaf *,
		    const uint8_t *alpn, size_t alpn_len);

/* Whether the client has refused the leaf: its alert is about certificates. */
int		 tls_refused_leaf(SSL *);

/*
 * A lineage: connections to a server of which each resumes one before. An FTP
 * server takes only those data connections that resume the session of the
 * control connection, on whatever port, and so what the client resumes at our
 * side has to be resumed at the server's side.
 *
 * The lineage of the ticket or session ID of ours that is in the hello; a new
 * one if there is none. Never 0.
 */
uint64_t	 tls_lineage(struct tls *, const struct hello *);
/*
 * After the handshake with the server, before the one with the client (from
 * tls_accept()): they are of one lineage. Where the server has not resumed
 * what it was offered, it is a new one, and the client does not resume.
 */
void		 tls_same_lineage(SSL *client, SSL *server);

enum tls_how {		/* which hello a server gets */
	TLS_HELLO_OWN,
	/* As the client's: its suites, groups, signature algorithms in its
	 * order, as far as we have them, and no others; our own if no handshake
	 * can come of that. */
	TLS_HELLO_CLIENT,
	TLS_HELLO_BOTH		/* ... and behind them the rest of ours */
};

struct tls_want {
	size_t		 profile;
	const char	*sni;		/* to send and to verify; or NULL */
	const char	*name;		/* to verify when there is no sni;
					 * NULL: then the address */
	struct addr	 server;
	const uint8_t	*alpn;		/* wire list to offer, or NULL */
	size_t		 alpn_len;
	uint64_t	 lineage;	/* 0: none; any session will do */
	/* The client's hello, as hello.msg, or NULL; and its JA4 if somebody
	 * asks how ours is, or NULL. They live until the handshake has
	 * begun. */
	const uint8_t	*hello;
	const char	*ja4;
	enum tls_how	 how;
	/* Our own certificate, or NULL. Only sessions with it are resumed. */
	struct leaf	*client;
	/* the server may ask for one behind the handshake (RFC 8446, 4.6.2) */
	int		 later;
};

/*
 * Towards a server: a client-side SSL in connect state, with a cached session
 * when there is one. Verification never ends the handshake; tls_verdict()
 * tells it. A CertificateRequest suspends the handshake (SSL_ERROR_WANT_
 * X509_LOOKUP) so that nothing of ours has been answered.
 */
SSL		*tls_connect(struct tls *, const struct tls_want *);

/* Go on from there with the client certificate, if ours is set and there is
 * one: 1; or with the answer that we have none: 0. */
int		 tls_answer_certificate(SSL *, int ours);
/* Whether that answer was refused, by a fatal alert for want of one. */
int		 tls_refused_none(SSL *);
/* Whether it refused the protocols that it was offered (RFC 7301, 3.2). */
int		 tls_refused_alpn(SSL *);
/* Whether our hello follows the client's, and the handshake failed before the
 * server had anything to say to it, or as it would where the two have nothing
 * in common: with more in our hello it may not. */
int		 tls_refused_hello(SSL *);
/* Whether the server has sent a session, which in TLS 1.3 comes behind what it
 * had to say of our answer. */
int		 tls_ticketed(SSL *);

/*
 * The handshake is over. If the server asks for a certificate from here on, it
 * gets ours, or the answer that we have none: in TLS 1.3 as often as it likes,
 * if that was offered; before, by one renegotiation, with the same server.
 * answered gets the status, in HTTP, of its first answer since it was told that
 * there is none, in the handshake or behind it; see codec/reply.h. It may be
 * NULL.
 * tls_asked_late: it has asked, 1; or in HTTP/2, which forbids it (RFC 8740,
 * 3), -1, and in TLS 1.3 the connection is broken.
 */
void		 tls_answer_later(SSL *, int ours,
		    void (*answered)(void *arg, int status), void *arg);
int		 tls_asked_late(SSL *);
/* Whether ours was shown so. */
int		 tls_shown_late(SSL *);
/* Whether it was told that there is none, and has then ended, before us and
 * without an answer to what the client had sent. For one that says so by an
 * alert, see tls_refused_none(). After tls_last_words(). */
int		 tls_insists_late(SSL *);

enum tls_verify {
	VERIFY_OK,
	VERIFY_UNTRUSTED,	/* no chain to a trusted root, or any other */
	VERIFY_EXPIRED,		/* expired, or not yet valid; else good */
	VERIFY_NAME,		/* chain good (or late), name not covered */
	VERIFY_REVOKED
};

/*
 * After a client-side handshake, or while it is suspended; *text is OpenSSL's
 * ("ok" when all is well), static. text may be NULL.
 */
enum tls_verify	 tls_verdict(SSL *, const char **text);
/* Which one such a text is of. 0, or ERR_NOTFOUND. */
int		 tls_verdict_said(const char *text, enum tls_verify *);
/* Whether the peer's certificate, believed or not, is one for this name or
 * address. */
int		 tls_covers(SSL *, const char *name);
/* The chain is good but for its time, whatever the name. */
int		 tls_late(SSL *);

/*
 * Whether the chain cannot be built because an issuer is not there, though its
 * certificate says where it can be had: 1, with the URL. It is verified afresh
 * for that: issuers that were put may have completed it. 0: so it is, or the
 * fault is another one, which tls_verdict() tells.
 */
int		 tls_lacks_issuer(SSL *, char url[ISSUER_URL_MAX]);
/* Whether that URL was fetched lately, with or without success. */
int		 tls_issuer_asked(SSL *, const char *url);
/* What came from it: see issuers_put(). */
int		 tls_issuer_put(struct tls *, const char *url,
		    const uint8_t *, size_t len);

struct tls_used {		/* what was negotiated; static strings */
	const char	*version;	/* "TLS 1.3", as Suricata's EVE */
	const char	*cipher;	/* IANA's name */
	const char	*group;		/* IANA's name ("x25519"), or NULL */
	char		 alpn[32];	/* "" when none */
	int		 resumed;
	const char	*hello;		/* to a server: "client", "own" */
	/* Of our hello, if it was asked for (tls_want.ja4); else "". */
	char		 ja4[JA4_LEN + 1];
	unsigned	 distance;	/* ja4_distance() to the client's */
	int		 certificate;	/* it was shown our own, now or in
				 * the session that was resumed */
};
void		 tls_used(SSL *, struct tls_used *);

/* Of a version of TLS, for counting: below 1.2, 1.2, 1.3. */
#define TLS_VERSION_CLASSES	3
unsigned	 tls_version_class(int version);
/* The version agreed on; offered, while there is none. */
int		 tls_version_of(SSL *, int offered);

/*
 * Ends an SSL of either kind without I/O: keeps its session resumable when
 * the handshake had succeeded. NULL is nothing.
 */
void		 tls_end(SSL *);

/*
 * The reason the last failed call on this thread gave, for logs: an alert's
 * name as in RFC 8446 ("unknown_ca"), or OpenSSL's words ("no shared
 * cipher"); into out. Empties this thread's error queue, which the caller has
 * emptied before that call too (ERR_clear_error).
 */
char		*tls_reason(SSL *, int ret, char *out, size_t size);

struct tls_stats {
	struct cache_stats sessions;	/* of servers, to resume */
	struct cache_stats verdicts;	/* of chains */
	struct cache_stats certificates;	/* read */
	struct cache_stats texts;	/* certificates as text */
	struct cache_stats hellos;	/* contexts that follow clients' */
	uint64_t	 hellos_many;	/* ours instead: too many new ones */
};
void		 tls_stats(struct tls *, struct tls_stats *);

#endif
