/*
 * Are our records libssl's? Asked once, at start.
 */
#ifndef TLS_TAKESELF_H
#define TLS_TAKESELF_H

int	takeself_test(void);	/* 1: they are */

#endif
