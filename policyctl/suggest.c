/* SPDX-License-Identifier: MIT */
#include "policyctl/suggest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t d[SUGGEST_LENGTH_MAX + 1][SUGGEST_LENGTH_MAX + 1];
    size_t m = strlen(a), n = strlen(b);

    if (m > SUGGEST_LENGTH_MAX || n > SUGGEST_LENGTH_MAX)
        return SUGGEST_LENGTH_MAX;
    for (size_t i = 0; i <= m; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= n; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++) {
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

bool suggest_is_near(const char *a, const char *b)
{
    return suggest_distance(a, b) <= (strlen(b) + 2) / 3;
}
