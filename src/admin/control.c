/*
 * Clients of the control socket. A client has one request under way at a time.
 * Its next line is read when it has taken the answer, so a slow reader holds
 * one answer and delays only itself.
 */
#include "admin/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/verbs.h"
#include "util/err.h"
#include "util/keep.h"
#include "util/log.h"
#include "util/mem.h"

#define CLIENTS		32	/* at once; further ones get an error */
#define IDLE		60	/* s without a request, or a byte taken */
#define PAUSE		1	/* s without accepting after an error */

struct client {
	TAILQ_ENTRY(client)	 link;
	struct control		*control;
	struct bufferevent	*bev;
	int	 busy;		/* a request is under way ... */
	int	 answered;	/* ... and its answer is being written */
	int	 eof;		/* the client sends no more */
};

struct control {
	struct admin_env	*env;
	struct mailbox		*mail;
	struct evconnlistener	*listener;
	struct event		*pause;
	char			*path;
	dev_t			 dev;
	ino_t			 ino;		/* of our socket's name */
	TAILQ_HEAD(, client)	 clients;
	size_t			 nclients;
};

/* A client with a request under way stays until the answer comes. */
static void
client_free(struct client *c)
{
	if (c->bev != NULL) {
		bufferevent_free(c->bev);
		c->bev = NULL;
		TAILQ_REMOVE(&c->control->clients, c, link);
		c->control->nclients--;
	}
	if (!c->busy || c->answered)
		free(c);
}

static void
client_answer(void *arg, json_t *answer)
{
	struct client *c = arg;
	char *s;

	s = json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(answer);
	c->answered = 1;
	if (c->bev == NULL)
		client_free(c);
	else
		evbuffer_add_printf(bufferevent_get_output(c->bev), "%s\n",
		    s != NULL ? s : "{\"error\":\"no answer\"}");
	free(s);
}

static void
client_step(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	char *line;

	if (c->busy)
		return;
	if ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF)) != NULL) {
		c->busy = 1;
		bufferevent_disable(c->bev, EV_READ);
		verb_run(c->control->env, c->control->mail, line,
		    client_answer, c);
		free(line);
	} else if (c->eof || evbuffer_get_length(in) >= VERB_LINE) {
		client_free(c);
	}
}

static void
client_readable(struct bufferevent *bev, void *arg)
{
	client_step(arg);
}

/* The client has taken the whole answer. */
static void
client_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (!c->answered)
		return;
	c->busy = c->answered = 0;
	if (!c->eof)
		bufferevent_enable(bev, EV_READ);
	client_step(c);
}

static void
client_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	if ((what & BEV_EVENT_EOF) && !c->eof) {
		c->eof = 1;
		client_step(c);
	} else {
		client_free(c);
	}
}

static void
control_accept(struct evconnlistener *l, evutil_socket_t fd,
    struct sockaddr *sa, int salen, void *arg)
{
	static const char full[] = "{\"error\":\"too many clients\"}\n";
	static const struct timeval idle = { IDLE, 0 };
	struct control *ctl = arg;
	struct client *c;

	if (ctl->nclients >= CLIENTS) {
		(void)!send(fd, full, sizeof(full) - 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->control = ctl;
	c->bev = bufferevent_socket_new(ctl->env->base, fd,
	    BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		close(fd);
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&ctl->clients, c, link);
	ctl->nclients++;
	bufferevent_setcb(c->bev, client_readable, client_written,
	    client_event, c);
	bufferevent_set_timeouts(c->bev, &idle, &idle);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* Descriptors are probably short. Pause, or the listener would spin. */
static void
control_failed(struct evconnlistener *l, void *arg)
{
	static const struct timeval pause = { PAUSE, 0 };
	struct control *ctl = arg;

	evconnlistener_disable(l);
	evtimer_add(ctl->pause, &pause);
}

static void
control_resume(evutil_socket_t fd, short what, void *arg)
{
	struct control *ctl = arg;

	if (ctl->listener != NULL)
		evconnlistener_enable(ctl->listener);
}

/* Remove a socket that nobody answers on, and nothing else. */
static int
control_clear(const struct sockaddr_un *sun, struct text *why)
{
	struct stat st;
	int fd, rv;

	if (lstat(sun->sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		text_printf(why, "control socket %s: the file exists and is "
		    "not a socket", sun->sun_path);
		return ERR_DENIED;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return 0;
	rv = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	close(fd);
	if (rv == 0) {
		text_printf(why, "control socket %s: another daemon already "
		    "uses it", sun->sun_path);
		return ERR_DENIED;
	}
	unlink(sun->sun_path);
	return 0;
}

/* On Linux, fchmod(2) before bind(2) sets the mode of the socket's file. */
static int
control_listen(const char *path, struct text *why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rv;

	keep_dir(path, 0755, NULL);
	if (strlen(path) >= sizeof(sun.sun_path)) {
		text_printf(why, "control socket %s: the path is too long: "
		    "%zu bytes at the most", path, sizeof(sun.sun_path) - 1);
		return ERR_LIMIT;
	}
	strcpy(sun.sun_path, path);
	if ((rv = control_clear(&sun, why)) != 0)
		return rv;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || fchmod(fd, 0600) != 0 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		text_printf(why, "control socket %s: %s", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_SYS;
	}
	return fd;
}

int
control_new(struct admin_env *env, const char *path, struct control **out,
    struct text *why)
{
	struct control *ctl;
	struct stat st = { 0 };
	int fd;

	*out = NULL;
	if ((fd = control_listen(path, why)) < 0)
		return fd;
	ctl = xcalloc(1, sizeof(*ctl));
	ctl->env = env;
	ctl->path = xstrdup(path);
	TAILQ_INIT(&ctl->clients);
	stat(path, &st);
	ctl->dev = st.st_dev;
	ctl->ino = st.st_ino;
	ctl->mail = mailbox_new(env->base);
	ctl->pause = evtimer_new(env->base, control_resume, ctl);
	ctl->listener = evconnlistener_new(env->base, control_accept, ctl,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, fd);
	evconnlistener_set_error_cb(ctl->listener, control_failed);
	*out = ctl;
	return 0;
}

void
control_stop(struct control *ctl)
{
	struct client *c;
	struct stat st;

	if (ctl == NULL || ctl->listener == NULL)
		return;
	evconnlistener_free(ctl->listener);
	ctl->listener = NULL;
	if (lstat(ctl->path, &st) == 0 && st.st_dev == ctl->dev &&
	    st.st_ino == ctl->ino)
		unlink(ctl->path);
	while ((c = TAILQ_FIRST(&ctl->clients)) != NULL)
		client_free(c);
}

void
control_free(struct control *ctl)
{
	if (ctl == NULL)
		return;
	control_stop(ctl);
	mailbox_free(ctl->mail);
	event_free(ctl->pause);
	free(ctl->path);
	free(ctl);
}
