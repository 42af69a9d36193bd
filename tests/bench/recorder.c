/*
 * The recorder of the benchmark: reads a mirror port and checks what a
 * recorder would be hurt by. Counts TCP frames, payload bytes per direction,
 * gaps and repeats in each flow's sequence numbers, wrong IP or TCP
 * checksums, frames longer than -m, and what the kernel dropped here.
 *
 *	recorder -i INTERFACE [-m MTU]
 *
 * Says "ready" when it listens; ends at the end of stdin with a line of JSON.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NBLOCKS	64
#define BLOCKSZ	(1 << 20)
#define NFLOWS	65536		/* a power of two; one way of a flow each */

struct flow {
	uint32_t	src, dst, ports;
	uint32_t	next;		/* sequence number */
};

static struct flow flows[NFLOWS];
static uint64_t	frames, payload, gaps, gapbytes, repeats, badsum, toolong;
static uint64_t	others, unchecked;
static unsigned	mtu = 1500;

static uint32_t
sum(const uint8_t *p, size_t len, uint32_t acc)
{
	for (; len > 1; p += 2, len -= 2)
		acc += p[0] << 8 | p[1];
	if (len > 0)
		acc += p[0] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return acc;
}

static struct flow *
flow_get(uint32_t src, uint32_t dst, uint32_t ports)
{
	uint32_t h = (src * 31 + dst * 17 + ports) * 2654435761u;
	struct flow *f;

	for (h >>= 16;; h++) {
		f = &flows[h & (NFLOWS - 1)];
		if (f->ports == 0 || (f->src == src && f->dst == dst &&
		    f->ports == ports))
			return f;
	}
}

static void
track(const struct iphdr *ip, const struct tcphdr *tcp, uint32_t len)
{
	uint32_t ports = (uint32_t)tcp->source << 16 | tcp->dest;
	struct flow *f = flow_get(ip->saddr, ip->daddr, ports);
	uint32_t seq = ntohl(tcp->seq);
	int32_t off = (int32_t)(seq - f->next);

	if (f->ports == 0 || tcp->syn) {
		f->src = ip->saddr;
		f->dst = ip->daddr;
		f->ports = ports;
	} else if (off > 0) {
		gaps++;
		gapbytes += off;
	} else if (off < 0 && len > 0)
		repeats++;
	f->next = seq + len + tcp->syn + tcp->fin;
}

static void
frame(const uint8_t *p, uint32_t len, uint32_t status)
{
	const struct iphdr *ip = (const void *)(p + ETH_HLEN);
	const struct tcphdr *tcp;
	uint32_t hlen, total, acc;

	if (len < ETH_HLEN + 40 || p[12] != 8 || p[13] != 0 ||
	    ip->protocol != IPPROTO_TCP) {
		others++;
		return;
	}
	hlen = ip->ihl * 4;
	total = ntohs(ip->tot_len);
	if (total > mtu || total + ETH_HLEN > len)
		toolong++;
	if (total + ETH_HLEN > len)
		return;
	tcp = (const void *)((const uint8_t *)ip + hlen);
	acc = sum((const uint8_t *)&ip->saddr, 8, IPPROTO_TCP + total - hlen);
	if (status & TP_STATUS_CSUMNOTREADY)
		unchecked++;
	if (sum((const uint8_t *)ip, hlen, 0) != 0xffff ||
	    sum((const uint8_t *)tcp, total - hlen, acc) != 0xffff)
		badsum++;
	frames++;
	payload += total - hlen - tcp->doff * 4;
	track(ip, tcp, total - hlen - tcp->doff * 4);
}

static void
block_read(struct tpacket_block_desc *b)
{
	struct tpacket3_hdr *h;
	unsigned i;

	h = (void *)((uint8_t *)b + b->hdr.bh1.offset_to_first_pkt);
	for (i = 0; i < b->hdr.bh1.num_pkts; i++) {
		frame((uint8_t *)h + h->tp_mac, h->tp_snaplen, h->tp_status);
		h = (void *)((uint8_t *)h + h->tp_next_offset);
	}
	__atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL,
	    __ATOMIC_RELEASE);
}

static int
ring_open(const char *interface, uint8_t **ring)
{
	struct tpacket_req3 req = { .tp_block_size = BLOCKSZ,
	    .tp_block_nr = NBLOCKS, .tp_frame_size = 2048,
	    .tp_frame_nr = NBLOCKS * (BLOCKSZ / 2048),
	    .tp_retire_blk_tov = 50 };
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = if_nametoindex(interface) };
	int fd, v3 = TPACKET_V3;

	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd == -1 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v3,
	    sizeof(v3)) == -1 || setsockopt(fd, SOL_PACKET, PACKET_RX_RING,
	    &req, sizeof(req)) == -1)
		err(1, "packet ring");
	*ring = mmap(NULL, (size_t)BLOCKSZ * NBLOCKS, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (*ring == MAP_FAILED ||
	    bind(fd, (struct sockaddr *)&sll, sizeof(sll)) == -1)
		err(1, "%s", interface);
	return fd;
}

static void
report(int fd)
{
	struct tpacket_stats_v3 st = { 0 };
	socklen_t len = sizeof(st);

	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	printf("{\"frames\": %llu, \"payload\": %llu, \"gaps\": %llu, "
	    "\"gap_bytes\": %llu, \"repeats\": %llu, \"bad_checksums\": %llu, "
	    "\"partial_checksums\": %llu, \"too_long\": %llu, "
	    "\"not_tcp\": %llu, \"dropped_here\": %u}\n",
	    (unsigned long long)frames, (unsigned long long)payload,
	    (unsigned long long)gaps, (unsigned long long)gapbytes,
	    (unsigned long long)repeats, (unsigned long long)badsum,
	    (unsigned long long)unchecked, (unsigned long long)toolong,
	    (unsigned long long)others, st.tp_drops);
}

int
main(int argc, char **argv)
{
	struct tpacket_block_desc *b;
	struct pollfd pfd[2] = { { .events = POLLIN }, { .events = POLLIN } };
	const char *interface = NULL;
	uint8_t *ring;
	int ch, at = 0, ending = 0;

	while ((ch = getopt(argc, argv, "i:m:")) != -1)
		switch (ch) {
		case 'i': interface = optarg; break;
		case 'm': mtu = atoi(optarg); break;
		default: errx(2, "see the top of recorder.c");
		}
	if (interface == NULL)
		errx(2, "-i is needed");
	pfd[0].fd = ring_open(interface, &ring);
	pfd[1].fd = STDIN_FILENO;
	puts("ready");
	fflush(stdout);
	for (;;) {
		b = (void *)(ring + (size_t)at * BLOCKSZ);
		if (__atomic_load_n(&b->hdr.bh1.block_status,
		    __ATOMIC_ACQUIRE) & TP_STATUS_USER) {
			block_read(b);
			at = (at + 1) % NBLOCKS;
			continue;
		}
		if (ending && poll(pfd, 1, 200) == 0)
			break;
		if (!ending && poll(pfd, 2, -1) > 0 && pfd[1].revents != 0)
			ending = 1;
	}
	report(pfd[0].fd);
	return 0;
}
