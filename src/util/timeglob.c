/*
 * strftime(3) to glob(3).
 */
#include "util/timeglob.h"

#include <string.h>

#include "util/err.h"
#include "util/mem.h"

/* d stands for a digit. %s makes ten digits until the year 2286. */
static const struct {
	char		 letter;
	const char	*makes;
} conversions[] = {
	{ 'Y', "dddd" }, { 'G', "dddd" }, { 'j', "ddd" }, { 'm', "dd" },
	{ 'd', "dd" }, { 'H', "dd" }, { 'I', "dd" }, { 'M', "dd" },
	{ 'S', "dd" }, { 'C', "dd" }, { 'y', "dd" }, { 'g', "dd" },
	{ 'U', "dd" }, { 'V', "dd" }, { 'W', "dd" }, { 'u', "d" },
	{ 'w', "d" }, { 's', "dddddddddd" }, { 'F', "dddd-dd-dd" },
	{ 'D', "dd/dd/dd" }, { 'T', "dd:dd:dd" }, { 'R', "dd:dd" },
	{ '%', "%" }
};

static const char *
conversion(char letter)
{
	size_t i;

	for (i = 0; i < NELEM(conversions); i++)
		if (conversions[i].letter == letter)
			return conversions[i].makes;
	return NULL;
}

int
timeglob(struct text *out, const char *p, char *bad)
{
	const char *makes;

	for (; *p != '\0'; p++) {
		if (strchr("*?[]\\", *p) != NULL)
			text_puts(out, "\\");
		if (*p != '%') {
			text_add(out, p, 1);
			continue;
		}
		*bad = *++p != '\0' ? *p : '%';
		if ((makes = conversion(*p)) == NULL)
			return ERR_UNSUPPORTED;
		for (; *makes != '\0'; makes++)
			text_puts(out, *makes == 'd' ? "[0-9]" :
			    (const char[]){ *makes, '\0' });
	}
	return 0;
}
