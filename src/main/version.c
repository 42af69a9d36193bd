/*
 * `clearspan version`: our version, and for each library the version at build
 * time and the one that runs; they differ after an upgrade of the system.
 */
#include <ares.h>
#include <event2/event.h>
#include <jansson.h>
#include <libnet.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <yaml.h>

#ifdef HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#include "main/cmd.h"
#include "util/mem.h"

#define NOT_TOLD	"-"	/* its headers have no version */

struct library {
	const char	*name;
	const char	*built;
	const char	*(*running)(void);
};

static const char *
openssl_running(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char *
libnet_running(void)
{
	return libnet_version();
}

static const char *
ares_running(void)
{
	return ares_version(NULL);
}

static const struct library libraries[] = {
	{ "openssl", OPENSSL_VERSION_STR, openssl_running },
	{ "libevent", LIBEVENT_VERSION, event_get_version },
	{ "libpcap", NOT_TOLD, pcap_lib_version },
	{ "libnet", LIBNET_VERSION, libnet_running },
	{ "libyaml", NOT_TOLD, yaml_get_version_string },
	{ "jansson", JANSSON_VERSION, jansson_version_str },
	{ "c-ares", ARES_VERSION_STR, ares_running },
#ifdef HAVE_IPSEC_MB
	{ "ipsec-mb", IMB_VERSION_STR, imb_get_version_str },
#endif
};

int
cmd_version(int argc, char **argv)
{
	size_t i;

	printf("clearspan %s\n", VERSION);
	printf("%-10s %-20s %s\n", "library", "built with", "running");
	for (i = 0; i < NELEM(libraries); i++)
		printf("%-10s %-20s %s\n", libraries[i].name,
		    libraries[i].built, libraries[i].running());
	return EXIT_DONE;
}
