/* SPDX-License-Identifier: MIT */
/*
 * What is written around a mailbox name: the extension (user+extension), BATV and
 * SRS.  Contract in address.h.  Layer 1.
 *
 * All of it works on the unquoted local part, as the programs do that add it;
 * canonical local parts are lower-case, so are the names here.
 */
#include "address.h"

#include <string.h>

enum { LAYERS_MAX = 8 };

static bool starts(struct span text, struct span prefix)
{
    return text.len >= prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

static struct span tail(struct span text, size_t from)
{
    return (struct span){ text.ptr + from, text.len - from };
}

/* Postfix never splits these, whatever the delimiters. */
static bool is_whole(struct span local, const char *delimiters)
{
    static const char *const reserved[] = { "postmaster", "mailer-daemon", "double-bounce" };
    struct span owner = SPAN("owner-"), request = SPAN("-request");

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (span_equal(local, span_of(reserved[i])))
            return true;
    if (!strchr(delimiters, '-'))
        return false;
    return starts(local, owner) || (local.len > request.len && span_ends_case(local, request));
}

enum result address_strip_extension(const struct address *a, const char *delimiters,
                                    struct address *address_r)
{
    char buffer[LOCAL_MAX + 1];
    struct span local = address_local_unquoted(a, buffer);
    size_t len = 0;

    while (len < local.len && !strchr(delimiters, local.ptr[len]))
        len++;
    if (len == 0 || len == local.len || is_whole(local, delimiters))
        return NOT_FOUND;
    return address_join((struct span){ local.ptr, len }, address_domain(a), address_r);
}

/* Takes what stands before `separator` off the front of rest, and the separator:
 * only if that leaves neither empty. */
static bool take(struct span *rest, struct span separator, struct span *token_r)
{
    for (size_t i = 1; i + separator.len < rest->len; i++)
        if (starts(tail(*rest, i), separator)) {
            *token_r = (struct span){ rest->ptr, i };
            *rest = tail(*rest, i + separator.len);
            return true;
        }
    return false;
}

static bool all_among(struct span text, const char *octets)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(octets, text.ptr[i]))
            return false;
    return true;
}

/* The form of the draft's first versions: local/KDDDSSSSSS (key, day, signature). */
static bool unwrap_old_prvs(struct span *local)
{
    const size_t days = 4, signature = 6, end = 1 + days + signature;
    size_t slash;

    if (local->len <= end)
        return false;
    slash = local->len - end;
    if (local->ptr[slash] != '/' || !all_among((struct span){ local->ptr + slash + 1, days }, "0123456789") ||
        !all_among(tail(*local, slash + 1 + days), "0123456789abcdef"))
        return false;
    local->len = slash;
    return true;
}

static bool unwrap_batv(struct span *local)
{
    static const struct {
        struct span prefix, separator;
    } schemes[] = {
        { { "prvs=", 5 }, { "=", 1 } },
        { { "msprvs1=", 8 }, { "=", 1 } },
        { { "btv1==", 6 }, { "==", 2 } },
    };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct span rest, tag;

        if (!starts(*local, schemes[i].prefix))
            continue;
        rest = tail(*local, schemes[i].prefix.len);
        if (take(&rest, schemes[i].separator, &tag) || (i == 0 && unwrap_old_prvs(&rest))) {
            *local = rest;
            return true;
        }
    }
    return false;
}

static bool take_separator(struct span *rest)
{
    if (rest->len == 0 || !all_among((struct span){ rest->ptr, 1 }, "=+-"))
        return false;
    *rest = tail(*rest, 1);
    return true;
}

static bool unwrap_srs(struct span *local, struct span *domain)
{
    struct span rest, hash, stamp, host, original, equals = SPAN("=");
    bool once = starts(*local, SPAN("srs0")), twice = starts(*local, SPAN("srs1"));

    if (!once && !twice)
        return false;
    rest = tail(*local, 4);
    if (!take_separator(&rest))
        return false;
    if (twice && !(take(&rest, equals, &hash) && take(&rest, equals, &host) && take_separator(&rest)))
        return false;
    if (!take(&rest, equals, &hash) || !take(&rest, equals, &stamp) || !take(&rest, equals, &original) ||
        memchr(original.ptr, '@', original.len))
        return false;
    *local = rest;
    *domain = original;
    return true;
}

enum result address_unwrap(const struct address *a, struct address *address_r)
{
    char buffer[LOCAL_MAX + 1];
    struct span local = address_local_unquoted(a, buffer), domain = address_domain(a);
    int layers = 0;

    while (layers < LAYERS_MAX && (unwrap_batv(&local) || unwrap_srs(&local, &domain)))
        layers++;
    if (layers == 0)
        return NOT_FOUND;
    return address_join(local, domain, address_r);
}
