/*
 * The types of the section `notify`.
 */
#ifndef CONF_NOTIFY_TYPES_H
#define CONF_NOTIFY_TYPES_H

#include "conf/schema.h"

extern const struct type type_syslog_url;	/* struct conf_url */
extern const struct type type_web_url;		/* struct conf_url */
extern const struct type type_radius_server;	/* struct conf_url */
extern const struct type type_secret;		/* struct conf_secret */
extern const struct type type_fill;		/* char *; max: length */
extern const struct type type_headers;		/* struct conf_pairs */
extern const struct type type_attributes;	/* struct conf_pairs */
extern const struct type type_mac_form;		/* char * */
extern const struct type type_nas_address;	/* struct addr */
extern const struct type type_method;		/* char * */

#endif
