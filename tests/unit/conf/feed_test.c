/*
 * Feeds of categories: the three formats, and what is wrong with one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "test.h"
#include "util/err.h"
#include "util/mem.h"

#define LISTEN	"listen: [{name: p, mode: explicit, " \
	"address: \"127.0.0.1:1\"}]\n"

static const struct {
	const char *path, *text;
} files[] = {
	{ "/own", "\xef\xbb\xbf# ours\r\nA.example\tFinance\r\n"
	    "*.b.example, news;sports  # both\n!c.a.example finance\n"
	    "192.0.2.0/24 finance\nb\xc3\xbc" "cher.example books\n" },
	{ "/hosts", "127.0.0.1 localhost localhost.localdomain\n"
	    "::1 ip6-localhost\nfe80::1%lo0 localhost\n0.0.0.0 0.0.0.0\n"
	    "0.0.0.0 ads.example tracker.example # x\nplain.example\n" },
	{ "/ut1/adult/domains", "x.example\n198.51.100.7\n" },
	{ "/ut1/audio-video/domains", "y.example\n" },
	{ "/odd", "0.0.0.0 ads.example\nfine.example games\nnone.example\n" },
	{ "/empty", "# nothing\n" },
	{ "/tiny/adult/domains", "\n" },
};

static int
find(const char *path, size_t *i)
{
	for (*i = 0; *i < NELEM(files); ++*i)
		if (strcmp(files[*i].path, path) == 0)
			return 0;
	errno = ENOENT;
	return ERR_SYS;
}

static int
feed_text(const char *path, size_t max, struct text *out)
{
	size_t i;
	int n;

	if (strcmp(path, "/junk") == 0) {	/* one line in 200 */
		for (n = 0; n < 400; n++)
			text_printf(out, n % 200 == 7 ? "not a name %d!\n" :
			    "n%d.example\n", n);
		return 0;
	}
	if (find(path, &i) != 0)
		return ERR_SYS;
	text_puts(out, files[i].text);
	return 0;
}

static int
feed_exists(const char *path)
{
	size_t i;

	return strncmp(path, "/etc/", 5) == 0 ? 0 : find(path, &i);
}

static int
feed_names(const char *path, struct text *out)
{
	static const char ut1[] = "README\0adult\0audio-video\0not.one";

	if (strcmp(path, "/ut1") == 0)
		text_add(out, ut1, sizeof(ut1));
	else if (strcmp(path, "/tiny") == 0)
		text_add(out, "adult", 6);
	else
		return ERR_SYS;
	return 0;
}

static int
load(const char *yaml, struct conf **c, struct text *errors)
{
	static const struct conf_world world = { feed_text, feed_exists, NULL,
	    NULL, feed_names };
	struct text t = { 0 };
	int r;

	text_printf(&t, LISTEN "%s", yaml);
	r = conf_parse_in(&world, "c", t.s, t.len, c, errors);
	text_free(&t);
	return r;
}

static struct conf *
loaded(const char *yaml)
{
	struct text errors = { 0 };
	struct conf *c;

	if (load(yaml, &c, &errors) != 0)
		ck_abort_msg("%s", errors.s);
	return c;
}

static void
wrong(const char *yaml, const char *want)
{
	struct text errors = { 0 };
	struct conf *c;

	ck_assert_int_eq(load(yaml, &c, &errors), ERR_USAGE);
	ck_assert_str_eq(errors.s, want);
	text_free(&errors);
}

/* All names of a category, a blank behind each; and how many addresses. */
static void
has(const struct conf *c, const char *category, const char *names,
    size_t naddresses)
{
	struct text t = { 0 };
	const char *s, *end;
	size_t i;

	for (i = 0; i < c->ncategories; i++)
		if (strcmp(c->categories[i].name, category) == 0)
			break;
	ck_assert_msg(i < c->ncategories, "no %s", category);
	s = c->categories[i].names.s;
	end = s + c->categories[i].names.len;
	for (; s < end; s += strlen(s) + 1)
		text_printf(&t, "%s ", s);
	ck_assert_str_eq(t.s != NULL ? t.s : "", names);
	ck_assert_uint_eq(c->categories[i].naddresses, naddresses);
	text_free(&t);
}

TEST(a_feed_is_a_file_of_two_columns_a_list_or_a_directory)
{
	struct conf *c = loaded("categories:\n- /own\n- /ut1\n"
	    "- {file: /hosts, category: Ads}\n");

	ck_assert_uint_eq(c->ncategories, 7);
	has(c, "finance", "a.example !c.a.example ", 1);
	has(c, "news", "*.b.example ", 0);
	has(c, "sports", "*.b.example ", 0);
	has(c, "books", "xn--bcher-kva.example ", 0);
	has(c, "adult", "x.example ", 1);
	has(c, "audio-video", "y.example ", 0);
	has(c, "ads", "localhost.localdomain ads.example tracker.example "
	    "plain.example ", 0);
	/* the directory too: it may get more of them */
	ck_assert_uint_eq(c->nfiles, 5);
	ck_assert_str_eq(c->files[1].path, "/ut1");
	conf_unref(c);
}
END

TEST(a_line_that_is_no_name_is_left_out_if_it_is_one_in_a_hundred)
{
	struct conf *c = loaded("categories: [{file: /junk, category: a}]\n");
	struct text out = { 0 };

	ck_assert_uint_eq(c->categories[0].nnames, 398);
	conf_warnings(c, &out);
	ck_assert_str_eq(out.s, "/junk:8:1: warning: \"not a name 7!\" is not "
	    "a name, and left out\n/junk:208:1: warning: \"not a name 207!\" "
	    "is not a name, and left out\n");
	text_free(&out);
	conf_unref(c);
}
END

#define AS_LINE	" is not a name and its categories; write " \
	"\"example.com finance\", of 1000 categories at most; or say which " \
	"one all of the file has: {file: ..., category: ...}\n"

TEST(a_broken_feed_is_an_error_with_its_place)
{
	wrong("categories: [/odd]\n",
	    "/odd:1:1: \"0.0.0.0 ads.example\"" AS_LINE
	    "/odd:3:1: \"none.example\"" AS_LINE);
	wrong("categories:\n- /nowhere\n- /empty\n- /tiny\n"
	    "- {file: /own, category: \"a b\"}\n- {category: x}\n",
	    "c:3:3: cannot read \"/nowhere\": No such file or directory; make "
	    "it, or take the feed out\n"
	    "c:4:3: no name is in \"/empty\"; fill it (a directory has files "
	    "CATEGORY/domains), or take the feed out\n"
	    "c:5:3: no name is in \"/tiny\"; fill it (a directory has files "
	    "CATEGORY/domains), or take the feed out\n"
	    "c:6:3: \"a b\" is not a category; write a word of letters, "
	    "digits, \"-\" and \"_\"\n"
	    "c:7:3: a feed needs \"file\"; write the path of a file, or of a "
	    "directory\n");
}
END

TEST(a_rule_names_a_category_that_a_feed_has)
{
	wrong("rules:\n- {name: a, category: games, action: block}\n"
	    "- {name: b, action: bypass}\n",
	    "c:3:23: \"category\" needs feeds of names and their categories; "
	    "write them under \"categories\"\n");
	wrong("categories: [/empty]\nrules:\n"
	    "- {name: a, category: finance, action: block}\n"
	    "- {name: z, action: bypass}\n",
	    "c:2:14: no name is in \"/empty\"; fill it (a directory has files "
	    "CATEGORY/domains), or take the feed out\n");
	wrong("categories: [/own]\nrules:\n"
	    "- {name: a, category: [Finance, unknown], action: block}\n"
	    "- {name: b, category: bookz, action: block}\n"
	    "- {name: c, category: [], action: block}\n"
	    "- {name: z, action: bypass}\n",
	    "c:5:23: no category \"bookz\" under \"categories\", did you mean "
	    "\"books\"?\n"
	    "c:6:23: \"category\" is an empty list and would match "
	    "nothing; fill it or take it out\n");
	wrong("categories: [/own]\nrules:\n"
	    "- {name: a, category: [finance, unknown], action: block}\n"
	    "- {name: b, category: FINANCE, action: bypass}\n"
	    "- {name: z, action: bypass}\n",
	    "c:5:3: this rule is never reached: \"a\" before it (line 4) "
	    "matches all that it matches; put it before that one, or take it "
	    "out\n");
}
END

SUITE("feed", a_feed_is_a_file_of_two_columns_a_list_or_a_directory,
    a_line_that_is_no_name_is_left_out_if_it_is_one_in_a_hundred,
    a_broken_feed_is_an_error_with_its_place,
    a_rule_names_a_category_that_a_feed_has)
