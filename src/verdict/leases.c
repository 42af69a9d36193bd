/*
 * A hash table of addresses under a mutex. The file has a line for each change,
 * "ADDRESS MAC UNTIL NAME" or "ADDRESS", and is written anew when most of its
 * lines are of the past: servers tell of each renewal.
 */
#include "verdict/leases.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/hash.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"

#define BUCKETS	4096
#define SPARE	1000		/* lines of the past that the file may have */
#define LINE	256		/* bytes; the longest that we write has 165 */
#define SPAN_MAX 315360000u	/* s: ten years */

struct row {
	struct row	*next;
	struct lease	 l;
};

struct leases {
	pthread_mutex_t	 lock;
	uint64_t	 seed;
	atomic_uint	 n;
	struct row	*bucket[BUCKETS];
	char		*path;		/* NULL: none is kept */
	int		 fd, torn;	/* for keep_lines() */
	size_t		 lines;		/* in the file */
};

struct leases *
leases_new(uint64_t seed)
{
	struct leases *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->seed = seed;
	t->fd = -1;
	return t;
}

void
leases_free(struct leases *t)
{
	struct row *r;
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		while ((r = t->bucket[i]) != NULL) {
			t->bucket[i] = r->next;
			free(r);
		}
	if (t->fd >= 0)
		close(t->fd);
	free(t->path);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Where the row of an address is, or would be. With the lock. */
static struct row **
row_at(struct leases *t, const struct addr *a)
{
	size_t len, n;
	const uint8_t *ip = addr_ip(a, &len), *other;
	struct row **at = &t->bucket[hash_fold(hash_bytes(HASH_START ^
	    t->seed, ip, len)) % BUCKETS];

	for (; *at != NULL; at = &(*at)->next) {
		other = addr_ip(&(*at)->l.addr, &n);
		if (n == len && memcmp(ip, other, n) == 0)
			break;
	}
	return at;
}

static void
row_take(struct leases *t, struct row **at, struct lease *old)
{
	struct row *r = *at;

	*old = r->l;
	*at = r->next;
	free(r);
	atomic_fetch_sub(&t->n, 1);
}

/* Hosts choose their names. */
static void
name_clean(char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("-_.", name[i]) == NULL) {
			name[0] = '\0';
			return;
		}
}

static int
table_put(struct leases *t, const struct lease *l, struct lease *old)
{
	struct row **at;
	int rv = 0;

	memset(old, 0, sizeof(*old));
	pthread_mutex_lock(&t->lock);
	at = row_at(t, &l->addr);
	if (*at != NULL) {
		*old = (*at)->l;
	} else if (atomic_load(&t->n) >= LEASES_MAX) {
		rv = ERR_LIMIT;
	} else {
		*at = xcalloc(1, sizeof(**at));
		atomic_fetch_add(&t->n, 1);
	}
	if (rv == 0) {
		(*at)->l = *l;
		addr_set_port(&(*at)->l.addr, 0);
		name_clean((*at)->l.name);
	}
	pthread_mutex_unlock(&t->lock);
	return rv;
}

static int
table_del(struct leases *t, const struct addr *a, const uint8_t *mac,
    struct lease *old)
{
	struct row **at;
	int rv = ERR_NOTFOUND;

	pthread_mutex_lock(&t->lock);
	at = row_at(t, a);
	if (*at != NULL && (mac == NULL ||
	    memcmp((*at)->l.mac, mac, MAC_LEN) == 0)) {
		row_take(t, at, old);
		rv = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return rv;
}

/* of NULL: it is gone. */
static void
line_text(const struct addr *a, const struct lease *l, struct text *out)
{
	char s[ADDR_STRLEN], m[ADDR_STRLEN];

	addr_ip_str(a, s);
	if (l == NULL)
		text_printf(out, "%s\n", s);
	else
		text_printf(out, "%s %s %lld %s\n", s, mac_str(l->mac, m),
		    (long long)l->until, l->name);
}

static void
file_add(struct leases *t, const struct text *lines)
{
	if (keep_lines(t->fd, &t->torn, lines->s, lines->len) != 0)
		log_error("%s: %s: a restart will not know of the last "
		    "leases", t->path, strerror(errno));
}

static void
file_renew(struct leases *t)
{
	struct text lines = { 0 };
	struct row *r;
	size_t i;
	int fd;

	t->lines = 0;
	for (i = 0; i < BUCKETS; i++)
		for (r = t->bucket[i]; r != NULL; r = r->next, t->lines++)
			line_text(&r->l.addr, &r->l, &lines);
	fd = keep_renew(t->path, &lines);
	if (fd >= 0) {
		close(t->fd);
		t->fd = fd;
		t->torn = 0;
	} else if (errno == EACCES && ftruncate(t->fd, 0) == 0) {
		t->torn = 0;
		file_add(t, &lines);	/* the directory is not ours */
	} else {
		log_warn("cannot write %s anew: %s", t->path,
		    strerror(errno));
	}
	text_free(&lines);
}

static void
file_tell(struct leases *t, const struct addr *a, const struct lease *l)
{
	struct text line = { 0 };

	if (t->fd < 0)
		return;
	if (++t->lines > 2 * (size_t)atomic_load(&t->n) + SPARE) {
		file_renew(t);
		return;
	}
	line_text(a, l, &line);
	file_add(t, &line);
	text_free(&line);
}

struct reading {
	struct leases	*t;
	int64_t		 wall;
	uint64_t	 now;
};

/* clock_ms() of a time; one that is far away is no reason to overflow. */
static uint64_t
end_of(const struct reading *r, int64_t until)
{
	uint64_t left = until > r->wall ? (uint64_t)until - (uint64_t)r->wall :
	    0;

	return r->now + (left < SPAN_MAX ? left : SPAN_MAX) * 1000;
}

/* Returns 0, or ERR_FORMAT. */
static int
line_read(const struct reading *r, char *line)
{
	struct lease l = { 0 }, old;
	char *w[5] = { NULL }, *save = NULL, *end;
	size_t i;

	w[0] = strtok_r(line, " ", &save);
	for (i = 1; i < NELEM(w) && w[i - 1] != NULL; i++)
		w[i] = strtok_r(NULL, " ", &save);
	if (w[0] == NULL || addr_parse_ip(&l.addr, w[0]) != 0)
		return ERR_FORMAT;
	if (w[1] == NULL) {
		table_del(r->t, &l.addr, NULL, &old);
		return 0;
	}
	if (w[2] == NULL || w[4] != NULL || mac_parse(l.mac, w[1]) != 0)
		return ERR_FORMAT;
	errno = 0;
	l.until = strtoll(w[2], &end, 10);
	if (errno != 0 || *end != '\0')
		return ERR_FORMAT;
	if (w[3] != NULL && strlen(w[3]) >= sizeof(l.name))
		return ERR_FORMAT;
	if (w[3] != NULL)
		memcpy(l.name, w[3], strlen(w[3]) + 1);
	l.end = end_of(r, l.until);
	return table_put(r->t, &l, &old);
}

/* Returns 0; ERR_FORMAT: the line is too long, has a NUL, or has no end, as
 * the last one when the disk was full; or ERR_EOF. */
static int
line_get(FILE *f, char line[LINE])
{
	size_t n = 0;
	int c, rv = 0;

	while ((c = getc(f)) != EOF && c != '\n') {
		if (n + 1 == LINE || c == '\0')
			rv = ERR_FORMAT;
		else
			line[n++] = (char)c;
	}
	line[n] = '\0';
	if (c == EOF)
		rv = n > 0 || rv != 0 ? ERR_FORMAT : ERR_EOF;
	return rv;
}

unsigned
leases_load(struct leases *t, FILE *f, int64_t wall, uint64_t now)
{
	struct reading r = { t, wall, now };
	struct lease old;
	char line[LINE];
	unsigned bad = 0;
	int rv;

	while ((rv = line_get(f, line)) != ERR_EOF)
		bad += rv != 0 || line_read(&r, line) != 0;
	while (leases_over(t, now, &old) == 0)
		;
	return bad;
}

int
leases_open(struct leases *t, const char *path, const char *user,
    int64_t wall, uint64_t now, struct text *why)
{
	FILE *f = fopen(path, "re");
	unsigned bad = f != NULL ? leases_load(t, f, wall, now) : 0;

	if (f != NULL)
		fclose(f);
	if (bad > 0)
		log_warn("%s: %u lines are no leases and were left out", path,
		    bad);
	t->path = xstrdup(path);
	keep_dir(path, 0750, user);
	t->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (t->fd >= 0)
		file_renew(t);
	if (t->fd < 0 || keep_give(t->fd, user) != 0) {
		text_printf(why, "cannot write %s (endpoints: leases): %s; "
		    "create its directory, or name another file", path,
		    strerror(errno));
		return ERR_SYS;
	}
	return 0;
}

int
leases_put(struct leases *t, const struct lease *l, struct lease *old)
{
	int rv = table_put(t, l, old);
	struct lease clean = *l;

	name_clean(clean.name);
	if (rv == 0)
		file_tell(t, &l->addr, &clean);
	return rv;
}

int
leases_del(struct leases *t, const struct addr *a, const uint8_t *mac,
    struct lease *old)
{
	int rv = table_del(t, a, mac, old);

	if (rv == 0)
		file_tell(t, a, NULL);
	return rv;
}

/* The first row for which a question says yes. With the lock. */
static struct row **
row_find(struct leases *t, int (*is)(const struct lease *, const void *),
    const void *arg)
{
	struct row **at;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (at = &t->bucket[i]; *at != NULL; at = &(*at)->next)
			if (is(&(*at)->l, arg))
				return at;
	return NULL;
}

static int
is_over(const struct lease *l, const void *arg)
{
	return l->end <= *(const uint64_t *)arg;
}

int
leases_over(struct leases *t, uint64_t now, struct lease *old)
{
	struct row **at;

	if (atomic_load(&t->n) == 0)
		return ERR_NOTFOUND;
	pthread_mutex_lock(&t->lock);
	if ((at = row_find(t, is_over, &now)) != NULL)
		row_take(t, at, old);
	pthread_mutex_unlock(&t->lock);
	if (at != NULL)
		file_tell(t, &old->addr, NULL);
	return at != NULL ? 0 : ERR_NOTFOUND;
}

int
leases_mac(struct leases *t, const struct addr *a, uint8_t mac[MAC_LEN])
{
	struct row *r;

	if (t == NULL || atomic_load(&t->n) == 0)
		return ERR_NOTFOUND;
	pthread_mutex_lock(&t->lock);
	if ((r = *row_at(t, a)) != NULL)
		memcpy(mac, r->l.mac, MAC_LEN);
	pthread_mutex_unlock(&t->lock);
	return r != NULL ? 0 : ERR_NOTFOUND;
}

static int
is_named(const struct lease *l, const void *arg)
{
	return l->name[0] != '\0' && memcmp(l->mac, arg, MAC_LEN) == 0;
}

int
leases_name(struct leases *t, const uint8_t mac[MAC_LEN],
    char name[LEASE_NAME])
{
	struct row **at;

	pthread_mutex_lock(&t->lock);
	if ((at = row_find(t, is_named, mac)) != NULL)
		memcpy(name, (*at)->l.name, LEASE_NAME);
	pthread_mutex_unlock(&t->lock);
	return at != NULL ? 0 : ERR_NOTFOUND;
}

struct lease *
leases_list(struct leases *t, const uint8_t *mac, size_t *n)
{
	struct lease *out;
	struct row *r;
	size_t i;

	*n = 0;
	pthread_mutex_lock(&t->lock);
	out = xcalloc(atomic_load(&t->n) + 1, sizeof(*out));
	for (i = 0; i < BUCKETS; i++)
		for (r = t->bucket[i]; r != NULL; r = r->next)
			if (mac == NULL || memcmp(r->l.mac, mac, MAC_LEN) == 0)
				out[(*n)++] = r->l;
	pthread_mutex_unlock(&t->lock);
	return out;
}
