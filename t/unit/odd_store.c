/* SPDX-License-Identifier: MIT */
#include "t/unit/odd_store.h"

#include <string.h>

static enum result odd_query(struct store *s, enum query q, const char *const *params, size_t count,
                             store_row_fn *fn, void *context)
{
    struct odd_store *odd = (struct odd_store *)s;

    odd->asked++;
    if (odd->fail_at > 0 && (odd->fail_on ? odd->asked >= odd->fail_at : odd->asked == odd->fail_at))
        return TRY_AGAIN;
    if (!odd->text || q != odd->query)
        return store_query(odd->behind, q, params, count, fn, context);
    for (const char *const *text = odd->text; *text; text += odd->columns) {
        struct row row = { .count = odd->columns };
        memcpy(row.column, text, odd->columns * sizeof *text);
        if (!fn(&row, context))
            break;
    }
    return odd->text[0] ? OK : NOT_FOUND;
}

static enum result odd_begin(struct store *s)
{
    return store_begin(((struct odd_store *)s)->behind);
}

static void odd_end(struct store *s)
{
    store_end(((struct odd_store *)s)->behind);
}

void odd_store_init(struct odd_store *odd, struct store *behind)
{
    static const struct store_ops ops = {
        .name = "odd", .query = odd_query, .begin = odd_begin, .end = odd_end
    };

    *odd = (struct odd_store){ .head.ops = &ops, .behind = behind };
}
