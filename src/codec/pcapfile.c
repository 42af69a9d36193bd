/*
 * Writes pcap and pcapng.
 */
#include "codec/pcapfile.h"

#include <string.h>

#include "util/err.h"

#define NG_SECTION	0x0a0d0d0au
#define NG_INTERFACE	1
#define NG_PACKET	6
#define OPT_END		0
#define OPT_COMMENT	1
#define OPT_IF_NAME	2
#define OPT_USERAPPL	4
#define OPT_EPB_FLAGS	2
#define OPT_IF_TSRESOL	9
#define LINK_ETHERNET	1
#define SNAPLEN		262144

static uint8_t *
add_u16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, 2);
	return p + 2;
}

static uint8_t *
add_u32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
	return p + 4;
}

static uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static size_t
pad4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static uint8_t *
add_padded(uint8_t *p, const void *data, size_t len)
{
	if (len > 0)
		memcpy(p, data, len);
	memset(p + len, 0, pad4(len) - len);
	return p + pad4(len);
}

static uint8_t *
add_option(uint8_t *p, uint16_t code, const void *data, size_t len)
{
	p = add_u16(p, code);
	p = add_u16(p, (uint16_t)len);
	return add_padded(p, data, len);
}

/* End the block that began at start: write its length at both ends. */
static uint8_t *
end_block(uint8_t *start, uint8_t *p)
{
	uint32_t len = (uint32_t)(p - start) + 4;

	add_u32(start + 4, len);
	return add_u32(p, len);
}

size_t
pcapfile_section(uint8_t *out, const char *ifname, const char *app,
    const char *comment)
{
	uint8_t *p = out, *start = out, resolution = 9;

	p = add_u32(p, NG_SECTION);
	p = add_u32(p, 0);
	p = add_u32(p, 0x1a2b3c4d);
	p = add_u16(p, 1);
	p = add_u16(p, 0);
	p = add_u32(p, 0xffffffff);	/* length of the section: not known */
	p = add_u32(p, 0xffffffff);
	if (comment != NULL)
		p = add_option(p, OPT_COMMENT, comment,
		    strnlen(comment, PCAPFILE_COMMENT_MAX));
	p = add_option(p, OPT_USERAPPL, app, strnlen(app, 128));
	p = add_u32(p, OPT_END);
	p = end_block(start, p);

	start = p;
	p = add_u32(p, NG_INTERFACE);
	p = add_u32(p, 0);
	p = add_u16(p, LINK_ETHERNET);
	p = add_u16(p, 0);
	p = add_u32(p, SNAPLEN);
	p = add_option(p, OPT_IF_NAME, ifname, strnlen(ifname, 128));
	p = add_option(p, OPT_IF_TSRESOL, &resolution, 1);
	p = add_u32(p, OPT_END);
	p = end_block(start, p);
	return (size_t)(p - out);
}

size_t
pcapfile_head(uint8_t *out, int ng, const char *ifname, const char *app)
{
	uint8_t *p = out;

	if (ng)
		return pcapfile_section(out, ifname, app, NULL);
	p = add_u32(p, 0xa1b23c4d);	/* nanoseconds */
	p = add_u16(p, 2);
	p = add_u16(p, 4);
	p = add_u32(p, 0);
	p = add_u32(p, 0);
	p = add_u32(p, SNAPLEN);
	p = add_u32(p, LINK_ETHERNET);
	return (size_t)(p - out);
}

size_t
pcapfile_size(int ng, const struct frame *f, const char *comment)
{
	size_t n = f->head_len + f->len;

	if (!ng)
		return 16 + n;
	n = 28 + pad4(n) + 8 + 4 + 4;
	if (comment != NULL)
		n += 4 + pad4(strnlen(comment, PCAPFILE_COMMENT_MAX));
	return n;
}

static uint8_t *
add_packet(uint8_t *p, const struct frame *f)
{
	memcpy(p, f->head, f->head_len);
	p += f->head_len;
	if (f->len > 0)
		memcpy(p, f->data, f->len);
	return p + f->len;
}

static size_t
ng_put(uint8_t *out, uint64_t ns, const struct frame *f, const char *comment)
{
	uint32_t len = (uint32_t)(f->head_len + f->len);
	uint32_t flags = f->dir == 0 ? 2 : 1;	/* outbound, inbound */
	uint8_t *p = out, *data;

	p = add_u32(p, NG_PACKET);
	p = add_u32(p, 0);
	p = add_u32(p, 0);
	p = add_u32(p, (uint32_t)(ns >> 32));
	p = add_u32(p, (uint32_t)ns);
	p = add_u32(p, len);
	p = add_u32(p, len);
	data = p;
	p = add_packet(p, f);
	memset(p, 0, pad4(len) - len);
	p = data + pad4(len);
	if (comment != NULL)
		p = add_option(p, OPT_COMMENT, comment,
		    strnlen(comment, PCAPFILE_COMMENT_MAX));
	p = add_option(p, OPT_EPB_FLAGS, &flags, 4);
	p = add_u32(p, OPT_END);
	p = end_block(out, p);
	return (size_t)(p - out);
}

size_t
pcapfile_put(uint8_t *out, int ng, uint64_t ns, const struct frame *f,
    const char *comment)
{
	uint32_t len = (uint32_t)(f->head_len + f->len);
	uint8_t *p = out;

	if (ng)
		return ng_put(out, ns, f, comment);
	p = add_u32(p, (uint32_t)(ns / 1000000000));
	p = add_u32(p, (uint32_t)(ns % 1000000000));
	p = add_u32(p, len);
	p = add_u32(p, len);
	p = add_packet(p, f);
	return (size_t)(p - out);
}

size_t
pcapfile_next(uint8_t *p, int ng, uint64_t *last)
{
	uint64_t ns;

	if (ng)
		ns = (uint64_t)get_u32(p + 12) << 32 | get_u32(p + 16);
	else
		ns = (uint64_t)get_u32(p) * 1000000000 + get_u32(p + 4);
	if (ns >= *last || *last - ns > PCAPFILE_BACK_NS) {
		*last = ns;
	} else if (ng) {
		add_u32(p + 12, (uint32_t)(*last >> 32));
		add_u32(p + 16, (uint32_t)*last);
	} else {
		add_u32(p, (uint32_t)(*last / 1000000000));
		add_u32(p + 4, (uint32_t)(*last % 1000000000));
	}
	return ng ? get_u32(p + 4) : 16 + (size_t)get_u32(p + 8);
}
