/*
 * doctor: what its checks share.
 */
#include "main/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void
doctor_say(struct doctor *d, enum finding f, const char *what,
    const char *mend, const char *fmt, ...)
{
	static const char *const names[] = { "ok  ", "warn", "FAIL" };
	va_list ap;

	printf("%s  %s: ", names[f], what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (f != FIND_OK && mend != NULL)
		printf("      mend: %s\n", mend);
	if (f == FIND_FAIL)
		d->fails++;
}

int64_t
doctor_number(const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t v = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%" SCNd64, &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

int
doctor_has_cap(unsigned cap)
{
	FILE *f = fopen("/proc/self/status", "re");
	uint64_t caps = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return (int)(caps >> cap & 1);
}
