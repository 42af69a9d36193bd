/*
 * Huffman's code of HPACK (RFC 7541, 5.2 and Appendix B). Its table, of 16 KiB,
 * is made of the lengths of the codes, which say all, once in a process.
 */
#ifndef CODEC_HUFFMAN_H
#define CODEC_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Room that n coded bytes need: no code is shorter than 5 bits, and one more
 * byte than there is may be written. */
#define HUFFMAN_ROOM(n)	((n) * 8 / 5 + 1)

/* Makes the table: before anything is decoded, in any thread, as often as is
 * convenient. */
void	huffman_init(void);
/*
 * Decodes len bytes into out, which has room. Returns how many came of them; or
 * ERR_FORMAT: EOS is among them, the padding has more than 7 bits or is not of
 * ones.
 */
ssize_t	huffman_decode(char *out, const uint8_t *, size_t len);

#endif
