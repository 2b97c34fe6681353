/* SPDX-License-Identifier: MIT */
#include "policyd/decision.h"

#include <stdarg.h>
#include <stdio.h>

void finding_row(struct finding *f, const char *format, ...)
{
    va_list args;

    if (!f->explain)
        return;
    va_start(args, format);
    vsnprintf(f->row, sizeof f->row, format, args);
    va_end(args);
}

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {
        [VERDICT_NONE] = "none",       [VERDICT_PASS] = "pass",           [VERDICT_REFUSE] = "refuse",
        [VERDICT_PENDING] = "pending", [VERDICT_TRY_AGAIN] = "try-again",
        [VERDICT_SHED] = "shed",
    };

    return names[v];
}
