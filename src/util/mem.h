/*
 * Allocation of small things; it ends the process when memory runs out.
 * Buffers for peers' bytes come from a pool instead, which may say no.
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
/* Called at start. It keeps the heap from being returned to the kernel bit by
 * bit, because a busy worker soon needs again what it frees. */
void	 mem_setup(void);

/*
 * Returns memory to the kernel after a peak. A mem_peak follows the number of
 * one kind of thing. When it falls to a quarter of its peak, and the peak was
 * at least least, a thread trims the heap a second later. It is a thread
 * because trimming locks the heap.
 */
struct mem_peak {
	uint64_t	 most;		/* the peak; zero at first */
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
