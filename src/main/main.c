/*
 * clearspan: the table of subcommands and their usage.
 */
#include <stdio.h>
#include <string.h>

#include "chain/zone_helper.h"
#include "main/cmd.h"
#include "util/helper.h"
#include "util/mem.h"
#include "verdict/guard_wire.h"
#include "verdict/sensors.h"

static const struct command commands[] = {
	{ "quickstart", cmd_quickstart, "[--listen ADDR:PORT] "
	    "[--pcap-over-ip ADDR:PORT] [--pcap FILE] [--dir DIR]\n"
	    "    [--trust FILE|DIR] ...",
	    "run a proxy and a live capture, no configuration needed" },
	{ "run", cmd_run, "[-c FILE]", "the daemon, in the foreground" },
	{ "check", cmd_check, "[-c FILE]", "check a configuration" },
	{ "explain", cmd_explain, "[-c FILE] [client=IP] [server=IP] [port=N]"
	    " [sni=NAME] [host=NAME] [alpn=LIST] ...",
	    "which rule decides, and why" },
	{ "replay", cmd_replay, "[-c FILE] LOG", "which sessions of an event "
	    "log the configuration would treat otherwise" },
	{ "ca", cmd_ca, "create|show|export [--dir DIR] [--key p-256|p-384|"
	    "ed25519|rsa:2048]\n    [--name CN] [--days N] [--format pem|der|"
	    "p12|mobileconfig] [--out FILE]\n    [--format p12 --out FILE "
	    "--with-key PASSWORD-FILE]",
	    "make, show or export a CA" },
	{ "ctl", cmd_ctl, "[-s SOCKET] [--json] VERB ...",
	    "ask or tell a running daemon (ctl help lists the verbs)" },
	{ "transparent", cmd_transparent, "print|up|confirm|down|status|enable|"
	    "disable\n    --in IFACE [--ports LIST|all] [--port N] "
    "[--when-down reject|pass]\n    [--dns] [--block-quic|--pass-quic] "
	    "[--forwarding]\n    [--wait SECONDS] [--confirm]",
	    "the packet rules that bring traffic to the daemon" },
	{ "doctor", cmd_doctor, "[-c FILE]",
	    "look for what keeps it from working here" },
	{ "version", cmd_version, "", "versions, of its libraries too" },
};

static const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; i < NELEM(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void
usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: clearspan COMMAND ...\n");
	for (i = 0; i < NELEM(commands); i++)
		fprintf(out, "  %-12s %s\n", commands[i].name,
		    commands[i].does);
	fprintf(out, "clearspan COMMAND --help shows the usage of a command; "
	    "see also clearspan(8).\n");
}

static int
is_help(const char *s)
{
	return strcmp(s, "--help") == 0 || strcmp(s, "-h") == 0;
}

int
main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return EXIT_WRONG;
	}
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0)
		return cmd_version(argc - 1, argv + 1);
	if (strcmp(argv[1], ZONE_HELPER_ARG) == 0)
		return zone_helper(HELPER_FD);
	if (strcmp(argv[1], GUARD_ARG) == 0)
		return guard_run(HELPER_FD);
	if (strcmp(argv[1], SENSORS_ARG) == 0)
		return sensors_run(HELPER_FD);
	if ((c = command_find(argv[1])) == NULL) {
		fprintf(stderr, "clearspan: unknown command %s\n", argv[1]);
		usage(stderr);
		return EXIT_WRONG;
	}
	cmd_begin(c);
	if (argc > 2 && is_help(argv[2])) {
		cmd_show_usage(stdout);
		printf("  %s\n", c->does);
		return EXIT_DONE;
	}
	return c->run(argc - 1, argv + 1);
}
