/* SPDX-License-Identifier: MIT */
/*
 * What a function answers, and the line of text that goes with a failure.
 * "Not found" and "could not ask" never share a value.  Layer 1.
 */
#ifndef POSTERN_RESULT_H
#define POSTERN_RESULT_H

/* <netdb.h>, which libevent's headers bring in, has a macro of this name. */
#include <netdb.h>
#undef TRY_AGAIN

#define MUST_CHECK          __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Around one function that keeps memory where gcc's analyzer (12) does not see it: after a
 * write through some other pointer it has forgotten who holds it, and calls it leaked. The
 * comment there says who does; that nothing leaks is shown by the tests with LSan and Valgrind
 * (contrib/sanitizers). */
#if defined __GNUC__ && !defined __clang__
#define KEPT_BEGIN                                                                                           \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wanalyzer-malloc-leak\"")
#define KEPT_END _Pragma("GCC diagnostic pop")
#else
#define KEPT_BEGIN
#define KEPT_END
#endif

enum result {
    OK,
    NOT_FOUND, /* asked, and there is none */
    LIMIT,     /* a bound was reached: too long, too many */
    PENDING,   /* asked, the answer is on its way */
    TRY_AGAIN, /* could not ask now; the same question may succeed later */
    BAD        /* the input is wrong and will stay so */
};
enum { RESULT_COUNT = BAD + 1 };

/* One line for a person: what, where, and the remedy.  Empty: no error. */
struct error {
    char text[512];
};

/* Sets e->text (cut to fit, control characters shown as '?') and returns r, so
 * that a failing function can end in `return error_set(e, BAD, ...)`. e may be
 * NULL. */
enum result error_set(struct error *e, enum result r, const char *format, ...) PRINTF(3, 4);

/* "OK", "NOT_FOUND", ...: for logs and tests. */
const char *result_name(enum result r);

#endif
