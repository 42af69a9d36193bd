/*
 * What both ends of an attempt agree on. The calls are in chain/through.h.
 */
#ifndef CHAIN_THROUGH_SERVER_H
#define CHAIN_THROUGH_SERVER_H

#define THROUGH_ECHO	64	/* bytes that are sent back */

#endif
