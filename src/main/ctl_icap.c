/*
 * The check of an ICAP service, from its configuration as JSON.
 */
#include "main/ctl_icap.h"

#include <signal.h>
#include <string.h>

#include "admin/icapcheck.h"

int
ctl_icap_wanted(int argc, char **argv)
{
	return argc == 3 && strcmp(argv[0], "icap") == 0 &&
	    strcmp(argv[1], "check") == 0;
}

json_t *
ctl_icap_check(const json_t *config, int *good)
{
	struct conf *c;
	json_t *answer;

	*good = 0;
	if ((c = icapcheck_unpack(config)) == NULL)
		return json_pack("{s:s}", "error",
		    "the daemon is of another version");
	signal(SIGPIPE, SIG_IGN);
	answer = icapcheck_run(&c->icaps[0]);
	*good = json_is_true(json_object_get(answer, "good"));
	conf_unref(c);
	return answer;
}
