/* SPDX-License-Identifier: MIT */
/* The message that tells of an event, ready for sendmail(1).  Layer 9. */
#ifndef POSTERN_ACT_NOTICE_H
#define POSTERN_ACT_NOTICE_H

#include "lib/config.h"
#include "postern-act/task.h"
#include "postern-act/template.h"

struct notice {
    const char *from;
    const char *const *to; /* canonical addresses */
    size_t recipients;
    const char *host;
    uint64_t held_back;
    int64_t now; /* seconds since 1970 */
};

/* NULL: out of memory. The caller frees it. */
char *notice_text(const struct notice *, const struct task *, const struct template *);

#endif
