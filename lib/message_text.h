/* SPDX-License-Identifier: MIT */
/* Text as a message holds it (RFC 5322, RFC 2047).  Layer 1. */
#ifndef POSTERN_MESSAGE_TEXT_H
#define POSTERN_MESSAGE_TEXT_H

#include <stdio.h>

/* Each line of UTF-8 text in lines of at most `width` characters where words allow; one
 * that begins with a space stays as it is. The last ends with '\n' too. */
void message_wrap(const char *text, unsigned width, FILE *out);

/* The value of an unstructured header field, folded; with anything but ASCII as encoded
 * words. Line ends become spaces. */
void message_header(const char *text, FILE *out);

#endif
