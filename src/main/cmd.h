/*
 * The subcommands. Each takes the arguments from its own name on, as main()
 * does, and returns the exit status of the process. The functions that they
 * share are here too.
 */
#ifndef MAIN_CMD_H
#define MAIN_CMD_H

#include <stdio.h>

#include "util/text.h"

enum {			/* exit status (clearspan(8)) */
	EXIT_DONE = 0,
	EXIT_FAILED = 1,	/* while running */
	EXIT_WRONG = 2		/* wrong usage or configuration */
};

struct command {		/* a row of the table in main.c */
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*args;		/* what may follow its name */
	const char	*does;
};

/* The command that runs: cmd_usage() shows its usage. */
void	cmd_begin(const struct command *);
void	cmd_show_usage(FILE *);

int	cmd_quickstart(int argc, char **argv);	/* quickstart.c */
int	cmd_run(int argc, char **argv);		/* run.c */
int	cmd_check(int argc, char **argv);	/* check.c */
int	cmd_explain(int argc, char **argv);	/* explain.c */
int	cmd_replay(int argc, char **argv);	/* replay.c */
int	cmd_ca(int argc, char **argv);		/* ca.c */
int	cmd_ctl(int argc, char **argv);		/* ctl.c */
int	cmd_transparent(int argc, char **argv);	/* transparent.c */
int	cmd_doctor(int argc, char **argv);	/* doctor.c */
int	cmd_version(int argc, char **argv);	/* version.c */

/* Print "clearspan: NAME: ..." and the usage of the command on stderr. Returns
 * EXIT_WRONG. name is argv[0] of the command. */
int	cmd_usage(const char *name, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The default --dir of `ca` and `quickstart`: $XDG_DATA_HOME/clearspan, or
 * ~/.local/share/clearspan. The caller frees it. */
char	*cmd_default_dir(void);

/*
 * Create dir/ca.pem and dir/ca.key (0600), as `ca create` does (ca.c), and the
 * directory (0700) if it is missing. key: "p256" (or NULL), "p384",
 * "rsa:2048", "ed25519". Never overwrites: returns ERR_DENIED if there is a CA
 * already. Otherwise returns 0, or an ERR_* with a sentence in why.
 */
int	ca_create(const char *dir, const char *key, struct text *why);

struct ca_want;

/*
 * `ca csr` and `ca renew` (ca_again.c). csr makes dir/ca.csr for the key that
 * is there, or for a new one. renew replaces dir/ca.pem and, if want has a type
 * of key, dir/ca.key; the old files stay beside them with ".old" behind their
 * names. Returns 0, or an ERR_* with a sentence in why.
 */
int	ca_csr(const char *dir, const struct ca_want *, struct text *why);
int	ca_again(const char *dir, const struct ca_want *, struct text *why);

/* Whether only one of the two files exists; why says which. */
int	ca_half(const char *dir, struct text *why);

#define CTL_SOCKET	"/run/clearspan/control.sock"

#endif
