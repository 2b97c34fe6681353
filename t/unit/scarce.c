/* SPDX-License-Identifier: MIT */
#include "t/unit/scarce.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static unsigned left;
static bool for_good, failed, paused;

bool scarce_fails(void)
{
    if (paused || left == 0 || --left > 0)
        return false;
    failed = true;
    left = for_good ? 1 : 0;
    return true;
}

void scarce_begin(unsigned number, bool all)
{
    left = number;
    for_good = all;
    failed = false;
}

void scarce_pause(void)
{
    paused = true;
}

void scarce_go_on(void)
{
    paused = false;
}

bool scarce_end(void)
{
    left = 0;
    return failed;
}

/* ---- the code under test: the linker puts these in the place of each call ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return scarce_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return scarce_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return scarce_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = scarce_fails() ? NULL : __real_malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

/* ---- SQLite ---- */

static sqlite3_mem_methods real;

static void *sqlite_malloc(int size)
{
    return scarce_fails() ? NULL : real.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return scarce_fails() ? NULL : real.xRealloc(old, size);
}

void scarce_sqlite(void)
{
    sqlite3_mem_methods mine;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    mine = real;
    mine.xMalloc = sqlite_malloc;
    mine.xRealloc = sqlite_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &mine);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* every allocation is one that can fail */
}
