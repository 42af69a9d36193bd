/*
 * Show a JSON object to a person: members as lines "name  value", objects in
 * them with dotted names, arrays of objects as tables.
 */
#ifndef MAIN_SHOW_H
#define MAIN_SHOW_H

#include <jansson.h>
#include <stdio.h>

void	show_json(FILE *, const json_t *object);

#endif
