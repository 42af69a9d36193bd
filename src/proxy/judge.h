/*
 * Requests that are read on a session's connection, each judged under its own
 * name; counted and logged.
 */
#ifndef PROXY_JUDGE_H
#define PROXY_JUDGE_H

struct http_head;
struct session;

struct judgement;		/* proxy/engine.h */

void	session_judge(struct session *, const struct http_head *,
	    struct judgement *);

#endif
