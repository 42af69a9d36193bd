/*
 * Requests that are read on a session's connection, each judged under its own
 * name; counted and logged.
 */
#ifndef PROXY_JUDGE_H
#define PROXY_JUDGE_H

struct http_head;
struct session;

struct judgement {
	int		 status;	/* 0: it goes on; 403, 421; -1: reset */
	const char	*why;		/* lives as long as the session */
};

void	session_judge(struct session *, const struct http_head *,
	    struct judgement *);
/* It speaks HTTP/2, whose requests nobody reads yet. */
void	session_unjudged(struct session *);

#endif
