/* SPDX-License-Identifier: MIT */
/* A world (world.h) for libcheck: what fails to be set up fails the test. */
#ifndef POSTERN_T_CHECKED_WORLD_H
#define POSTERN_T_CHECKED_WORLD_H

#include "t/unit/world.h"

extern struct world world;

void checked_world_open(void); /* for tcase_add_checked_fixture */
void checked_world_close(void);

void change(const char *line);
void changes(const char *const *lines); /* up to a NULL */
void configure(const char *text);
void dns(const char *line);

struct address address_of(const char *text);

#endif
