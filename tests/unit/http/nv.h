/*
 * Field lines for a peer by libnghttp2, as tests write them.
 */
#ifndef HTTP_NV_H
#define HTTP_NV_H

#include <nghttp2/nghttp2.h>

#define NV(n, v) { (uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1,	\
	sizeof(v) - 1, NGHTTP2_NV_FLAG_NONE }
#define NV_END	{ NULL, NULL, 0, 0, 0 }

static size_t
count(const nghttp2_nv *nv)
{
	size_t n = 0;

	while (nv[n].name != NULL)
		n++;
	return n;
}

#endif
