/*
 * What counts of an OCSP response that a server staples: by whom it is signed,
 * about what, and when.
 */
#include <openssl/ocsp.h>

#include "origin.h"

enum signed_by {
	BY_ISSUER,		/* of the server's certificate: the root */
	BY_OTHER,		/* another CA */
	BY_DELEGATE,		/* the issuer's, with OCSPSigning */
	BY_SIBLING,		/* ... and without */
	SIGNERS
};

static const struct staple {
	int		 status;	/* V_OCSP_CERTSTATUS_* */
	enum signed_by	 signer;
	int		 from, until;	/* seconds from now */
	int		 other;		/* about another certificate */
	enum tls_verify	 expect;
} staples[] = {
	{ V_OCSP_CERTSTATUS_REVOKED, BY_ISSUER, -60, DAY, 0, VERIFY_REVOKED },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_DELEGATE, -60, DAY, 0,
	    VERIFY_REVOKED },
	/* our clock is not theirs */
	{ V_OCSP_CERTSTATUS_REVOKED, BY_ISSUER, -DAY, -60, 0,
	    VERIFY_REVOKED },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_ISSUER, 60, DAY, 0, VERIFY_REVOKED },
	{ V_OCSP_CERTSTATUS_GOOD, BY_ISSUER, -60, DAY, 0, VERIFY_OK },
	{ V_OCSP_CERTSTATUS_UNKNOWN, BY_ISSUER, -60, DAY, 0, VERIFY_OK },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_OTHER, -60, DAY, 0, VERIFY_OK },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_SIBLING, -60, DAY, 0, VERIFY_OK },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_ISSUER, -DAY, -3600, 0, VERIFY_OK },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_ISSUER, 3600, DAY, 0, VERIFY_OK },
	{ V_OCSP_CERTSTATUS_REVOKED, BY_ISSUER, -60, DAY, 1, VERIFY_OK },
};
#define STAPLES	(sizeof(staples) / sizeof(staples[0]))

static uint8_t	*response;	/* what the server staples */
static int	 response_len;

static int
give(SSL *ssl, void *arg)
{
	SSL_set_tlsext_status_ocsp_resp(ssl,
	    OPENSSL_memdup(response, (size_t)response_len), response_len);
	return SSL_TLSEXT_ERR_OK;
}

static void
make(const struct staple *s, const struct origin *o,
    const struct minted *signers)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL,
	    s->other ? signers[BY_SIBLING].cert : o->cert.cert, o->root.cert);
	ASN1_TIME *from = X509_gmtime_adj(NULL, s->from);
	ASN1_TIME *until = X509_gmtime_adj(NULL, s->until);
	OCSP_RESPONSE *resp;

	ck_assert_ptr_nonnull(OCSP_basic_add1_status(basic, id, s->status, -1,
	    from, from, until));
	ck_assert(OCSP_basic_sign(basic, signers[s->signer].cert,
	    signers[s->signer].key, EVP_sha256(), NULL, 0));
	resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	response = NULL;
	response_len = i2d_OCSP_RESPONSE(resp, &response);
	ck_assert_int_gt(response_len, 0);
	OCSP_RESPONSE_free(resp);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
}

/* A struct tls, an origin that staples, and who may sign for it. */
static struct tls *
setup(struct origin *o, struct minted signers[SIGNERS], int version,
    const char *san, int to)
{
	struct minted ca = mint_ca("CA", NULL);
	struct mint delegate = { .cn = "responder", .by = &o->root,
	    .eku = "OCSPSigning" };
	struct tls *t;

	origin_init(o, &(struct mint){ .cn = "origin", .san = san, .to = to });
	SSL_CTX_set_tlsext_status_cb(o->ctx, give);
	signers[BY_ISSUER] = o->root;
	signers[BY_OTHER] = mint_ca("Origin Root", NULL);
	signers[BY_DELEGATE] = mint(&delegate);
	signers[BY_SIBLING] = mint_leaf(&o->root, "DNS:b");
	t = tls_with(&ca, o->root.cert, NULL, version);
	mint_done(&ca);
	return t;
}

static void
teardown(struct tls *t, struct origin *o, struct minted signers[SIGNERS])
{
	int i;

	for (i = BY_OTHER; i < SIGNERS; i++)
		mint_done(&signers[i]);
	origin_done(o);
	tls_free(t);
}

TEST(only_the_issuer_says_now_that_it_is_revoked)
{
	struct minted signers[SIGNERS];
	struct tls_want w = want_of("a");
	struct origin o;
	struct tls *t;
	size_t v, i;

	for (v = 0; v < 2; v++) {
		t = setup(&o, signers, versions[v], "DNS:a", 0);
		for (i = 0; i < STAPLES; i++) {
			make(&staples[i], &o, signers);
			/* Its own port: nothing is resumed. */
			addr_set_port(&w.server, (uint16_t)(i + 1));
			ck_assert_msg(!visit(t, &o, &w, staples[i].expect,
			    NULL), "%zu", i);
			OPENSSL_free(response);
		}
		teardown(t, &o, signers);
	}
	scratch_done();
}
END

TEST(a_revoked_server_is_never_resumed)
{
	struct minted signers[SIGNERS];
	struct tls_want w = want_of("a");
	struct origin o;
	struct tls *t;
	size_t v, i;

	for (v = 0; v < 2; v++) {
		t = setup(&o, signers, versions[v], "DNS:a", 0);
		w.lineage = 1;
		make(&staples[0], &o, signers);
		for (i = 0; i < 3; i++)
			ck_assert(!visit(t, &o, &w, VERIFY_REVOKED, NULL));
		OPENSSL_free(response);
		teardown(t, &o, signers);
	}
	scratch_done();
}
END

/* As by a list: neither its name nor its time matter then. */
TEST(revoked_comes_before_name_and_time)
{
	struct minted signers[SIGNERS];
	struct tls_want w = want_of("a");
	struct origin o;
	struct tls *t;
	size_t v;

	for (v = 0; v < 2; v++) {
		t = setup(&o, signers, versions[v], "DNS:b", -1);
		make(&staples[0], &o, signers);
		visit(t, &o, &w, VERIFY_REVOKED, NULL);
		OPENSSL_free(response);
		teardown(t, &o, signers);
	}
	scratch_done();
}
END

TEST(what_is_no_response_is_ignored)
{
	static uint8_t junk[] = { 0x30, 3, 10, 1, 6 };	/* unauthorized */
	struct minted signers[SIGNERS];
	struct tls_want w = want_of("a");
	struct origin o;
	struct tls *t;
	size_t v;
	int i;

	response = junk;
	for (v = 0; v < 2; v++) {
		t = setup(&o, signers, versions[v], "DNS:a", 0);
		for (i = 1; i <= (int)sizeof(junk); i++) {
			response_len = i;
			addr_set_port(&w.server, (uint16_t)i);
			visit(t, &o, &w, VERIFY_OK, NULL);
		}
		teardown(t, &o, signers);
	}
	scratch_done();
}
END

SUITE("staple", only_the_issuer_says_now_that_it_is_revoked,
    a_revoked_server_is_never_resumed, revoked_comes_before_name_and_time,
    what_is_no_response_is_ignored)
