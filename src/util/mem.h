/*
 * Small things: allocation that ends the process when there is no memory at
 * all. Buffers for peers' bytes do not come from here but from a pool, which
 * may say no.
 */
#ifndef UTIL_MEM_H
#define UTIL_MEM_H

#include <stddef.h>
#include <stdint.h>

void	*xmalloc(size_t);
void	*xcalloc(size_t n, size_t size);
void	*xrealloc(void *, size_t);
void	*xmemdup(const void *, size_t);
char	*xstrdup(const char *);
char	*xstrndup(const char *, size_t);
/* At start: what a busy worker frees it will want again at once, so its heap
 * is not given back to the kernel bit by bit. */
void	 mem_setup(void);

/*
 * What was held and is held no more goes back to the kernel: told what is held
 * now, of one thing, it has the heap trimmed once that is a quarter of what it
 * was at most, which was at least so much. Soon, by a thread of its own, for a
 * heap is locked while it is trimmed.
 */
struct mem_peak {
	uint64_t	 most;		/* begins zeroed */
};
void	 mem_fell(struct mem_peak *, uint64_t now, uint64_t least);
static inline void
mem_rose(struct mem_peak *p, uint64_t now)
{
	if (now > p->most)
		p->most = now;
}

char	*xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The directory a path's last name is in: "/a" of "/a/b", "." of "b". */
char	*xdirname(const char *path);

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

#endif
