/* SPDX-License-Identifier: MIT */
/* A string as JSON has it (RFC 8259).  Layer 1. */
#ifndef POSTERN_JSON_TEXT_H
#define POSTERN_JSON_TEXT_H

#include <stdio.h>

#include "str.h"

/* Writes it in quotes. Malformed UTF-8 becomes U+FFFD, control characters are escaped. */
void json_text_write(struct span text, FILE *out);

#endif
