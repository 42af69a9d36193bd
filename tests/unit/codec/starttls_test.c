/*
 * codec/starttls: the dialogues that lead to TLS, at once and byte by byte; and
 * what only looks like one.
 */
#include "codec/starttls.h"

#include <string.h>

#include "util/mem.h"

#include "test.h"

/* What is said, in turn: 'c' or 's', then the text. The steps come out as
 * letters: . plain, A asked, T agreed, R refused, U unasked, O over. */
struct said {
	int		 down;
	const char	*p;
	size_t		 len;
};
#define C(s)	{ 0, (s), sizeof(s) - 1 }
#define S(s)	{ 1, (s), sizeof(s) - 1 }

static void
read_some(struct starttls *t, int down, const char *p, size_t len, char *out)
{
	static const char letters[] = { 0, '.', 'A', 'T', 'R', 'U', 'O' };
	enum starttls_step step;
	size_t n;

	while (len > 0) {
		step = starttls_read(t, down, (const uint8_t *)p, len, &n);
		ck_assert_uint_le(n, len);
		p += n;
		len -= n;
		if (step == STARTTLS_MORE)
			ck_assert_uint_eq(len, 0);
		else
			strncat(out, &letters[step], 1);
		if (t->over)
			return;
	}
}

static const char *
steps(const struct said *said, size_t n, size_t piece, const char *name)
{
	static char out[256];
	struct starttls t = { 0 };
	size_t i, at, len;

	out[0] = '\0';
	for (i = 0; i < n && !t.over; i++)
		for (at = 0; at < said[i].len && !t.over; at += len) {
			len = said[i].len - at < piece ? said[i].len - at :
			    piece;
			read_some(&t, said[i].down, said[i].p + at, len, out);
		}
	if (name == NULL)
		ck_assert_int_eq(starttls_which(&t), -1);
	else
		ck_assert_str_eq(starttls_name((unsigned)starttls_which(&t)),
		    name);
	return out;
}

/* In pieces of every size, from a byte to all at once. */
#define READS(name, want, ...)						\
do {									\
	const struct said said[] = { __VA_ARGS__ };			\
	size_t piece;							\
									\
	for (piece = 1; piece < 80; piece++)				\
		ck_assert_str_eq(steps(said, NELEM(said), piece, name),	\
		    want);						\
} while (0)

TEST(smtp_is_read)
{
	READS("smtp", "......AT", S("220-mx\r\n220 mx\r\n"), C("EHLO me\r\n"),
	    S("250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n"), C("starttls\r\n"),
	    S("220 go\r\n"));
	READS("smtp", "...A.T", S("220 mx\n"), C("LHLO me\n"), S("250 mx\n"),
	    C(" STARTTLS \n"), S("220-a\n220 b\n"));
}
END

TEST(imap_is_read_by_its_tag)
{
	READS("imap", ".....A.T", S("* OK hello\r\n"), C("a1 CAPABILITY\r\n"),
	    S("* CAPABILITY STARTTLS\r\na1 OK done\r\n"), C("x NOOP\r\n"),
	    C("a2 STARTTLS\r\n"), S("x OK done\r\n"), S("a2 OK go\r\n"));
	READS("imap", ".A.R", S("* OK hello\r\n"), C("a STARTTLS\r\n"),
	    S("* BAD x\r\n"), S("a BAD no\r\n"));
}
END

TEST(pop3_is_read)
{
	READS("pop3", "......AT", S("+OK hello\r\n"), C("CAPA\r\n"),
	    S("+OK\r\nSTLS\r\nUSER\r\n.\r\n"), C("STLS\r\n"),
	    S("+OK go\r\n"));
	READS("pop3", ".AR", S("+OK hello\r\n"), C("STLS\r\n"),
	    S("-ERR no\r\n"));
}
END

TEST(ftp_is_read)
{
	READS("ftp", ".....AT", S("220 hello\r\n"), C("FEAT\r\n"),
	    S("211-x\r\n AUTH TLS\r\n211 end\r\n"), C("AUTH  tls\r\n"),
	    S("234 go\r\n"));
	READS("ftp", ".AR.", S("220 hello\r\n"), C("AUTH SSL\r\n"),
	    S("504 no\r\n"), C("USER me\r\n"));
}
END

TEST(nntp_and_sieve_are_read)
{
	READS("nntp", ".AT", S("201 news\r\n"), C("STARTTLS\r\n"),
	    S("382 go\r\n"));
	READS("sieve", "...AT", S("\"IMPLEMENTATION\" \"x\"\r\n"
	    "\"STARTTLS\"\r\nOK\r\n"), C("STARTTLS\r\n"), S("OK \"go\"\r\n"));
	READS("sieve", "..AR", S("\"STARTTLS\"\r\nOK\r\n"), C("STARTTLS\r\n"),
	    S("NO \"not now\"\r\n"));
}
END

#define OID	"1.3.6.1.4.1.1466.20037"
#define LDAP_ASKS	C("\x30\x1d\x02\x01\x02\x77\x18\x80\x16" OID)

TEST(ldap_is_read_by_its_message_id)
{
	READS("ldap", ".A.T", C("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03"
	    "\x04\0\x80\0"), LDAP_ASKS, S("\x30\x84\0\0\0\x0c\x02\x01\x01"
	    "\x61\x07\x0a\x01\0\x04\0\x04\0"),
	    S("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\0\x04\0\x04\0"));
	READS("ldap", "AR", LDAP_ASKS,
	    S("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\2\x04\0\x04\0"));
	READS("ldap", ".", C("\x30\x84\0\0\0\x05\x02\x01\x02\x42\0"));
	READS(NULL, "O", C("\x30\x80\0\0\0\0\0\0\0\0"));
}
END

TEST(xmpp_is_read)
{
	READS("xmpp", "......A.T", C("<?xml version='1.0'?><stream:stream>"),
	    S("<stream:stream><stream:features><starttls xmlns='x'/>"),
	    C("<starttls xmlns='x'></starttls>"), S("</stream:features>"),
	    S("<proceed/>"));
	READS("xmpp", ".AR", C("<stream:stream>"), C("\n<tls:starttls/>"),
	    S("<failure/>"));
	READS("xmpp", "...O", C("<stream:stream><auth x='y'>z</auth><a>"));
}
END

#define PG(x)	"\0\0\0\x08\x04\xd2\x16" x
TEST(pgsql_is_read)
{
	READS("pgsql", "..AT", C(PG("\x30")), S("N"), C(PG("\x2f")), S("S"));
	READS("pgsql", "ARO", C(PG("\x2f")), S("N"),
	    C("\0\0\0\x09\0\3\0\0\0"));
	READS("pgsql", "O", C("\0\0\0\x09\0\3\0\0\0"));
	READS(NULL, "O", C("\0\xff\xff\xff"));
}
END

#define MYSQL_GREETS(caps)						\
	S("\x16\0\0\0\x0a" "8.0\0\1\2\3\4saltsalt\0\xff" caps "\0\0")
TEST(mysql_is_read)
{
	READS("mysql", ".T", MYSQL_GREETS("\xff"), C("\x20\0\0\1\x85\xae\xff"
	    "\x19\0\0\0\1\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\0\0"));
	READS("mysql", ".O", MYSQL_GREETS("\xff"), C("\x01\0\0\1\x85"));
	READS("mysql", "O", MYSQL_GREETS("\xf7"));
}
END

TEST(an_answer_is_found_by_counting)
{
	READS("smtp", "..A..T", S("220 mx\r\n"), C("NOOP\r\nSTARTTLS\r\n"),
	    S("250 ok\r\n"), C("EHLO x\r\n"), S("220 go\r\n"));
	/* Asked before anything was said. */
	READS("smtp", ".A..T", C("EHLO x\r\nSTARTTLS\r\n"), S("220 mx\r\n"),
	    S("250 mx\r\n"), S("220 go\r\n"));
	READS("imap", "A.T", C("a STARTTLS\r\n"), S("* OK mx\r\n"),
	    S("a OK go\r\n"));
}
END

/* RFC 959, 4.2: between the first line of a reply and the last, with the same
 * code, anything may stand; and 120 says that the greeting is still to come. */
TEST(a_reply_ends_with_the_code_that_began_it)
{
	READS("ftp", "...AT", S("220-Welcome\r\n* Members only *\r\n220 x\r\n"),
	    C("AUTH TLS\r\n"), S("234 go\r\n"));
	READS("ftp", ".....AT", S("220-a\r\n200 of us\r\n+OK\r\n \r\n220 x\r\n"),
	    C("AUTH TLS\r\n"), S("234 go\r\n"));
	READS("ftp", "...A...T", S("120 soon\r\n220 x\r\n"),
	    C("FEAT\r\nAUTH TLS\r\n"), S("211-x\r\n500 of these\r\n211 x\r\n"),
	    S("234 go\r\n"));
	READS("ftp", "..A..R", S("220 x\r\n"), C("FEAT\r\nAUTH TLS\r\n"),
	    S("500 what\r\n534-x\r\n534 no\r\n"));
	READS("smtp", "....AT", S("220-a\r\n220 b\r\n"), C("EHLO x\r\n"),
	    S("250 x\r\n"), C("STARTTLS\r\n"), S("220 go\r\n"));
}
END

/* FTP's 200 is no greeting of NNTP's. */
TEST(what_it_is_does_not_show_behind_the_greeting)
{
	READS("ftp", "...AT", S("220 x\r\n"), C("NOOP\r\n"), S("200 ok\r\n"),
	    C("AUTH TLS\r\n"), S("234 go\r\n"));
	READS("ftp", "..", S("220 x\r\n"), C("TYPE I\r\n"));
	READS("smtp", "..", S("220 x\r\n"), C("MAIL FROM:<>\r\n"));
}
END

TEST(a_tag_may_be_long)
{
#define TAG	"a234567890123456789012345678901234567890"
	READS("imap", ".A.T", S("* OK x\r\n"), C(TAG TAG " STARTTLS\r\n"),
	    S(TAG " OK no\r\n" TAG TAG " OK go\r\n"));
}
END

/* As nnrpd leaves an empty line. */
TEST(a_line_may_have_no_answer)
{
	READS("nntp", "..AT", S("200 x\r\n"), C("\r\nSTARTTLS\r\n"),
	    S("382 go\r\n"));
}
END

/* A server wants TLS first (RFC 3207, 4: "530 Must issue a STARTTLS command
 * first", and the like), and gets it. */
TEST(a_login_that_is_refused_is_not_the_end)
{
	READS("smtp", "......AT", S("220 mx\r\n"), C("EHLO x\r\n"),
	    S("250 mx\r\n"), C("AUTH PLAIN AGEAYg==\r\n"),
	    S("530-first\r\n530 STARTTLS\r\n"), C("STARTTLS\r\n"),
	    S("220 go\r\n"));
	READS("imap", "....A.T", S("* OK hi\r\n"), C("a LOGIN me x\r\n"),
	    S("* BAD secret\r\na NO [PRIVACYREQUIRED] no\r\n"),
	    C("a STARTTLS\r\n"), S("* x\r\na OK go\r\n"));
	READS("pop3", "...AT", S("+OK hi\r\n"), C("APOP me x\r\n"),
	    S("-ERR no\r\n"), C("STLS\r\n"), S("+OK go\r\n"));
	READS("ftp", ".....AT", S("220 hi\r\n"), C("USER me\r\nPASS x\r\n"),
	    S("331 x\r\n530 x\r\n"), C("AUTH TLS\r\n"), S("234 go\r\n"));
	READS("nntp", "...AT", S("200 hi\r\n"), C("LIST\r\n"),
	    S("483 first\r\n"), C("STARTTLS\r\n"), S("382 go\r\n"));
	READS("sieve", "....AT", S("\"X\"\r\nOK\r\n"),
	    C("AUTHENTICATE \"PLAIN\" \"AGE=\"\r\n"),
	    S("NO (ENCRYPT-NEEDED) \"x\"\r\n"), C("STARTTLS\r\n"),
	    S("OK\r\n"));
	READS("xmpp", "......AT", C("<stream:stream>"),
	    C("<auth mechanism='PLAIN'>AGE=</auth>"),
	    S("<failure><encryption-required/></failure>"),
	    C(" <starttls/>"), S("<proceed/>"));
}
END

/* It goes on, and what comes then is no command. */
TEST(a_login_is_the_end)
{
	READS("smtp", "....O", S("220 mx\r\n"), C("EHLO x\r\n"),
	    S("250 mx\r\n"), C("AUTH LOGIN\r\n"), S("334 x\r\n"));
	READS("smtp", "....O", S("220 mx\r\n"), C("LHLO x\r\nDATA\r\n"),
	    S("250 mx\r\n354-x\r\n"));
	READS("imap", "...O", S("* OK hi\r\n"), C("a LOGIN me x\r\n"),
	    S("* CAPABILITY\r\na OK in\r\n"));
	READS("imap", "..O", S("* OK hi\r\n"), C("a LOGIN {8}\r\n"),
	    S("+\r\n"));
	READS("imap", "..O", S("* OK hi\r\n"), C("a LOGIN {8+}\r\n"),
	    C("a"));
	READS("pop3", "..O", S("+OK hi\r\n"), C("AUTH X\r\n"), S("+ x\r\n"));
	READS("sieve", "...O", S("\"X\"\r\nOK\r\n"), C("AUTHENTICATE \"X\"\r\n"),
	    S("\"x\"\r\n"));
	READS("nntp", "..O", S("200 hi\r\n"), C("GROUP a\r\n"),
	    S("211 1 1 1 a\r\n"));
	READS("xmpp", "..O", C("<stream:stream><auth m='X'/>"),
	    S("<success/>"));
	READS("xmpp", "..O", C("<stream:stream><auth m='X'/>"), C("<"));
}
END

/* Which mechanisms are there (RFC 5034, and before CAPA was). */
TEST(auth_alone_is_a_question)
{
	READS("pop3", ".....AT", S("+OK hi\r\n"), C("AUTH\r\n"),
	    S("+OK\r\nPLAIN\r\n.\r\n"), C("STLS\r\n"), S("+OK go\r\n"));
}
END

TEST(what_may_be_content_is_not_read)
{
	READS("smtp", "....O", S("220 mx\r\n"), C("EHLO x\r\n"),
	    S("250 mx\r\n"), C("DATA\r\nSTARTTLS\r\n"));
	READS("imap", "..O", S("* OK mx\r\n"), C("a LOGIN {8}\r\nx\r\n"));
	READS("ftp", "...O", S("220 x\r\n"),
	    C("USER me\r\nPASS x\r\nAUTH TLS\r\n"));
}
END

TEST(what_is_no_dialogue_is_over_at_once)
{
	READS(NULL, "O", C("\x01\x02"));
	READS(NULL, "O", S("\x00\x01\x02\x03\x04\x05"));
	READS(NULL, "O", S("SSH-2.0-x\r\n"));
	READS(NULL, "U", C("\x16\x03\x01"));
	READS("smtp", ".U", C("EHLO x\r\n\x16\x03\x01"));
}
END

/* Others begin with a length, too, or a SEQUENCE, or a line. */
TEST(what_looks_like_a_dialogue_is_none)
{
	/* Kafka's ApiVersions, ZooKeeper's ConnectRequest, SMB's negotiate. */
	READS(NULL, "O", C("\0\0\0\x0e\0\x12\0\0\0\0\0\1\0\4test"));
	READS(NULL, "O", C("\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0"));
	READS(NULL, "O", C("\0\0\0\x24\xfeSMB\x40\0\0\0\0\0\0\0"));
	/* SNMP; and a line of digits. */
	READS(NULL, "O", C("\x30\x0a\x02\x01\1\x04\3pub\xa0\0"));
	READS(NULL, "O", C("0123456789\n0123456789012345678901234567890123"
	    "45678901234567890"));
	/* Redis. */
	READS(NULL, "O", C("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n"), S("+OK\r\n"));
}
END

TEST(a_long_line_is_judged_by_its_start)
{
	struct starttls t = { 0 };
	char line[4000], out[16] = "";

	memset(line, ' ', sizeof(line));
	memcpy(line, "STARTTLS", 8);
	line[sizeof(line) - 1] = '\n';
	read_some(&t, 1, "220 mx\n", 7, out);
	read_some(&t, 0, line, sizeof(line), out);
	ck_assert_str_eq(out, ".A");
}
END

TEST(a_long_dialogue_is_not_read_for_ever)
{
	struct starttls t = { 0 };
	char out[4096] = "";
	int i;

	for (i = 0; i < STARTTLS_MAX / 6; i++)
		read_some(&t, 0, "NOOP\r\n", 6, out);
	ck_assert_int_eq(t.over, 0);
	read_some(&t, 0, "NOOP\r\n", 6, out);
	ck_assert_int_eq(t.over, 1);
}
END

/* What is said to a server that says this, in pieces of so many bytes; and how
 * that ends. */
static enum starttls_step
asks(unsigned which, const char *p, size_t len, size_t most, const char *says)
{
	struct starttls_asker a = { .which = which };
	enum starttls_step step;
	struct text say = { 0 };
	size_t n = 0, all = 0;

	step = starttls_ask(&a, "a.test", NULL, 0, &n, &say);
	while (step == STARTTLS_MORE && all < len) {
		step = starttls_ask(&a, "a.test", (const uint8_t *)p + all,
		    len - all < most ? len - all : most, &n, &say);
		all += n;
	}
	ck_assert_str_eq(say.s != NULL ? say.s : "", says);
	text_free(&say);
	return all < len && step == STARTTLS_AGREED ? STARTTLS_OVER : step;
}

TEST(a_client_of_ours_asks_for_tls)
{
	static const struct {
		unsigned	 which;
		const char	*hears, *says;
		enum starttls_step step;
	} t[] = {
		{ STARTTLS_SMTP, "220-a\r\n220 b\r\n250-a\r\n250 STARTTLS\r\n"
		    "220 go\r\n", "EHLO [127.0.0.1]\r\nSTARTTLS\r\n",
		    STARTTLS_AGREED },
		{ STARTTLS_SMTP, "220 b\r\n250 a\r\n454 no\r\n",
		    "EHLO [127.0.0.1]\r\nSTARTTLS\r\n", STARTTLS_REFUSED },
		{ STARTTLS_SMTP, "220-a\r\n220-b\r\n", "", STARTTLS_MORE },
		{ STARTTLS_SMTP, "220 a\r\n250 a\r\n220 go\r\nmore",
		    "EHLO [127.0.0.1]\r\nSTARTTLS\r\n", STARTTLS_OVER },
		{ STARTTLS_IMAP, "* OK hi\r\n* CAPABILITY x\r\na OK go\r\n",
		    "a STARTTLS\r\n", STARTTLS_AGREED },
		{ STARTTLS_IMAP, "* OK hi\r\na BAD what?\r\n",
		    "a STARTTLS\r\n", STARTTLS_REFUSED },
		{ STARTTLS_POP3, "+OK hi\r\n-ERR no\r\n", "STLS\r\n",
		    STARTTLS_REFUSED },
		{ STARTTLS_FTP, "220 hi\r\n234 go\r\n", "AUTH TLS\r\n",
		    STARTTLS_AGREED },
		{ STARTTLS_SIEVE, "\"IMPLEMENTATION\" \"x\"\r\nOK\r\n"
		    "OK \"go\"\r\n", "STARTTLS\r\n", STARTTLS_AGREED },
		{ STARTTLS_NNTP, "200 hi\r\n580 no\r\n", "STARTTLS\r\n",
		    STARTTLS_REFUSED },
	};
	size_t i;

	for (i = 0; i < NELEM(t); i++) {
		ck_assert_int_eq(asks(t[i].which, t[i].hears,
		    strlen(t[i].hears), 999, t[i].says), t[i].step);
		ck_assert_int_eq(asks(t[i].which, t[i].hears,
		    strlen(t[i].hears), 1, t[i].says), t[i].step);
	}
}
END

TEST(a_client_of_ours_has_no_odd_name)
{
	struct starttls_asker a = { .which = STARTTLS_XMPP };
	struct text say = { 0 };
	size_t n;

	ck_assert_int_eq(starttls_ask(&a, "a'><b", NULL, 0, &n, &say),
	    STARTTLS_OVER);
	ck_assert_uint_eq(say.len, 0);
	ck_assert_int_eq(starttls_ask(&a, "a.test", NULL, 0, &n, &say),
	    STARTTLS_MORE);
	ck_assert_ptr_ne(strstr(say.s, " to='a.test' "), NULL);
	text_free(&say);
}
END

SUITE("starttls", a_client_of_ours_asks_for_tls,
    a_client_of_ours_has_no_odd_name, smtp_is_read, imap_is_read_by_its_tag, pop3_is_read,
    ftp_is_read, nntp_and_sieve_are_read, ldap_is_read_by_its_message_id,
    xmpp_is_read, pgsql_is_read, mysql_is_read, an_answer_is_found_by_counting,
    a_reply_ends_with_the_code_that_began_it,
    what_it_is_does_not_show_behind_the_greeting, a_tag_may_be_long,
    a_line_may_have_no_answer, a_login_that_is_refused_is_not_the_end, a_login_is_the_end,
    auth_alone_is_a_question, what_may_be_content_is_not_read, what_is_no_dialogue_is_over_at_once,
    what_looks_like_a_dialogue_is_none, a_long_line_is_judged_by_its_start, a_long_dialogue_is_not_read_for_ever)
