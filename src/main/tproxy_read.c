/*
 * The rules in place, read from the output of nft(8), so that rules loaded by
 * hand from contrib/nftables/ are seen as well; and who listens for what they
 * bring.
 */
#include "main/tproxy.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TCP_LISTEN_ST	0x0a	/* in /proc/net/tcp: net/tcp_states.h */
#define UDP_BOUND_ST	0x07	/* in /proc/net/udp: TCP_CLOSE */

/*
 * Copy what follows key in line: one word, or the text between braces, with its
 * quotes. Returns 0, or -1 if there is none or it is too long.
 */
static int
operand(const char *line, const char *key, char *out, size_t cap)
{
	const char *s = strstr(line, key);
	size_t n;

	out[0] = '\0';
	if (s == NULL)
		return -1;
	s += strlen(key);
	if (*s == '{') {
		s += 1 + strspn(s + 1, " ");
		n = strcspn(s, "}");
		while (n > 0 && s[n - 1] == ' ')
			n--;
	} else {
		n = strcspn(s, " \n");
	}
	if (n == 0 || n >= cap)
		return -1;
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

/* A copy of the line in table that has key, and is none of DNS; the caller
 * frees. */
static char *
line_with(const struct text *table, const char *key)
{
	const char *s = table->len > 0 ? table->s : "";
	char *line;

	for (; *s != '\0'; s += strcspn(s, "\n"), s += *s == '\n') {
		line = strndup(s, strcspn(s, "\n"));
		if (line != NULL && strstr(line, key) != NULL &&
		    strstr(line, "comment " TPROXY_DNS) == NULL)
			return line;
		free(line);
	}
	return NULL;
}

static enum tproxy_quic
quic_read(const struct text *table)
{
	char *line = line_with(table, "udp "), ports[512] = "";

	if (line == NULL)
		return TPROXY_QUIC_PASS;
	(void)operand(line, "dport ", ports, sizeof(ports));
	free(line);
	return strcmp(ports, "443") == 0 ? TPROXY_QUIC_443 :
	    TPROXY_QUIC_PORTS;
}

int
tproxy_read(struct tproxy *t)
{
	struct text table = { 0 };
	char port[32] = "", *line;
	int rv = -1;

	memset(t, 0, sizeof(*t));
	tproxy_save(&table);
	if ((line = line_with(&table, "tproxy to ")) != NULL &&
	    operand(line, "iifname ", t->ifaces, sizeof(t->ifaces)) == 0 &&
	    operand(line, "tproxy to ", port, sizeof(port)) == 0 &&
	    strchr(port, ':') != NULL) {
		(void)operand(line, "dport ", t->ports, sizeof(t->ports));
		t->port = (unsigned)strtoul(strrchr(port, ':') + 1, NULL, 10);
		t->when_down = strstr(table.s, "reject with tcp reset") != NULL
		    ? TPROXY_REJECT : TPROXY_PASS;
		t->quic = quic_read(&table);
		t->dns = strstr(table.s, "comment " TPROXY_DNS) != NULL;
		rv = 0;
	}
	free(line);
	text_free(&table);
	return rv;
}

void
tproxy_plain(const char *nft, struct text *out)
{
	for (; *nft != '\0'; nft++)
		if (*nft != '"' && *nft != ' ')
			text_add(out, nft, 1);
}

void
tproxy_missing(const struct tproxy *t, struct text *out)
{
	struct text names = { 0 };
	char *name, *save = NULL;

	tproxy_plain(t->ifaces, &names);
	for (name = names.len > 0 ? strtok_r(names.s, ",", &save) : NULL;
	    name != NULL; name = strtok_r(NULL, ",", &save))
		if (if_nametoindex(name) == 0)
			text_printf(out, "%s%s", out->len > 0 ? ", " : "",
			    name);
	text_free(&names);
}

static int
listens(const char *proc, unsigned port, unsigned in_state)
{
	FILE *f = fopen(proc, "re");
	unsigned local, state;
	char line[256];
	int found = 0;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x "
		    "%x", &local, &state) == 2 && local == port &&
		    state == in_state;
	if (f != NULL)
		fclose(f);
	return found;
}

int
tproxy_listens(const struct tproxy *t)
{
	return listens("/proc/net/tcp", t->port, TCP_LISTEN_ST) ||
	    listens("/proc/net/tcp6", t->port, TCP_LISTEN_ST);
}

int
tproxy_hears_dns(const struct tproxy *t)
{
	return listens("/proc/net/udp", t->port, UDP_BOUND_ST) ||
	    listens("/proc/net/udp6", t->port, UDP_BOUND_ST);
}

const char *
tproxy_fate(const struct tproxy *t)
{
	return t->when_down == TPROXY_PASS ? "pass, unread" : "are reset";
}

const char *
tproxy_dns_fate(const struct tproxy *t)
{
	return t->when_down == TPROXY_PASS ? "pass, unread" : "are refused";
}
