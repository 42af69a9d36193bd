/*
 * Reads the templates of `pages: directory`. For each kind of page a file
 * KIND.LANGUAGE.html counts in that language, else KIND.html in all.
 */
#include "conf/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/template.h"
#include "conf/keys.h"
#include "conf/pattern.h"
#include "util/err.h"
#include "util/mem.h"

/* Their places among the files that have problems: behind all lists. */
#define PAGES_ORDER	100000

const char *const page_names[PAGE_NAMES] = {
	"lang", "title", "lead", "status", "reason", "rule", "time",
	"reference", "client", "host", "url", "contact", "continue",
	"fingerprint", "subject", "until", "allowed"
};

static const char *const kinds[PAGE_KINDS] = {
	"block", "failure", "warn", "ca", "quarantine", "released"
};
static const char *const languages[PAGE_LANGUAGES] = { "en", "ja" };

const char *
page_language_str(enum page_language l)
{
	return languages[l];
}

void
conf_pages_drop(struct conf_pages *p)
{
	size_t i, k;

	for (i = 0; i < PAGE_KINDS; i++)
		for (k = 0; k < PAGE_LANGUAGES; k++)
			template_free(p->own[i][k]);
	memset(p->own, 0, sizeof(p->own));
}

/* A file of the directory: 1, or 0 if it is not there. */
static int
page_read(struct load *l, const char *path, unsigned order,
    struct template **out)
{
	static const struct conf_pos start = { 1, 1 };
	struct template_error e;
	struct conf_pos pos;
	struct text t = { 0 };
	int rv;

	rv = l->world->read(path, TEMPLATE_MAX, &t);
	if (rv == ERR_SYS && errno == ENOENT) {
		text_free(&t);
		return 0;
	}
	if (rv != 0) {
		problem_add(&l->problems, path, order, start, "%s",
		    rv == ERR_LIMIT ? "longer than 512 KiB" : err_str(rv));
	} else if (template_read(out, t.s != NULL ? t.s : "", t.len,
	    page_names, PAGE_NAMES, &e) != 0) {
		pos.line = e.line;
		pos.column = e.column;
		problem_add(&l->problems, path, order, pos, "%s", e.what);
	}
	text_free(&t);
	return 1;
}

static void
page_find(struct load *l, const char *dir, size_t kind, size_t language,
    struct template **out)
{
	unsigned order = PAGES_ORDER + (unsigned)(kind * PAGE_LANGUAGES +
	    language);
	char *one = xasprintf("%s/%s.%s.html", dir, kinds[kind],
	    languages[language]);
	char *all = xasprintf("%s/%s.html", dir, kinds[kind]);

	if (!page_read(l, one, order, out))
		page_read(l, all, order, out);
	free(one);
	free(all);
}

void
check_pages(struct load *l, yaml_node_t *n, void *p)
{
	struct conf_pages *pages = &((struct conf *)p)->pages;
	size_t i, k;

	if (pages->directory == NULL || l->world->read == NULL)
		return;
	for (i = 0; i < PAGE_KINDS; i++)
		for (k = 0; k < PAGE_LANGUAGES; k++)
			page_find(l, pages->directory, i, k,
			    &pages->own[i][k]);
}

void
check_captive(struct load *l, yaml_node_t *n, void *p)
{
	struct conf_pages *pages = &((struct conf *)p)->pages;
	char *name = pages->captive_name, canon[PATTERN_MAX + 1];

	if (name == NULL)
		return;
	if (name_canon(canon, name, strlen(name)) == 0) {
		load_problem(l, node_get(l, n, "name"), "\"%s\" is not the "
		    "name of a host; write one such as portal.example.com",
		    name);
		return;
	}
	free(name);
	pages->captive_name = xstrdup(canon);
}
