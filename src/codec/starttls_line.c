/*
 * Dialogues in lines. A server answers commands in their order, so that the
 * answer to one is known by counting; IMAP's has the tag of the command.
 */
#include "codec/starttls_inner.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const struct starttls_protocol starttls_protocols[] = {
	{ .name = "smtp", .asks = { "STARTTLS" }, .yes = "220",
	    .ends = " DATA BDAT AUTH " },
	{ .name = "imap", .asks = { "STARTTLS" }, .yes = "OK",
	    .tagged = 1, .ends = " LOGIN AUTHENTICATE " },
	{ .name = "pop3", .asks = { "STLS" }, .yes = "+OK",
	    .no = { "-ERR" }, .ends = " PASS APOP AUTH " },
	{ .name = "ftp", .asks = { "AUTH TLS", "AUTH SSL", "AUTH TLS-C",
	    "AUTH TLS-P" }, .yes = "234", .ends = " PASS " },
	{ .name = "nntp", .asks = { "STARTTLS" }, .yes = "382",
	    .ends = " AUTHINFO GROUP LISTGROUP ARTICLE HEAD BODY POST IHAVE "
	    "TAKETHIS NEWNEWS LIST OVER XOVER HDR XHDR " },
	{ .name = "sieve", .asks = { "STARTTLS" }, .yes = "OK",
	    .no = { "NO", "BYE" }, .ends = " AUTHENTICATE PUTSCRIPT " },
	{ .name = "ldap" }, { .name = "xmpp" }, { .name = "pgsql" },
	{ .name = "mysql" }, { .name = NULL }
};

struct line {
	const char	*p;
	size_t		 len;
};

/* Without its end. */
static struct line
line_chomp(struct line l)
{
	while (l.len > 0 && isspace((unsigned char)l.p[l.len - 1]))
		l.len--;
	return l;
}

static struct line
line_trim(struct line l)
{
	l = line_chomp(l);
	while (l.len > 0 && (*l.p == ' ' || *l.p == '\t')) {
		l.p++;
		l.len--;
	}
	return l;
}

/* The length of its first word. */
static size_t
line_word(struct line l)
{
	size_t n = 0;

	while (n < l.len && l.p[n] != ' ' && l.p[n] != '\t')
		n++;
	return n;
}

static struct line
line_behind(struct line l, size_t n)
{
	return line_trim((struct line){ l.p + n, l.len - n });
}

/* Whether it begins with these words; between words there may be blanks. */
static int
line_says(struct line l, const char *words)
{
	const char *space = strchr(words, ' ');
	size_t n = space != NULL ? (size_t)(space - words) : strlen(words);

	if (line_word(l) != n || strncasecmp(l.p, words, n) != 0)
		return 0;
	return space == NULL || line_says(line_behind(l, n), space + 1);
}

static int
word_is_in(struct line l, const char *list)
{
	char word[20] = " ";
	size_t i, n = line_word(l);

	if (n == 0 || n > sizeof(word) - 3)
		return 0;
	for (i = 0; i < n; i++)
		word[i + 1] = (char)toupper((unsigned char)l.p[i]);
	word[n + 1] = ' ';
	word[n + 2] = '\0';
	return strstr(list, word) != NULL;
}

/* Whether a login or content may begin behind it. AUTH alone asks what there is
 * to log in by (RFC 1734, and before). */
static int
line_ends(const struct starttls_protocol *p, struct line l)
{
	size_t n = line_word(l);

	return word_is_in(l, p->ends) && !(n == l.len && line_says(l, "AUTH"));
}

/* Without IMAP's tag. */
static struct line
line_command(const struct starttls_protocol *p, struct line l)
{
	return p->tagged ? line_behind(l, line_word(l)) : l;
}

static int
protocol_asks(const struct starttls_protocol *p, struct line l)
{
	size_t i;

	l = line_command(p, l);
	for (i = 0; i < sizeof(p->asks) / sizeof(p->asks[0]) &&
	    p->asks[i] != NULL; i++)
		if (line_says(l, p->asks[i]))
			return 1;
	return 0;
}

/* A client may ask before the greeting that shows the protocol has come. */
static int
line_asks(const struct starttls *t, struct line l)
{
	const struct starttls_protocol *p = t->protocol;

	if (p != NULL)
		return protocol_asks(p, l);
	for (p = starttls_protocols; p->name != NULL; p++)
		if (protocol_asks(p, l))
			return 1;
	return 0;
}

/* 220 is how SMTP greets, and FTP; the client shows which it is. */
static void
line_guess_client(struct starttls *t, struct line l)
{
	if (word_is_in(l, " EHLO HELO LHLO STARTTLS MAIL RCPT DATA BDAT VRFY "
	    "EXPN XCLIENT "))
		t->protocol = &starttls_protocols[STARTTLS_SMTP];
	else if (word_is_in(l, " AUTH USER FEAT HOST SYST OPTS CLNT PBSZ PROT "
	    "PASS ACCT LANG TYPE PASV EPSV PORT EPRT SITE "))
		t->protocol = &starttls_protocols[STARTTLS_FTP];
}

static void
line_guess_server(struct starttls *t, struct line l)
{
	int which = -1;

	if (line_says(l, "*"))
		which = STARTTLS_IMAP;
	else if (line_says(l, "+OK"))
		which = STARTTLS_POP3;
	else if (line_says(l, "200") || line_says(l, "201"))
		which = STARTTLS_NNTP;
	else if (l.len > 0 && (l.p[0] == '"' || line_says(l, "OK")))
		which = STARTTLS_SIEVE;
	if (which != -1)
		t->protocol = &starttls_protocols[which];
}

/* Keep the tag, by which the answer is known. */
static void
line_tag(struct starttls *t, struct line l)
{
	size_t n = line_word(l);

	t->tag_len = (uint16_t)(n < sizeof(t->tag) ? n : 0);
	memcpy(t->tag, l.p, t->tag_len);
}

static enum starttls_step
line_client(struct starttls *t, struct line l)
{
	/* Before the greeting only SMTP has words that no other has. */
	if (t->protocol == NULL && (t->greeted ||
	    word_is_in(l, " EHLO HELO LHLO ")))
		line_guess_client(t, l);
	if (!t->asked && line_asks(t, l)) {
		line_tag(t, l);
		t->asked = 1;
		return STARTTLS_ASKED;
	}
	if (t->protocol != NULL && line_ends(t->protocol,
	    line_command(t->protocol, l))) {
		if (t->asked)
			return STARTTLS_OVER;
		line_tag(t, l);
		t->ending = 1;
	}
	if (t->asked)
		t->behind++;
	else
		t->pending++;
	return STARTTLS_PLAIN;
}

/* The code before a line of a reply, or 0; behind that of one which is not the
 * last is a dash. */
static unsigned
reply_code(struct line l, int *dash)
{
	unsigned code = 0;
	size_t i;

	if (l.len < 3 || (l.len > 3 && strchr(" \t-", l.p[3]) == NULL))
		return 0;
	for (i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)l.p[i]))
			return 0;
		code = code * 10 + (unsigned)(l.p[i] - '0');
	}
	*dash = l.len > 3 && l.p[3] == '-';
	return code;
}

/*
 * The same for replies that begin with a code. RFC 959, 4.2: one of several
 * lines ends with the code that began it, and between these may be any text;
 * in SMTP each line has a code. FTP's 120 comes before the greeting.
 */
static int
reply_ends_code(struct starttls *t, struct line l)
{
	int dash = 0, smtp = t->protocol == &starttls_protocols[STARTTLS_SMTP];
	unsigned code = reply_code(l, &dash);

	if (code == 0 || (t->reply != 0 && !smtp && code != t->reply))
		return 0;
	t->reply = dash ? (uint16_t)code : 0;
	return !dash && (code >= 200 ||
	    t->protocol == &starttls_protocols[STARTTLS_NNTP]);
}

/* Whether this line ends a reply. */
static int
reply_ends(struct starttls *t, struct line l)
{
	const struct starttls_protocol *p = t->protocol;
	size_t i;

	if (p == NULL || p->no[0] == NULL)
		return reply_ends_code(t, l);
	for (i = 0; i < sizeof(p->no) / sizeof(p->no[0]) &&
	    p->no[i] != NULL; i++)
		if (line_says(l, p->no[i]))
			return 1;
	return line_says(l, p->yes);
}

static int
reply_has_tag(const struct starttls *t, struct line l)
{
	return line_word(l) == t->tag_len &&
	    memcmp(l.p, t->tag, t->tag_len) == 0;
}

/* Whether this line refuses a command: all of its first word. */
static int
reply_refuses(const struct starttls_protocol *p, struct line l)
{
	size_t i;

	if (p->tagged)
		return line_says(l, "NO") || line_says(l, "BAD");
	for (i = 0; i < sizeof(p->no) / sizeof(p->no[0]) &&
	    p->no[i] != NULL; i++)
		if (line_says(l, p->no[i]))
			return 1;
	return p->no[0] == NULL && l.len > 0 && (l.p[0] == '4' ||
	    l.p[0] == '5');
}

/*
 * A line of the server's, which owes the answer to what may end the dialogue.
 * If it refuses, because there is no TLS yet, that can still come.
 */
static enum starttls_step
line_ending(struct starttls *t, struct line l)
{
	const struct starttls_protocol *p = t->protocol;

	if (p->tagged && !reply_has_tag(t, l))
		return l.len > 0 && l.p[0] == '+' ? STARTTLS_OVER :
		    STARTTLS_PLAIN;
	if (p->tagged)
		l = line_behind(l, t->tag_len);
	if (!reply_refuses(p, l))
		return STARTTLS_OVER;
	if (p->tagged || reply_ends(t, l))
		t->ending = t->pending = 0;
	return STARTTLS_PLAIN;
}

/* A code that agrees and answers nothing else: some servers do not answer an
 * empty line, so that counting alone is not enough. */
static int
reply_is_yes(const struct starttls *t, struct line l)
{
	return t->asked && t->protocol != NULL && t->protocol->no[0] == NULL &&
	    line_says(l, t->protocol->yes);
}

/* Whether it answers the command that asked for TLS. */
static int
reply_is_it(struct starttls *t, struct line *l)
{
	if (t->protocol != NULL && t->protocol->tagged) {
		if (!t->asked || !reply_has_tag(t, *l))
			return 0;
		*l = line_behind(*l, t->tag_len);
		return 1;
	}
	if (!reply_ends(t, *l))
		return 0;
	if (!t->greeted) {
		t->greeted = 1;
		return 0;
	}
	if (t->pending > 0 && !reply_is_yes(t, *l)) {
		t->pending--;
		return 0;
	}
	return t->asked;
}

static enum starttls_step
line_server(struct starttls *t, struct line l)
{
	/* By its greeting, and the first line of that. */
	if (t->protocol == NULL && !t->greeted && t->reply == 0)
		line_guess_server(t, l);
	if (t->ending && (t->protocol->tagged ||
	    (t->greeted && t->pending == 1)))
		return line_ending(t, l);
	if (!reply_is_it(t, &l))
		return STARTTLS_PLAIN;
	t->asked = 0;
	t->pending = t->behind;
	t->behind = 0;
	return t->protocol != NULL && line_says(l, t->protocol->yes) ?
	    STARTTLS_AGREED : STARTTLS_REFUSED;
}

enum starttls_step
starttls_line(struct starttls *t, int down, const uint8_t *p, size_t len)
{
	struct line l = { (const char *)p, len };

	return down ? line_server(t, line_chomp(l)) :
	    line_client(t, line_trim(l));
}
