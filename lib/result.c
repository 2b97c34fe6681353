/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <stdarg.h>
#include <stdio.h>

enum result error_set(struct error *e, enum result r, const char *format, ...)
{
    va_list args;

    if (!e)
        return r;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    for (char *p = e->text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    return r;
}

const char *result_name(enum result r)
{
    static const char *const names[] = {
        [OK] = "OK",           [NOT_FOUND] = "NOT_FOUND", [LIMIT] = "LIMIT",
        [PENDING] = "PENDING", [TRY_AGAIN] = "TRY_AGAIN", [BAD] = "BAD",
    };

    return names[r];
}
