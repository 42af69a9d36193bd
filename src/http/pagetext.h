/*
 * The words of the built-in pages, in each language.
 */
#ifndef HTTP_PAGETEXT_H
#define HTTP_PAGETEXT_H

#include "conf/pages.h"

struct template;

extern const char pagetext_ca_en[], pagetext_ca_ja[];

/* Static; PAGE_CA has a title only. */
const char	*pagetext_title(enum page_kind, enum page_language);
const char	*pagetext_lead(enum page_kind, enum page_language);
/* The built-in template; it lives as long as the process. */
const struct template *pagetext_template(enum page_kind, enum page_language);

#endif
