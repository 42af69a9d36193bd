/*
 * A mailbox: how one thread hands work to another. A list, a mutex, one
 * eventfd in the receiver's event base. Mails run in the receiver's thread,
 * in the order they were posted.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

struct event_base;

/* Embedded in what is sent; the sender must not touch it until it has run. */
struct mail {
	struct mail	*next;
	void		(*run)(struct mail *);
};

struct mailbox;

/* NULL when the descriptor cannot be had. */
struct mailbox	*mailbox_new(struct event_base *);
/* Any thread. */
void		 mailbox_post(struct mailbox *, struct mail *);
/*
 * Receiver's thread; mails still inside are run first, those they post too.
 * Nobody may post any more: cancel what would.
 */
void		 mailbox_free(struct mailbox *);

#endif
