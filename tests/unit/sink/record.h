/*
 * A session's record for tests of the event log, and what they read of it.
 */
#ifndef RECORD_H
#define RECORD_H

#include <jansson.h>
#include <string.h>

#include "proxy/record.h"
#include "util/mem.h"

static struct conf_rule rule = { .name = (char *)"default" };

static struct facts facts;
static struct verdict verdict;

static inline void
record_fill(struct record *r)
{
	struct facts *f = &facts;

	memset(r, 0, sizeof(*r));
	memset(f, 0, sizeof(*f));
	r->facts = f;
	r->verdict = &verdict;
	r->id = 7;
	r->start = (struct timespec){ 1795417190, 0 };
	r->end = (struct timespec){ 1795417199, 500000000 };
	f->listener = "proxy";
	f->mode = CONF_EXPLICIT;
	addr_parse(&f->client, "128.232.110.120:34855");
	addr_parse(&f->server, "66.35.250.204:80");
	f->sni = "example.com";
	strcpy(f->ja3, "0149f47eabf9a20d0893e2a44e5a6323");
	f->protocol = PROTO_TLS;
	f->tls_client.version = "TLSv1.3";
	f->tls_client.cipher = "TLS_AES_128_GCM_SHA256";
	verdict.rule = &rule;
	r->forged = 1;
	r->bytes[0] = 10;
	r->bytes[1] = 5000000000u;
	r->state = "closed";
	strcpy(r->reason, "client closed");
	r->mirrors[0] = (struct record_mirror){ "live",
	    { 3, 4, 5 } };
	r->nmirrors = 1;
}

/* The member at a path like "tls.ja3.hash". */
static inline json_t *
at(json_t *o, const char *path)
{
	char *copy = xstrdup(path), *save = NULL, *word;

	for (word = strtok_r(copy, ".", &save); word != NULL;
	    word = strtok_r(NULL, ".", &save))
		o = json_object_get(o, word);
	free(copy);
	return o;
}

#endif
