/*
 * The examples of clearspan.yaml(5) and of docs/, and the one under etc/, load;
 * every key the program knows is on the page. Run from the top of the source.
 */
#include <regex.h>
#include <stdio.h>

#include "conf/keys.h"
#include "conf/listfile.h"
#include "sample.h"
#include "util/mem.h"

#define PAGE	"man/clearspan.yaml.5"

static char *
slurp(const char *path)
{
	struct text t = { 0 };

	if (conf_world_real.read(path, 1 << 20, &t) != 0)
		ck_abort_msg("cannot read %s", path);
	return text_take(&t);
}

static int
has_section(const char *part, const char *name)
{
	char first[64];
	size_t n;

	n = (size_t)snprintf(first, sizeof(first), "\n%s:", name);
	return strncmp(part, first + 1, n - 1) == 0 ||
	    strstr(part, first) != NULL;
}

/* What a part of a configuration may refer to, where it has it not itself. */
static void
complete(const char *part, struct text *out)
{
	if (!has_section(part, "listen"))
		text_puts(out, "listen: [{name: proxy, mode: explicit, "
		    "address: \"127.0.0.1:8080\"}]\n");
	if (!has_section(part, "mirrors"))
		text_puts(out, "mirrors: [{name: recorder, interface: lo}, "
		    "{name: live, pcap-over-ip: \"127.0.0.1:1\"}]\n");
	if (!has_section(part, "icap"))
		text_puts(out, "icap: [{name: av, respmod: "
		    "\"icap://127.0.0.1/av\"}, {name: dlp, reqmod: "
		    "\"icap://127.0.0.1/dlp\"}]\n");
	if (!has_section(part, "chains") && !has_section(part, "devices"))
		text_puts(out, "devices: [{name: d, inside: a, outside: b}]\n"
		    "chains: [{name: inspect, slots: [{name: s, devices: d}]}]"
		    "\n");
	if (!has_section(part, "lists"))
		text_puts(out, "lists: {banks: /banks}\n");
	if (!has_section(part, "geo"))
		text_puts(out, "geo: {database: /geo}\n");
	if (!has_section(part, "categories"))
		text_puts(out, "categories: [/feeds]\n");
	text_puts(out, part);
}

/* A part of a configuration, or a rule, with what it refers to. */
static void
example_text(const char *how, const char *example, struct text *t)
{
	if (strcmp(how, "yaml: whole") == 0)
		text_puts(t, example);
	else
		complete(example, t);
	if (strcmp(how, "yaml: rule") == 0)
		text_puts(t, "\n  - {name: last, action: decrypt}\n");
}

static void
check_example(const char *how, const char *example)
{
	char name[] = "l";
	struct conf_named_list list = { name, name };
	struct problems problems = { 0 };
	struct text t = { 0 };

	if (strcmp(how, "list:") == 0) {
		listfile_parse(&list, example, strlen(example), &problems, 1);
		ck_assert_uint_eq(problems.n, 0);
		ck_assert_uint_gt(list.nnames + list.naddresses, 0);
		text_free(&list.names);
		free(list.addresses);
		return;
	}
	example_text(how, example, &t);
	conf_unref(good(t.s));
	text_free(&t);
}

/* The literal block after a marker at p; its text, and the end in *end. */
static char *
block(char *p, char **end)
{
	char *start = strstr(p, ".Bd -literal");

	ck_assert_ptr_nonnull(start);
	start = strchr(start, '\n') + 1;
	*end = strstr(start, "\n.Ed");
	ck_assert_ptr_nonnull(*end);
	return xstrndup(start, (size_t)(*end - start) + 1);
}

TEST(examples_of_the_page_load)
{
	static const char *const hows[] = { "yaml: whole", "yaml: part",
	    "yaml: rule", "list:" };
	char *page = slurp(PAGE), *p, *example, marker[64];
	size_t i, n, all = 0, blocks = 0;

	for (i = 0; i < NELEM(hows); i++) {
		snprintf(marker, sizeof(marker), "\n.\\\" %s\n", hows[i]);
		n = 0;
		for (p = page; (p = strstr(p, marker)) != NULL; n++) {
			example = block(p, &p);
			check_example(hows[i], example);
			free(example);
		}
		ck_assert_uint_gt(n, 0);
		all += n;
	}
	for (p = page; (p = strstr(p, "\n.Bd -literal")) != NULL; p++)
		blocks++;
	ck_assert_uint_eq(all, blocks);		/* none without a marker */
	free(page);
}
END

/* Each error has file, line and column; or there is none. */
static void
loads_or_says_where(const char *yaml)
{
	struct text errors = { 0 };
	char *p, *save;
	struct conf *c;
	regex_t where;
	int rv;

	ck_assert_int_eq(regcomp(&where, "^[^\"]*:[0-9]+:[0-9]+: ",
	    REG_EXTENDED | REG_NOSUB), 0);
	rv = conf_parse_in(&sample_world, "c", yaml, strlen(yaml), &c,
	    &errors);
	ck_assert_int_eq(rv != 0, errors.len > 0);
	for (p = rv != 0 ? strtok_r(errors.s, "\n", &save) : NULL; p != NULL;
	    p = strtok_r(NULL, "\n", &save))
		if (regexec(&where, p, 0, NULL, 0) != 0)
			ck_abort_msg("%s\n%s", p, yaml);
	regfree(&where);
	conf_unref(rv == 0 ? c : NULL);
	text_free(&errors);
}

/* With something else in place of each value behind from, and of each part of a
 * list. */
static void
spoil(const char *yaml, const char *from)
{
	static const char *const wrong[] = { "\"\"", "x y", "[[1]]", "{a: b}",
	    "[]" };
	const char *p, *end;
	struct text t = { 0 };
	size_t i;

	for (p = from; (p = strpbrk(p, ":-[,")) != NULL;) {
		p++;
		if (p[-1] != '[' && *p != ' ')
			continue;
		p += strspn(p, " ");
		end = *p == '[' || *p == '{' || *p == '"' ? p + strcspn(p,
		    "\n") : p + strcspn(p, ",]}\n");
		for (i = 0; i < NELEM(wrong); i++) {
			text_clear(&t);
			text_printf(&t, "%.*s%s%s", (int)(p - yaml), yaml,
			    wrong[i], end);
			loads_or_says_where(t.s);
		}
	}
	text_free(&t);
}

TEST(a_wrong_value_in_an_example_is_an_error_at_its_place)
{
	static const char *const hows[] = { "yaml: whole", "yaml: part",
	    "yaml: rule" };
	char *page = slurp(PAGE), *p, *example, marker[64];
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < NELEM(hows); i++) {
		snprintf(marker, sizeof(marker), "\n.\\\" %s\n", hows[i]);
		for (p = page; (p = strstr(p, marker)) != NULL;) {
			example = block(p, &p);
			text_clear(&t);
			example_text(hows[i], example, &t);
			spoil(t.s, strstr(t.s, example));
			free(example);
		}
	}
	text_free(&t);
	free(page);
}
END

/* The indented block at p, without its indentation; and the end in *end. */
static char *
indented(const char *p, const char **end)
{
	struct text t = { 0 };
	size_t n;

	for (; strncmp(p, "    ", 4) == 0 || *p == '\n'; p += n) {
		n = strcspn(p, "\n") + 1;
		if (n > 1)
			text_add(&t, p + 4, n - 4);
	}
	*end = p;
	return text_take(&t);
}

TEST(examples_for_who_migrates_load)
{
	static const char marker[] = "\n<!-- yaml -->\n\n";
	char *page = slurp("docs/migrating.md"), *example;
	const char *p = page;
	size_t n = 0;

	for (; (p = strstr(p, marker)) != NULL; n++) {
		example = indented(p + strlen(marker), &p);
		conf_unref(good(example));
		free(example);
	}
	ck_assert_uint_eq(n, 4);
	free(page);
}
END

/* All that is in literal blocks. */
static char *
examples(char *page)
{
	struct text t = { 0 };
	char *p = page, *example;

	while ((p = strstr(p, "\n.Bd -literal")) != NULL) {
		example = block(p, &p);
		text_puts(&t, example);
		free(example);
	}
	return text_take(&t);
}

/* As a key, not as the end of another word. */
static int
in_example(const char *text, const char *name)
{
	char key[80];
	const char *p = text;

	snprintf(key, sizeof(key), "%s:", name);
	for (; (p = strstr(p, key)) != NULL; p++)
		if (p == text || strchr(" {\n", p[-1]) != NULL)
			return 1;
	return 0;
}

/* Each key of the map and of the maps in it has its item on the page, and is
 * in an example. */
static void
keys_on_page(const char *page, const char *shown, const struct map *m)
{
	const struct listof *of;
	const struct key *k;
	char item[80];

	for (k = m->keys; k->name != NULL; k++) {
		of = k->type == &type_list ? k->arg : NULL;
		if (of != NULL && of->item.type == &type_map)
			keys_on_page(page, shown, of->item.arg);
		else if (k->type == &type_map)
			keys_on_page(page, shown, k->arg);
		if (m == &map_conf)	/* sections have titles */
			snprintf(item, sizeof(item), ".Cm %s", k->name);
		else
			snprintf(item, sizeof(item), ".It Cm %s :", k->name);
		if (k->type == &type_later || m == &map_conf)
			snprintf(item, sizeof(item), "%s", k->name);
		if (strstr(page, item) == NULL)
			ck_abort_msg("\"%s\" is not in " PAGE, item);
		if (k->type != &type_later && !in_example(shown, k->name))
			ck_abort_msg("\"%s:\" is in no example of " PAGE,
			    k->name);
	}
}

TEST(every_key_is_on_the_page)
{
	char *page = slurp(PAGE), *shown = examples(page);

	keys_on_page(page, shown, &map_conf);
	keys_on_page(page, shown, &map_icap_url);
	free(shown);
	free(page);
}
END

TEST(the_example_configuration_loads)
{
	char *yaml = slurp("etc/clearspan.yaml");
	char *list = slurp("etc/lists/banks.txt");

	sample_list = list;
	conf_unref(good(yaml));
	free(yaml);
	free(list);
}
END

TEST(the_example_of_three_tiers_loads)
{
	char *yaml = slurp("etc/three-tiers.yaml");

	conf_unref(good(yaml));
	free(yaml);
}
END

/* Without its comment signs it says every key. */
TEST(the_example_configuration_loads_uncommented)
{
	char *yaml = slurp("etc/clearspan.yaml"), *p;
	struct text t = { 0 };
	size_t n;

	for (p = yaml; *p != '\0'; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		if (p[0] == '#' && p[1] != ' ')
			text_add(&t, p + 1, n - 1);
		else if (p[0] == '#' && strncmp(p, "#  ", 3) == 0)
			text_add(&t, p + 1, n - 1);
		else
			text_add(&t, p, n);
		text_puts(&t, "\n");
	}
	conf_unref(good(t.s));
	free(yaml);
	text_free(&t);
}
END

SUITE("manpage", examples_of_the_page_load,
    a_wrong_value_in_an_example_is_an_error_at_its_place,
    examples_for_who_migrates_load, every_key_is_on_the_page,
    the_example_configuration_loads,
    the_example_of_three_tiers_loads,
    the_example_configuration_loads_uncommented)
