/*
 * The first pass over the YAML text checks its syntax, and bounds what its tree
 * may cost. It walks libyaml's events. A syntax error has libyaml's words, and
 * ours if a common mistake is its likely cause.
 */
#include <string.h>
#include <yaml.h>

#include "conf/problem.h"
#include "util/err.h"

#define DEPTH_MAX	16	/* the schema needs 6 */
#define NODES_MAX	500000	/* 10,000 rules of 50 */

struct scan {
	const char	*path;
	const char	*yaml, *end;
	struct problems	*problems;
	unsigned	 depth, documents;
	size_t		 nodes;
};

static int
scan_problem(struct scan *s, yaml_mark_t at, const char *what)
{
	struct conf_pos pos;

	pos.line = (unsigned)at.line + 1;
	pos.column = (unsigned)at.column + 1;
	problem_add(s->problems, s->path, 0, pos, "%s", what);
	return ERR_FORMAT;
}

/* The byte at a mark. libyaml counts characters, so walk to it. */
static char
byte_at(const struct scan *s, yaml_mark_t at)
{
	const char *p = s->yaml;
	size_t line, column;

	for (line = 0; line < at.line && p < s->end; line++) {
		p = memchr(p, '\n', (size_t)(s->end - p));
		if (p == NULL)
			return '\0';
		p++;
	}
	for (column = 0; p < s->end; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue;
		if (column++ == at.column)
			return *p;
	}
	return '\0';
}

static const char *
hint(const struct scan *s, yaml_mark_t at)
{
	switch (byte_at(s, at)) {
	case '\t':
		return "; a tab cannot indent, use spaces";
	case '@':
		return "; put what starts with \"@\" in quotes: \"@list\"";
	case '%':
		return "; put what starts with \"%\" in quotes";
	case '`':
		return "; a backquote has no meaning here, use \" quotes";
	default:
		return "";
	}
}

/* The bytes are not text. libyaml gives only their offset. */
static int
scan_bytes(struct scan *s, const yaml_parser_t *p)
{
	yaml_mark_t at = { 0 };
	const char *c = s->yaml;
	size_t i;

	for (i = 0; i < p->problem_offset && c + i < s->end; i++) {
		if (c[i] == '\n') {
			at.line++;
			at.column = 0;
		} else if (((unsigned char)c[i] & 0xc0) != 0x80)
			at.column++;
	}
	return scan_problem(s, at, "not UTF-8 text, or a control character; "
	    "write the file in UTF-8");
}

static int
scan_syntax(struct scan *s, const yaml_parser_t *p)
{
	struct text t = { 0 };
	yaml_mark_t at = p->problem_mark;

	if (p->error == YAML_READER_ERROR)
		return scan_bytes(s, p);
	text_printf(&t, "YAML: %s%s%s",
	    p->context != NULL ? p->context : "",
	    p->context != NULL ? ": " : "",
	    p->problem != NULL ? p->problem : "malformed");
	if (p->context != NULL && strstr(p->context, "alias") != NULL) {
		at = p->context_mark;
		text_puts(&t, "; put what starts with \"*\" in quotes: "
		    "\"*.example.com\"");
	} else
		text_puts(&t, hint(s, at));
	scan_problem(s, at, t.s);
	text_free(&t);
	return ERR_FORMAT;
}

/* Refuse the parts of YAML that we do not support. */
static int
scan_event(struct scan *s, const yaml_event_t *e)
{
	const void *anchor = NULL, *tag = NULL;

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (s->documents++ > 0)
			return scan_problem(s, e->start_mark, "a second YAML "
			    "document; write all in one, without \"---\"");
		return 0;
	case YAML_ALIAS_EVENT:
		return scan_problem(s, e->start_mark, "aliases are not "
		    "supported; write the value out, and put a name that "
		    "starts with \"*\" in quotes");
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		s->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		s->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		s->depth--;
		return 0;
	default:
		return 0;
	}
	if (anchor != NULL)
		return scan_problem(s, e->start_mark, "anchors (\"&\") are "
		    "not supported; take it out, or put the value in quotes");
	if (tag != NULL)
		return scan_problem(s, e->start_mark, "tags (\"!\") are not "
		    "supported; take it out, or put the value in quotes");
	if (s->depth > DEPTH_MAX)
		return scan_problem(s, e->start_mark, "nested too deep; no "
		    "key needs that");
	if (++s->nodes > NODES_MAX)
		return scan_problem(s, e->start_mark, "too many values; move "
		    "long lists to files under \"lists\"");
	return 0;
}

int
scan_yaml(const char *path, const char *yaml, size_t len,
    struct problems *problems)
{
	struct scan s = { path, yaml, yaml + len, problems, 0, 0, 0 };
	yaml_parser_t parser;
	yaml_event_t event;
	int r = 0, end = 0;

	if (!yaml_parser_initialize(&parser))
		return ERR_MEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml,
	    len);
	while (r == 0 && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			r = scan_syntax(&s, &parser);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		r = scan_event(&s, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return r;
}
