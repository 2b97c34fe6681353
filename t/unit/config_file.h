/* SPDX-License-Identifier: MIT */
/*
 * A configuration file for the tests of lib/config: one temporary file that each
 * test writes anew.
 */
#ifndef POSTERN_T_CONFIG_FILE_H
#define POSTERN_T_CONFIG_FILE_H

#include "lib/config.h"

extern char config_file_path[64];

/* Fixtures. */
void config_file_create(void);
void config_file_remove(void);

void config_file_write(const char *text, size_t len);

/* Writes and loads the text; the test fails where it is refused. */
struct config *config_file_load(const char *text);

#endif
