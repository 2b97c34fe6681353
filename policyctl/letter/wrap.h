/* SPDX-License-Identifier: MIT */
/* Text as a message holds it (RFC 5322, RFC 2047).  Layer 9. */
#ifndef POSTERN_WRAP_H
#define POSTERN_WRAP_H

#include <stdio.h>

/* Each line of UTF-8 text in lines of at most `width` characters where words allow; one
 * that begins with a space stays as it is. The last ends with '\n' too. */
void wrap_print(const char *text, unsigned width, FILE *out);

/* The value of an unstructured header field, folded; with anything but ASCII as encoded
 * words. Line ends become spaces. */
void wrap_header(const char *text, FILE *out);

#endif
