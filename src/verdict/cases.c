/*
 * Lines of JSON:
 *	{"case":17,"at":...,"what":"set","about":{...},"chain":"SHA-256"}
 * The chain's value is of the value before it, in hexadecimal, and of the line
 * up to `,"chain"`. The first one follows on sixty-four zeros.
 */
#include "verdict/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"

#define HEX	64		/* of a SHA-256 */
#define CHAIN	",\"chain\":\""
#define CASE_MAX	(1ULL << 53)	/* what a double has */
#define END	(sizeof(CHAIN) - 1 + HEX + 3)	/* and `"}` and a newline */

struct cases {
	char		*path;
	int		 fd, torn;	/* for keep_lines() */
	char		 last[HEX + 1];
};

static void
chain_next(char out[HEX + 1], const char last[HEX + 1], const char *line,
    size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sum[32];

	if (md == NULL || !EVP_DigestInit_ex(md, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(md, last, HEX) ||
	    !EVP_DigestUpdate(md, line, len) ||
	    !EVP_DigestFinal_ex(md, sum, NULL))
		abort();
	EVP_MD_CTX_free(md);
	hex_lower(out, sum, sizeof(sum));
}

/* Whether a line follows on that value, which becomes its own. */
static int
chain_follows(char last[HEX + 1], const char *line, size_t len)
{
	const char *chain = line + len - END;
	char want[HEX + 1];

	if (len < END || memcmp(chain, CHAIN, sizeof(CHAIN) - 1) != 0)
		return 0;
	chain_next(want, last, line, len - END);
	if (memcmp(chain + sizeof(CHAIN) - 1, want, HEX) != 0)
		return 0;
	memcpy(last, want, sizeof(want));
	return 1;
}

static void
chain_begin(char last[HEX + 1])
{
	memset(last, '0', HEX);
	last[HEX] = '\0';
}

/* Walk over the file, by its descriptor: later we may not look into its
 * directory. each may be NULL. *broken as in cases_read(). */
static int
walk(int fd, char last[HEX + 1], uint64_t *broken,
    void (*each)(void *, const char *, size_t), void *arg)
{
	int again = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	FILE *f = again >= 0 ? fdopen(again, "r") : NULL;
	char *line = NULL;
	uint64_t n = 0;
	size_t size = 0;
	ssize_t len;

	chain_begin(last);
	*broken = 0;
	if (f == NULL)
		return ERR_SYS;
	rewind(f);
	while ((len = getline(&line, &size, f)) > 0) {
		n++;
		if (!chain_follows(last, line, (size_t)len) && *broken == 0)
			*broken = n;
		if (each != NULL)
			each(arg, line, (size_t)len);
	}
	free(line);
	fclose(f);
	return 0;
}

/* A file that is being opened. */
struct opening {
	uint64_t	 last;		/* the highest number */
	int		 torn;
};

/* A number that is out of all bounds is of no case of ours. */
static void
opening_line(void *arg, const char *line, size_t len)
{
	struct opening *o = arg;
	unsigned long long id;

	o->torn = line[len - 1] != '\n';
	if (sscanf(line, "{\"case\":%llu,", &id) == 1 && id > o->last &&
	    id < CASE_MAX)
		o->last = id;
}

int
cases_open(const char *path, const char *user, uint64_t *last,
    struct cases **out, struct text *why)
{
	struct cases *c = xcalloc(1, sizeof(*c));
	struct opening o = { 0 };
	uint64_t broken = 0;

	keep_dir(path, 0750, user);
	c->path = xstrdup(path);
	c->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (c->fd < 0 || walk(c->fd, c->last, &broken, opening_line, &o) != 0 ||
	    keep_give(c->fd, user) != 0) {
		text_printf(why, "cannot open %s (endpoints: cases): %s; "
		    "create its directory, or name another file", path,
		    strerror(errno));
		cases_close(c);
		return ERR_SYS;
	}
	if (broken != 0)
		log_warn("%s: line %llu does not follow on the one before: "
		    "it, or one before it, was changed or is cut off", path,
		    (unsigned long long)broken);
	c->torn = o.torn;
	if (*last < o.last)
		*last = o.last;
	*out = c;
	return 0;
}

void
cases_close(struct cases *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c->path);
	free(c);
}

void
cases_add(struct cases *c, uint64_t id, int64_t at, const char *what,
    json_t *about)
{
	json_t *o = json_pack("{s:I,s:I,s:s,s:o}", "case", (json_int_t)id,
	    "at", (json_int_t)at, "what", what, "about", about);
	char *s = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	struct text t = { 0 };
	char next[HEX + 1];
	int rv;

	json_decref(o);
	if (c != NULL && s != NULL) {
		text_add(&t, s, strlen(s) - 1);		/* without its "}" */
		chain_next(next, c->last, t.s, t.len);
		text_printf(&t, CHAIN "%s\"}\n", next);
		rv = keep_lines(c->fd, &c->torn, t.s, t.len);
		if (rv == 0)
			memcpy(c->last, next, sizeof(next));
		if (rv != 0 || fdatasync(c->fd) != 0)
			log_error("%s: %s: case %llu lacks: %s", c->path,
			    strerror(errno), (unsigned long long)id, s);
	}
	free(s);
	text_free(&t);
}

struct reading {
	char		 begin[40];	/* of the case's lines */
	json_t		*lines;
};

/* The file may be large: no other line is worth reading as JSON. */
static void
reading_line(void *arg, const char *line, size_t len)
{
	struct reading *r = arg;
	size_t n = strlen(r->begin);
	json_t *o;

	if (len <= n || memcmp(line, r->begin, n) != 0)
		return;
	if ((o = json_loadb(line, len, 0, NULL)) != NULL)
		json_array_append_new(r->lines, o);
}

json_t *
cases_read(const struct cases *c, uint64_t id, uint64_t *broken)
{
	struct reading r = { .lines = json_array() };
	char last[HEX + 1];

	snprintf(r.begin, sizeof(r.begin), "{\"case\":%llu,",
	    (unsigned long long)id);
	if (walk(c->fd, last, broken, reading_line, &r) == 0)
		return r.lines;
	json_decref(r.lines);
	return NULL;
}
