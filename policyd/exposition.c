/* SPDX-License-Identifier: MIT */
#include "policyd/exposition.h"

#include <stdio.h>
#include <string.h>

enum { LABELS_MAX = 4, BOUND_MAX = 32 };

static const char *const type_names[] = { "counter", "gauge", "histogram" };

void exposition_head(struct evbuffer *out, const struct family *f)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, type_names[f->type]);
}

static void add_escaped(struct evbuffer *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '\\':
        case '"':
            evbuffer_add_printf(out, "\\%c", *text);
            break;
        case '\n':
            evbuffer_add(out, "\\n", 2);
            break;
        default:
            evbuffer_add(out, text, 1);
        }
}

static void add_sample(struct evbuffer *out, const char *name, const char *suffix, const struct label *label,
                       size_t labels, double value)
{
    evbuffer_add_printf(out, "%s%s", name, suffix);
    for (size_t i = 0; i < labels; i++) {
        evbuffer_add_printf(out, "%s%s=\"", i == 0 ? "{" : ",", label[i].name);
        add_escaped(out, label[i].value);
        evbuffer_add(out, "\"", 1);
    }
    evbuffer_add_printf(out, "%s %.15g\n", labels > 0 ? "}" : "", value);
}

void exposition_sample(struct evbuffer *out, const struct family *f, const struct label *label, size_t labels,
                       double value)
{
    add_sample(out, f->name, "", label, labels, value);
}

void exposition_histogram(struct evbuffer *out, const struct family *f, const struct label *label,
                          size_t labels, const struct histogram *h, histogram_bounds bounds, double scale)
{
    struct label all[LABELS_MAX + 1];
    char bound[BOUND_MAX];
    uint64_t below = 0;

    if (labels > LABELS_MAX)
        return;
    if (labels > 0)
        memcpy(all, label, labels * sizeof *label);
    all[labels] = (struct label){ "le", bound };
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->bucket[i];
        snprintf(bound, sizeof bound, "%g", (double)bounds[i] / scale);
        add_sample(out, f->name, "_bucket", all, labels + 1, (double)below);
    }
    snprintf(bound, sizeof bound, "+Inf");
    add_sample(out, f->name, "_bucket", all, labels + 1, (double)h->count);
    add_sample(out, f->name, "_sum", label, labels, (double)h->sum / scale);
    add_sample(out, f->name, "_count", label, labels, (double)h->count);
}

void exposition_single(struct evbuffer *out, const struct family *f, double value)
{
    exposition_head(out, f);
    exposition_sample(out, f, NULL, 0, value);
}
