/*
 * The real system behind struct conf_world: files and libpcap.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "util/err.h"
#include "util/mem.h"

#define SNAPLEN	65535

static int
world_read(const char *path, size_t max, struct text *out)
{
	char buf[65536];
	ssize_t n;
	int fd, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return ERR_SYS;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || out->len + (size_t)n > max)
			break;
		text_add(out, buf, (size_t)n);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return n == 0 ? 0 : n == -1 ? ERR_SYS : ERR_LIMIT;
}

static int
world_exists(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 || errno == EACCES)
		return 0;
	return ERR_SYS;
}

/* 0, or ERR_FORMAT with libpcap's words. */
static int
filter_compile(pcap_t *p, const char *expression, struct text *why)
{
	struct bpf_program prog;

	if (pcap_compile(p, &prog, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		text_puts(why, pcap_geterr(p));
		return ERR_FORMAT;
	}
	pcap_freecode(&prog);
	return 0;
}

/*
 * Whether the filter can pass one of our frames: TCP in IPv4 or IPv6, untagged.
 * libpcap refuses an expression if its optimizer finds that it rejects all.
 */
static int
filter_passes(pcap_t *p, const char *expression)
{
	static const char *const ours[] = { "ip", "ip6" };
	struct text all = { 0 }, said = { 0 };
	int passes = 0;
	size_t i;

	for (i = 0; i < NELEM(ours) && !passes; i++) {
		text_clear(&all);
		text_clear(&said);
		text_printf(&all, "%s and tcp and (%s)", ours[i], expression);
		passes = filter_compile(p, all.s, &said) == 0 ||
		    strstr(said.s, "rejects all packets") == NULL;
	}
	text_free(&all);
	text_free(&said);
	return passes;
}

static int
world_filter(const char *expression, struct text *why)
{
	pcap_t *p;
	int r;

	if ((p = pcap_open_dead(DLT_EN10MB, SNAPLEN)) == NULL)
		return 0;
	r = filter_compile(p, expression, why);
	if (r == 0 && !filter_passes(p, expression)) {
		text_puts(why, "it lets no TCP frame through; what it sees "
		    "has no VLAN tag");
		r = ERR_FORMAT;
	}
	pcap_close(p);
	return r;
}

static void
world_stamp(const char *path, struct conf_stamp *s)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	if (stat(path, &st) != 0)
		return;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->size = (uint64_t)st.st_size;
	s->sec = st.st_mtim.tv_sec;
	s->nsec = st.st_mtim.tv_nsec;
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
world_list(const char *path, struct text *out)
{
	struct dirent **names;
	int i, n;

	if ((n = scandir(path, &names, visible, alphasort)) < 0)
		return ERR_SYS;
	for (i = 0; i < n; i++) {
		text_add(out, names[i]->d_name, strlen(names[i]->d_name) + 1);
		free(names[i]);
	}
	free(names);
	return 0;
}

const struct conf_world conf_world_real = {
	world_read, world_exists, world_filter, world_stamp, world_list
};
const struct conf_world conf_world_none = { NULL, NULL, NULL, NULL, NULL };
