/*
 * The ICAP client against c-icap: echo, ex206, virus_scan, and over TLS. All
 * is passed over where c-icap (or clamd) is not installed.
 */
#include "run.h"

static char	 line[8192];	/* of setup.py: its URLs, in JSON */
static pid_t	 peers;
static int	 feed[2];
static char	 dir[] = "/tmp/icap-peer.XXXXXX";

static int
peers_start(void)
{
	int out[2];
	FILE *f;

	if (access("/usr/bin/c-icap", X_OK) != 0 || mkdtemp(dir) == NULL ||
	    pipe(feed) == -1 || pipe(out) == -1)
		return 0;
	if ((peers = fork()) == 0) {
		dup2(feed[0], 0);
		dup2(out[1], 1);
		close(feed[0]);
		close(feed[1]);
		close(out[0]);
		execlp("python3", "python3", "tests/icap/setup.py", dir, NULL);
		_exit(127);
	}
	close(feed[0]);
	close(out[1]);
	f = fdopen(out[0], "r");
	return fgets(line, sizeof(line), f) != NULL;
}

static void
peers_stop(void)
{
	char *rm = xasprintf("rm -rf %s", dir);

	close(feed[1]);
	waitpid(peers, NULL, 0);
	if (system(rm) != 0)
		fputs("some files stay\n", stderr);
	free(rm);
}

/* A service by its name in setup.py. False: it is not there. */
static int
peer(struct run *u, const char *name)
{
	char key[64], scheme[8], host[64], path[128];
	const char *p;
	int port;

	run_init(u);
	u->conf.first_byte_timeout = u->conf.idle_timeout = 10000;
	snprintf(key, sizeof(key), "\"%s\": \"", name);
	if ((p = strstr(line, key)) == NULL)
		return 0;
	p += strlen(key);
	if (sscanf(p, "%7[a-z]://%63[^:]:%d/%127[^\"]", scheme, host, &port,
	    path) != 4)
		return 0;
	run_url(u, scheme, host, port, path);
	return 1;
}

static void
bodies(struct run *u)
{
	static const int64_t sizes[] = { -1, 0, 1, 1023, 1024, 1025, 4096,
	    65536, 1000000, 20000000 };
	size_t i, j;

	for (i = 0; i < NELEM(sizes); i++)
		for (j = 0; j < 4; j++) {
			struct deal d = { .size = sizes[i],
			    .no_length = j & 1, .method = j & 2 ?
			    ICAP_REQMOD : ICAP_RESPMOD,
			    .step = sizes[i] > 100000 ? 300000 : 0 };

			deal_do(&d, u);
			ck_assert_int_eq(d.bypassed, 0);
			if (d.outcome == ICAP_VIRGIN)
				continue;	/* it does both, in turn */
			ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
			ck_assert_str_eq(d.broken, "");
			ck_assert_int_eq(d.differs, 0);
			ck_assert_int_eq((long long)d.got,
			    sizes[i] < 0 ? 0 : sizes[i]);
		}
}

TEST(c_icap_echoes)
{
	struct run u;

	if (!peer(&u, "echo"))
		return;
	run_begin(&u);
	bodies(&u);
	run_end(&u);
}
END

TEST(c_icap_echoes_over_tls)
{
	struct run u;
	struct deal d = { .size = 1000 };

	if (!peer(&u, "tls-echo"))
		return;
	u.conf.trust = xasprintf("%s/tls.crt", dir);
	run_begin(&u);
	bodies(&u);
	run_end(&u);
	free(u.conf.trust);
	/* Nobody vouches for it: closed, whatever the policy. */
	peer(&u, "tls-echo");
	u.conf.fail.reqmod = u.conf.fail.respmod = 1;
	run_one(&u, &d);
	ck_assert_int_eq(d.outcome, ICAP_FAILED);
}
END

TEST(c_icap_answers_in_part)
{
	struct run u;
	int i;

	if (!peer(&u, "ex206"))
		return;
	run_begin(&u);
	for (i = 0; i < 5; i++) {
		struct deal d = { .size = 20000 };

		deal_do(&d, &u);
		ck_assert_int_eq(d.outcome, ICAP_ADAPTED);
		ck_assert_int_eq(d.ended, 1);
	}
	run_end(&u);
}
END

TEST(a_virus_scanner_lets_clean_bodies_pass)
{
	struct run u;
	int64_t sizes[] = { 5, 5000, 100000, 3000000 };
	size_t i;

	if (!peer(&u, "avscan"))
		return;
	run_begin(&u);
	for (i = 0; i < NELEM(sizes); i++) {
		struct deal d = { .size = sizes[i] };

		deal_do(&d, &u);
		ck_assert_int_eq(d.outcome, ICAP_VIRGIN);
		ck_assert_int_eq(d.bypassed, 0);
	}
	run_end(&u);
}
END

int
main(void)
{
	const TTest *const tests[] = { c_icap_echoes, c_icap_echoes_over_tls,
	    c_icap_answers_in_part, a_virus_scanner_lets_clean_bodies_pass };
	Suite *s = suite_create("icap_peer");
	TCase *c = tcase_create("icap_peer");
	SRunner *r;
	size_t i;
	int bad;

	if (!peers_start())
		return 0;
	tcase_set_timeout(c, 60);
	for (i = 0; i < NELEM(tests); i++)
		_tcase_add_test(c, tests[i], 0, 0, 0, 1);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	peers_stop();
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
