/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once.  Layer 9. */
#ifndef POSTERN_ARENA_H
#define POSTERN_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_open(void); /* NULL: no memory, likewise below */
void arena_close(struct arena **);

void *arena_get(struct arena *, size_t size); /* zeroed, aligned for anything */
const char *arena_text(struct arena *, const char *text); /* a copy; NULL is "", which needs no memory */

#endif
