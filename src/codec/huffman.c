/*
 * The code is canonical: of two codes the shorter one comes first, and of one
 * length that of the smaller symbol. So where each length begins says all. Most
 * symbols have 5 to 7 bits: the table is asked with 12 bits, and knows the two
 * symbols that they begin with, or one.
 */
#include "codec/huffman.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "util/err.h"

#define EOS	256
#define LONGEST	30		/* bits of a code */
#define PADDING	7		/* bits at the end, at most */
#define ASK	12		/* bits that the table is asked with */

/* Bits of the codes: RFC 7541, Appendix B. */
static const uint8_t lengths[EOS + 1] = {
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
	30
};

/* The codes of one length, in 32 bits from the left: those below its end that
 * are not shorter. */
struct length {
	uint64_t	 end;
	uint32_t	 first;
	unsigned	 place;		/* of the first one's symbol */
};

struct answer {
	char		 symbol[2];
	uint8_t		 n;		/* symbols; 0: the code is longer */
	uint8_t		 bits;		/* of them */
};

static struct length	 by_length[LONGEST + 1];
static uint16_t		 sorted[EOS + 1];	/* symbols, by code */
static struct answer	 answers[1 << ASK];

/* The symbol that these bits begin with, and its length. */
static unsigned
symbol_of(uint32_t bits, unsigned *len)
{
	const struct length *l = by_length + 1;

	while (bits >= l->end)
		l++;
	*len = (unsigned)(l - by_length);
	return sorted[l->place + ((bits - l->first) >> (32 - *len))];
}

static void
make_lengths(void)
{
	uint64_t code = 0;
	unsigned len, symbol, n = 0;

	for (len = 1; len <= LONGEST; len++) {
		by_length[len].first = (uint32_t)code;
		by_length[len].place = n;
		for (symbol = 0; symbol <= EOS; symbol++) {
			if (lengths[symbol] != len)
				continue;
			sorted[n++] = (uint16_t)symbol;
			code += (uint64_t)1 << (32 - len);
		}
		by_length[len].end = code;
	}
}

static void
make_table(void)
{
	struct answer *a;
	unsigned symbol, len;
	uint32_t bits;

	make_lengths();
	for (a = answers; a < answers + (1 << ASK); a++) {
		bits = (uint32_t)(a - answers) << (32 - ASK);
		for (; a->n < 2; a->n++) {
			symbol = symbol_of(bits, &len);
			if (a->bits + len > ASK)
				break;
			a->symbol[a->n] = (char)symbol;
			a->bits += (uint8_t)len;
			bits <<= len;
		}
	}
}

void
huffman_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_table);
}

/* Bits that are to be decoded, from the left of a word. */
struct bits {
	const uint8_t	*begin, *p, *end;
	uint64_t	 word;		/* behind them zeros, or some that
					   follow and are read again */
	unsigned	 n;
};

/* Up to eight bytes from p on, from the left of a word. */
static inline uint64_t
word_at(const struct bits *b, size_t left)
{
	uint64_t w = 0;
	size_t i;

	if (left >= sizeof(w)) {
		memcpy(&w, b->p, sizeof(w));
		return be64toh(w);
	}
	if (b->end - b->begin >= (ptrdiff_t)sizeof(w)) {
		memcpy(&w, b->end - sizeof(w), sizeof(w));
		return be64toh(w) << (64 - 8 * left);
	}
	for (i = 0; i < left; i++)
		w |= (uint64_t)b->p[i] << (56 - 8 * i);
	return w;
}

static inline void
refill(struct bits *b)
{
	size_t left = (size_t)(b->end - b->p), n = (63 - b->n) / 8;

	if (left == 0)
		return;
	b->word |= word_at(b, left) >> b->n;
	n = n < left ? n : left;
	b->p += n;
	b->n += 8 * (unsigned)n;
}

static inline void
drop(struct bits *b, unsigned n)
{
	b->word <<= n;
	b->n -= n;
}

/*
 * A symbol for which the table is too small, or that is nearly the last one. 1;
 * 0: padding is all that is left, which begins like no code of its length; or
 * ERR_FORMAT.
 */
static int
decode_one(struct bits *b, char *out)
{
	unsigned len, symbol;

	if (b->n <= PADDING && b->word == ~(UINT64_MAX >> b->n))
		return 0;
	symbol = symbol_of((uint32_t)(b->word >> 32), &len);
	if (len > b->n || symbol == EOS)
		return ERR_FORMAT;
	*out = (char)symbol;
	drop(b, len);
	return 1;
}

ssize_t
huffman_decode(char *out, const uint8_t *p, size_t len)
{
	struct bits b = { p, p, p + len, 0, 0 };
	const struct answer *a;
	char *o = out;
	int rv;

	for (;;) {
		if (b.n < LONGEST)
			refill(&b);
		a = &answers[b.word >> (64 - ASK)];
		if (a->n > 0 && a->bits <= b.n) {
			memcpy(o, a->symbol, 2);
			o += a->n;
			drop(&b, a->bits);
		} else if ((rv = decode_one(&b, o)) == 1)
			o++;
		else
			return rv == 0 ? o - out : rv;
	}
}
