/*
 * Mails run in the receiver's thread, in order, none lost.
 */
#include <event2/event.h>
#include <pthread.h>
#include <string.h>

#include "net/mailbox.h"
#include "test.h"

#define POSTERS	4
#define EACH	2000

struct numbered {
	struct mail	 mail;
	int		 from, n;
};

static struct event_base	*base;
static struct mailbox		*box;
static struct numbered		 sent[POSTERS][EACH];
static int			 next[POSTERS], got, out_of_order;

static void
numbered_run(struct mail *mail)
{
	struct numbered *m = (struct numbered *)mail;

	if (m->n != next[m->from]++)
		out_of_order++;
	if (++got == POSTERS * EACH)
		event_base_loopbreak(base);
}

static void *
post_all(void *arg)
{
	struct numbered *m = arg;
	int i;

	for (i = 0; i < EACH; i++) {
		m[i].mail.run = numbered_run;
		m[i].from = (int)(m - sent[0]) / EACH;
		m[i].n = i;
		mailbox_post(box, &m[i].mail);
	}
	return NULL;
}

START_TEST(mails_of_each_sender_arrive_in_order)
{
	pthread_t th[POSTERS];
	int i;

	base = event_base_new();
	box = mailbox_new(base);
	for (i = 0; i < POSTERS; i++)
		pthread_create(&th[i], NULL, post_all, sent[i]);
	event_base_dispatch(base);
	for (i = 0; i < POSTERS; i++)
		pthread_join(th[i], NULL);
	ck_assert_int_eq(got, POSTERS * EACH);
	ck_assert_int_eq(out_of_order, 0);
	mailbox_free(box);
	event_base_free(base);
}
END_TEST

static struct mail	first, second;
static int		ran;

static void
second_run(struct mail *mail)
{
	ran++;
}

static void
first_run(struct mail *mail)
{
	ran++;
	second.run = second_run;
	mailbox_post(box, &second);
}

START_TEST(mails_inside_run_before_the_box_is_freed)
{
	base = event_base_new();
	box = mailbox_new(base);
	first.run = first_run;
	mailbox_post(box, &first);
	mailbox_free(box);
	ck_assert_int_eq(ran, 2);
	mailbox_free(NULL);
	event_base_free(base);
}
END_TEST

static void
third_run(struct mail *mail)
{
	if (++ran == 1)
		mailbox_post(box, mail);	/* it does not wait any more */
	else
		event_base_loopbreak(base);
}

START_TEST(a_mail_that_waits_is_not_posted_twice)
{
	struct mail third = { .run = third_run }, other = { .run = second_run };

	base = event_base_new();
	box = mailbox_new(base);
	mailbox_post(box, &third);
	mailbox_post(box, &other);
	mailbox_post(box, &third);
	mailbox_post(box, &other);
	event_base_dispatch(base);	/* third, other, third */
	mailbox_free(box);
	ck_assert_int_eq(ran, 3);
	event_base_free(base);
}
END_TEST

SUITE("mailbox", mails_of_each_sender_arrive_in_order,
    mails_inside_run_before_the_box_is_freed,
    a_mail_that_waits_is_not_posted_twice)
