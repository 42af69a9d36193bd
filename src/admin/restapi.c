/*
 * The routes of REST that programs use.
 */
#include "admin/contained.h"
#include "admin/rest.h"

#define ANYBODY	(ROLE_SENSOR | ROLE_VIEWER | ROLE_OPERATOR)
#define LOOKS	(ROLE_VIEWER | ROLE_OPERATOR)
#define DOES	ROLE_OPERATOR

static void
get_status(struct rest_request *r)
{
	rest_json(r, 200, admin_status(r->env));
}

const struct rest_route rest_api[] = {
	{ "GET", "/v1/status", LOOKS, get_status },
	{ NULL }
};
