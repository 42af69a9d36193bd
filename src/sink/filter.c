/*
 * Filters by libpcap, run on a copy of the start of the frame.
 */
#include "sink/filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/mem.h"

#define FILTER_PAYLOAD	256
#define FILTER_SNAPLEN	262144

struct filter {
	struct bpf_program	 prog;
};

int
filter_new(const char *expression, struct filter **out, struct text *why)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	pcap_t *pc = pcap_open_dead(DLT_EN10MB, FILTER_SNAPLEN);

	*out = NULL;
	if (pc == NULL || pcap_compile(pc, &f->prog, expression, 1,
	    PCAP_NETMASK_UNKNOWN) != 0) {
		text_printf(why, "filter \"%s\": %s; see pcap-filter(7)",
		    expression, pc != NULL ? pcap_geterr(pc) : "no memory");
		free(f);
		f = NULL;
	}
	if (pc != NULL)
		pcap_close(pc);
	*out = f;
	return f != NULL ? 0 : ERR_USAGE;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	pcap_freecode(&f->prog);
	free(f);
}

int
filter_pass(const struct filter *f, const struct frame *fr)
{
	uint8_t b[sizeof(fr->head) + FILTER_PAYLOAD];
	size_t link = 14, n = fr->head_len - fr->ip, data = fr->len;

	if (f == NULL)
		return 1;
	if (fr->mss != 0 && data > fr->mss)
		data = fr->mss;
	memcpy(b, fr->head, 12);
	memcpy(b + 12, fr->head + fr->ip - 2, n + 2);
	n += link;
	if (data > 0)
		memcpy(b + n, fr->data,
		    data < FILTER_PAYLOAD ? data : FILTER_PAYLOAD);
	return bpf_filter(f->prog.bf_insns, b, (u_int)(n + data), (u_int)(n +
	    (data < FILTER_PAYLOAD ? data : FILTER_PAYLOAD))) != 0;
}
