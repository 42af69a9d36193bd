/*
 * The status of the first answer, in pieces of every size.
 */
#include "codec/reply.h"

#include <string.h>

#include "util/err.h"

#include "test.h"

#define ROW(h2, text, status)	{ (h2), (text), sizeof(text) - 1, (status) }
/* Frames before the first HEADERS: SETTINGS with two, its ACK, WINDOW_UPDATE. */
#define FIRST								\
	"\0\0\14\4\0\0\0\0\0" "\0\3\0\0\0\200" "\0\4\0\1\0\0"		\
	"\0\0\0\4\1\0\0\0\0" "\0\0\4\10\0\0\0\0\0" "\0\1\0\0"

static const struct {
	int		 http2;
	const char	*text;
	size_t		 len;
	int		 status;
} rows[] = {
	ROW(0, "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", 400),
	ROW(0, "HTTP/1.0 403", 403),
	ROW(0, "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 403 Forbidden\r\n", 200),
	ROW(0, "HTTP/1.1 101 Switching Protocols\r\n\r\n", 101),
	ROW(0, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden", 403),
	ROW(0, "HTTP/1.1 103 Early\nLink: x\r\n \r\n\r\n"
	    "HTTP/1.1 100 \r\n\nHTTP/1.1 496 No", 496),
	ROW(0, "HTTP/1.1 100 Continue\r\nA: b\r\n", 0),
	ROW(0, "HTTP/1.1 100 Continue\r\n\r\nhello, world", ERR_FORMAT),
	ROW(0, "HTTP/1.1 40", 0),
	ROW(0, "HTTP/1.1 4x0 Bad", ERR_FORMAT),
	ROW(0, "HTTP/1.1 099 Bad", ERR_FORMAT),
	ROW(0, "HTTP/2.0 400 Bad", ERR_FORMAT),
	ROW(0, "220 smtp.example ESMTP", ERR_FORMAT),
	ROW(1, FIRST "\0\0\2\1\5\0\0\0\1" "\214\210", 400),
	/* by its name's index, huffman-coded, to be indexed */
	ROW(1, FIRST "\0\0\5\1\4\0\0\0\1" "\110\202\144\3x", ERR_FORMAT),
	ROW(1, FIRST "\0\0\5\1\4\0\0\0\1" "\110\003" "403", 403),
	/* padded and with a priority; the table's size first */
	ROW(1, FIRST "\0\0\14\1\54\0\0\0\1" "\3\0\0\0\0\20" "\77\341\37\214"
	    "..", ERR_FORMAT),
	ROW(1, FIRST "\0\0\14\1\54\0\0\0\1" "\2\0\0\0\0\20" "\77\341\37\214"
	    "..", 400),
	/* the largest update, and the name in full */
	ROW(1, "\0\0\23\1\4\0\0\0\1" "\77\340\377\377\377\17" "\0\7:status"
	    "\003" "200", 200),
	/* a block that goes on in CONTINUATION is begun by its status */
	ROW(1, FIRST "\0\0\1\1\0\0\0\0\1" "\214", 400),
	ROW(1, FIRST "\0\0\0\1\0\0\0\0\1" "\0\0\1\11", ERR_FORMAT),
	ROW(1, FIRST "\0\0\5\1\4\0\0\0\1" "\110\003" "103", ERR_FORMAT),
	ROW(1, FIRST "\0\0\14\1\4\0\0\0\1" "\110\012" "4000000000",
	    ERR_FORMAT),
	ROW(1, FIRST "\0\0\2\1\5\0\0\0\1" "\210\214", 200),
	ROW(1, FIRST "\0\0\2\1\5\0\0\0\1" "\203\214", ERR_FORMAT),
	ROW(1, "\0\0\5\5\4\0\0\0\1" "\0\0\0\2\214", ERR_FORMAT),
	ROW(1, "\0\0\10\7\0\0\0\0\0" "\0\0\0\0\0\0\0\2", 0),
	ROW(1, "HTTP/1.1 400 Bad Request\r\n\r\n", 0),
	ROW(1, FIRST, 0),
};

/* In pieces of step bytes. */
static int
read_pieces(size_t row, size_t step)
{
	const uint8_t *p = (const uint8_t *)rows[row].text;
	struct reply r;
	size_t at, left;
	int rv, got = 0;

	reply_begin(&r, rows[row].http2);
	for (at = 0; at < rows[row].len; at += step) {
		left = rows[row].len - at;
		rv = reply_read(&r, p + at, step < left ? step : left);
		ck_assert_msg(got == 0 || rv == 0, "row %zu: %d twice", row,
		    rv);
		got += rv;
	}
	return got;
}

TEST(the_first_answer_has_its_status_in_any_pieces)
{
	size_t i, n;
	int got;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 1; n <= rows[i].len; n++) {
			got = read_pieces(i, n);
			ck_assert_msg(got == rows[i].status,
			    "row %zu by %zu: %d", i, n, got);
		}
}
END

TEST(what_was_not_begun_reads_nothing)
{
	struct reply r = { 0 };

	ck_assert_int_eq(reply_read(&r, (const uint8_t *)"HTTP/1.1 400", 12),
	    0);
}
END

SUITE("reply",
    the_first_answer_has_its_status_in_any_pieces,
    what_was_not_begun_reads_nothing)
