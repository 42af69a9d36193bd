/*
 * Any JSON object for a person: members as "name  value" lines, objects in
 * them by dotted names, arrays of objects as tables.
 */
#ifndef MAIN_SHOW_H
#define MAIN_SHOW_H

#include <jansson.h>
#include <stdio.h>

void	show_json(FILE *, const json_t *object);

#endif
