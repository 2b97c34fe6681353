/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share. */
#ifndef POSTERN_T_FUZZ_H
#define POSTERN_T_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void need(bool holds)
{
    if (!holds)
        abort();
}

#endif
