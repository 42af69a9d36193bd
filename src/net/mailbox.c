/*
 * Posting links the mail under a mutex, and wakes the receiver only when the
 * list was empty. The receiver takes the whole list at once.
 */
#include "net/mailbox.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/mem.h"

struct mailbox {
	pthread_mutex_t	 mutex;
	struct mail	*head, **tail;
	struct event	*ev;
	int		 fd;
};

static void	mailbox_run(struct mailbox *);
static void	mailbox_event(evutil_socket_t, short, void *);

struct mailbox *
mailbox_new(struct event_base *base)
{
	struct mailbox *m = xcalloc(1, sizeof(*m));

	pthread_mutex_init(&m->mutex, NULL);
	m->tail = &m->head;
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd != -1)
		m->ev = event_new(base, m->fd, EV_READ | EV_PERSIST,
		    mailbox_event, m);
	if (m->ev == NULL || event_add(m->ev, NULL) != 0) {
		mailbox_free(m);
		return NULL;
	}
	return m;
}

void
mailbox_post(struct mailbox *m, struct mail *mail)
{
	uint64_t one = 1;
	int wake;

	pthread_mutex_lock(&m->mutex);
	if (mail->waits) {
		pthread_mutex_unlock(&m->mutex);
		return;
	}
	mail->waits = 1;
	mail->next = NULL;
	wake = m->head == NULL;
	*m->tail = mail;
	m->tail = &mail->next;
	/* Write inside the lock: the receiver may free the mailbox after. */
	while (wake && write(m->fd, &one, sizeof(one)) == -1 &&
	    errno == EINTR)
		;
	pthread_mutex_unlock(&m->mutex);
}

static void
mailbox_event(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	/* Read before taking the list, so that no wake is lost. */
	while (read(fd, &n, sizeof(n)) == -1 && errno == EINTR)
		;
	mailbox_run(arg);
}

static void
mailbox_run(struct mailbox *m)
{
	struct mail *mail, *next;

	pthread_mutex_lock(&m->mutex);
	mail = m->head;
	m->head = NULL;
	m->tail = &m->head;
	for (; mail != NULL; mail = next) {
		next = mail->next;
		mail->waits = 0;
		pthread_mutex_unlock(&m->mutex);
		mail->run(mail);
		pthread_mutex_lock(&m->mutex);
	}
	pthread_mutex_unlock(&m->mutex);
}

void
mailbox_free(struct mailbox *m)
{
	int more;

	if (m == NULL)
		return;
	do {		/* mails that run may post others */
		mailbox_run(m);
		pthread_mutex_lock(&m->mutex);
		more = m->head != NULL;
		pthread_mutex_unlock(&m->mutex);
	} while (more);
	if (m->ev != NULL)
		event_free(m->ev);
	if (m->fd != -1)
		close(m->fd);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}
