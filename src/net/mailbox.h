/*
 * A mailbox is how one thread hands work to another: a list, a mutex, and an
 * eventfd in the receiver's event base. Mails run in the receiver's thread,
 * in the order in which they were posted.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

struct event_base;

/*
 * Embedded in the thing sent, all zero but for run. The sender leaves it alone
 * until it has run, but may post it again: one that waits is not posted twice.
 */
struct mail {
	struct mail	*next;
	int		 waits;		/* mailbox.c's */
	void		(*run)(struct mail *);
};

struct mailbox;

/* NULL when the descriptor cannot be had. */
struct mailbox	*mailbox_new(struct event_base *);
/* Any thread. */
void		 mailbox_post(struct mailbox *, struct mail *);
/*
 * For the receiver's thread. It first runs the mails still inside and those
 * that they post. Before it, the caller cancels everything else that may post.
 */
void		 mailbox_free(struct mailbox *);

#endif
