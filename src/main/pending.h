/*
 * Parts that have not landed yet: weak, so that what is there builds. A line
 * goes as its part comes; then this file goes.
 */
#ifndef MAIN_PENDING_H
#define MAIN_PENDING_H

#pragma weak cmd_quickstart
#pragma weak cmd_run
#pragma weak cmd_ctl

#endif
