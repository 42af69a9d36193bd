#include "http/h2_session.h"

#include <stdlib.h>

#define HEAD_FRAMES	8	/* more than a head needs */

nghttp2_option *
h2_option_new(size_t head_max)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		abort();
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_http_messaging(o, 1);	/* h2_head's matter */
	nghttp2_option_set_no_closed_streams(o, 1);
	/* Frames of a head: one that is long is told by its fields. */
	nghttp2_option_set_max_continuations(o, HEAD_FRAMES + head_max /
	    H2_FRAME_MAX);
	return o;
}
