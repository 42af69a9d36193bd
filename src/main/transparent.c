/*
 * `clearspan transparent`: show, apply, keep and revert the packet rules. Their
 * state, and how they survive a reboot, is in enable.c.
 *
 * A wrong rule can cut off the operator who sets it. So `up` waits a minute for
 * a confirmation, and reverts the rules without one, even if its terminal has
 * gone away. The operator confirms by Enter on its terminal, or by `clearspan
 * transparent confirm` on another. The two meet at an abstract socket, which
 * belongs to the network namespace, as the rules do.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "main/cmd.h"
#include "main/tproxy.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/mem.h"

#define CMD		"transparent"
#define WAIT		60	/* seconds for a person to look and answer */
#define MEETING		"clearspan-transparent"

enum word {			/* what comes over the meeting socket */
	WORD_NONE,
	WORD_KEEP = 'k',	/* confirm */
	WORD_GONE = 'g'		/* down: the rules are gone */
};

struct request {
	struct tproxy	rules;
	int		confirmed;	/* up: do not wait */
	unsigned	wait;		/* seconds */
};

static volatile sig_atomic_t	interrupted;

static void
on_signal(int sig)
{
	interrupted = sig;
}

static socklen_t
meeting_addr(struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path + 1, MEETING, sizeof(MEETING) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    sizeof(MEETING));
}

static int
meeting_open(void)
{
	struct sockaddr_un un;
	socklen_t len = meeting_addr(&un);
	int on = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&un, len) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
		return fd;
	}
	fprintf(stderr, errno == EADDRINUSE ? "clearspan: another "
	    "\"transparent up\" is waiting: confirm it or end it first\n" :
	    "clearspan: transparent: cannot make a socket\n");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Returns 0 if an `up` is waiting. */
static int
meeting_say(char word)
{
	struct sockaddr_un un;
	socklen_t len = meeting_addr(&un);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n = fd < 0 ? -1 : sendto(fd, &word, 1, MSG_DONTWAIT,
	    (struct sockaddr *)&un, len);

	if (fd >= 0)
		close(fd);
	return n == 1 ? 0 : -1;
}

/* Anyone may write to an abstract socket, so obey only root and ourselves. */
static enum word
meeting_hear(int fd)
{
	union {
		char		buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr	align;
	} u;
	char word = WORD_NONE;
	struct iovec iov = { .iov_base = &word, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = u.buf, .msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c;
	struct ucred who;

	if (recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1 ||
	    (c = CMSG_FIRSTHDR(&m)) == NULL ||
	    c->cmsg_type != SCM_CREDENTIALS)
		return WORD_NONE;
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	if (who.uid != 0 && who.uid != geteuid())
		return WORD_NONE;
	return word == WORD_KEEP || word == WORD_GONE ? (enum word)word :
	    WORD_NONE;
}

/* Enter confirms. The end of the input does not; it only stops listening. */
static enum word
terminal_hear(struct pollfd *p)
{
	char c;

	if (read(p->fd, &c, 1) == 1)
		return c == '\n' ? WORD_KEEP : WORD_NONE;
	p->fd = -1;
	return WORD_NONE;
}

static enum word
wait_word(int meeting, unsigned seconds)
{
	struct pollfd p[2] = { { .fd = meeting, .events = POLLIN },
	    { .fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1,
	    .events = POLLIN } };
	int64_t end = (int64_t)clock_ms() + (int64_t)seconds * 1000, left;
	enum word word = WORD_NONE;

	while (word == WORD_NONE && !interrupted &&
	    (left = end - (int64_t)clock_ms()) > 0) {
		/* In slices: a signal may come just before poll() does. */
		if (poll(p, 2, left > 1000 ? 1000 : (int)left) <= 0)
			continue;
		if (p[0].revents != 0)
			word = meeting_hear(meeting);
		if (word == WORD_NONE && p[1].revents != 0)
			word = terminal_hear(&p[1]);
	}
	return word;
}

static void
catch_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT };
	/* The last two are for the daemon, from who goes by the name. */
	static const int ignored[] = { SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU,
	    SIGUSR1, SIGUSR2 };
	struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
	/*
	 * The terminal may be gone when we report; and no signal may stop us
	 * from reverting, not even Ctrl-Z.
	 */
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

static int
up_and_wait(const struct request *r, const struct text *before)
{
	int meeting = meeting_open();
	enum word word;

	if (meeting < 0)
		return EXIT_FAILED;
	catch_signals();
	if (tproxy_up(&r->rules) != 0) {
		tproxy_restore(before);
		return EXIT_FAILED;
	}
	printf("The rules are in place for %u s. To keep them, %srun "
	    "\"clearspan transparent confirm\".\n", r->wait,
	    isatty(STDIN_FILENO) ? "press Enter here or " : "");
	fflush(stdout);
	word = wait_word(meeting, r->wait);
	close(meeting);
	if (word == WORD_KEEP) {
		printf("Kept, until \"clearspan transparent down\" or a "
		    "restart of this machine.\n");
		return EXIT_DONE;
	}
	if (word == WORD_NONE)
		tproxy_restore(before);
	printf("%s, the rules are taken back%s.\n", word == WORD_GONE ?
	    "As asked" : interrupted ? "Interrupted" : "Not confirmed",
	    word == WORD_NONE && before->len > 0 ?
	    "; those from before hold again" : "");
	return EXIT_FAILED;
}

/*
 * These are not errors. Rules use an interface's name, so it may come later;
 * and a daemon may start after its rules, so that nothing passes before.
 */
static void
warn_missing(const struct tproxy *t)
{
	struct text names = { 0 };

	tproxy_missing(t, &names);
	if (names.len > 0)
		fprintf(stderr, "clearspan: transparent: there is no interface "
		    "%s now: until it comes, nothing is intercepted there\n",
		    names.s);
	if (!tproxy_listens(t))
		fprintf(stderr, "clearspan: transparent: nothing listens on "
		    "port %u now: until clearspan does, connections %s "
		    "(--when-down)\n", t->port, tproxy_fate(t));
	else if (t->dns && !tproxy_hears_dns(t))
		fprintf(stderr, "clearspan: transparent: nothing takes DNS on "
		    "port %u now: until clearspan does (listen: dns), queries "
		    "over UDP %s (--when-down)\n", t->port,
		    tproxy_dns_fate(t));
	text_free(&names);
}

static int
up(const struct request *r)
{
	struct text before = { 0 };
	int rv = EXIT_DONE;

	warn_missing(&r->rules);
	tproxy_save(&before);
	if (!r->confirmed) {
		rv = up_and_wait(r, &before);
	} else if (tproxy_up(&r->rules) != 0) {
		tproxy_restore(&before);
		rv = EXIT_FAILED;
	}
	text_free(&before);
	return rv;
}

static int
down(const struct request *r)
{
	int rv = tproxy_down();

	meeting_say(WORD_GONE);
	return rv == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int
confirm(const struct request *r)
{
	if (meeting_say(WORD_KEEP) == 0)
		return EXIT_DONE;
	fprintf(stderr, "clearspan: transparent: nothing waits for "
	    "confirmation\n");
	return EXIT_FAILED;
}

/* A number from 1 to max, or 0. */
static unsigned
number(const char *s, unsigned max)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	return s[0] < '0' || s[0] > '9' || *end != '\0' || v > max ? 0 :
	    (unsigned)v;
}

/* Returns 0, or EXIT_WRONG after reporting why. */
static int
take_option(struct request *r, int opt, const char *arg)
{
	const char *bad = NULL;

	switch (opt) {
	case 'i':
		if (tproxy_ifaces(&r->rules, arg, &bad) != 0)
			return cmd_usage(CMD, "--in: \"%s\" is not an "
			    "interface name, or a list of them", bad);
		return 0;
	case 'p':
		if (tproxy_ports(&r->rules, arg, &bad) != 0)
			return cmd_usage(CMD, "--ports: at \"%s\": give ports "
			    "or ranges, as 443,8000-8100, or all", bad);
		return 0;
	case 'l':
		if ((r->rules.port = number(arg, 65535)) == 0)
			return cmd_usage(CMD, "--port: 1 to 65535");
		return 0;
	case 'w':
		if ((r->wait = number(arg, 3600)) == 0)
			return cmd_usage(CMD, "--wait: 1 to 3600 seconds");
		return 0;
	case 'd':
		r->rules.when_down = strcmp(arg, "pass") == 0 ? TPROXY_PASS :
		    TPROXY_REJECT;
		if (strcmp(arg, "pass") != 0 && strcmp(arg, "reject") != 0)
			return cmd_usage(CMD, "--when-down: reject or pass, "
			    "not \"%s\"", arg);
		return 0;
	case 'D':
		r->rules.dns = 1;
		return 0;
	case 'f':
		r->rules.forwarding = 1;
		return 0;
	case 'q':
		r->rules.quic = TPROXY_QUIC_PORTS;
		return 0;
	case 'Q':
		r->rules.quic = TPROXY_QUIC_PASS;
		return 0;
	case 'c':
		r->confirmed = 1;
		return 0;
	}
	return cmd_usage(CMD, "unknown option");
}

static int
take_options(struct request *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "in", required_argument, NULL, 'i' },
		{ "ports", required_argument, NULL, 'p' },
		{ "port", required_argument, NULL, 'l' },
		{ "when-down", required_argument, NULL, 'd' },
		{ "dns", no_argument, NULL, 'D' },
		{ "forwarding", no_argument, NULL, 'f' },
		{ "block-quic", no_argument, NULL, 'q' },
		{ "pass-quic", no_argument, NULL, 'Q' },
		{ "confirm", no_argument, NULL, 'c' },
		{ "wait", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (take_option(r, opt, optarg) != 0)
			return EXIT_WRONG;
	if (optind < argc)
		return cmd_usage(CMD, "unexpected argument \"%s\"",
		    argv[optind]);
	return 0;
}

static int
print(const struct request *r)
{
	tproxy_print(&r->rules);
	return EXIT_DONE;
}

/* Without --in, enable the rules in place. */
static int
enable(const struct request *r)
{
	struct tproxy now;

	if (r->rules.ifaces[0] != '\0')
		return transparent_enable(&r->rules);
	if (tproxy_read(&now) != 0)
		return cmd_usage(CMD, "no rules are in place; give --in with "
		    "the interface");
	return transparent_enable(&now);
}

static int
disable(const struct request *r)
{
	return transparent_disable();
}

static int
status(const struct request *r)
{
	return transparent_status();
}

int
cmd_transparent(int argc, char **argv)
{
	static const struct {
		const char	*name;
		int		(*run)(const struct request *);
		int		 needs_in;
	} verbs[] = {
		{ "print", print, 1 }, { "up", up, 1 },
		{ "confirm", confirm, 0 }, { "down", down, 0 },
		{ "status", status, 0 }, { "enable", enable, 0 },
		{ "disable", disable, 0 },
	};
	struct request r = { .wait = WAIT, .rules = { .port = 8443,
	    .ports = "443" } };
	size_t i = 0;

	if (argc < 2)
		return cmd_usage(CMD, "print, up, confirm, down, status, "
		    "enable or disable?");
	if (take_options(&r, argc - 1, argv + 1) != 0)
		return EXIT_WRONG;
	while (i < NELEM(verbs) && strcmp(verbs[i].name, argv[1]) != 0)
		i++;
	if (i == NELEM(verbs))
		return cmd_usage(CMD, "\"%s\" is not print, up, confirm, "
		    "down, status, enable or disable", argv[1]);
	if (verbs[i].needs_in && r.rules.ifaces[0] == '\0')
		return cmd_usage(CMD, "give --in with the interface");
	return verbs[i].run(&r);
}
