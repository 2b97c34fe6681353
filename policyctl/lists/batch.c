/* SPDX-License-Identifier: MIT */
#include "policyctl/lists/batch.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/change_text.h"
#include "policyctl/arena.h"
#include "policyctl/change.h"
#include "policyctl/date.h"

enum { WORDS_MAX = 1600 };

/* An entry in canonical form; texts are the arena's, "" for what is not named. */
struct list_item {
    const char *text[LIST_PARTS], *shape, *until, *note;
    unsigned long line;
    bool allow;
    bool is_new, differs;
};

enum result batch_open(struct batch *b, const struct ctl *ctl, const char *path)
{
    *b = (struct batch){ .action = NULL };
    if (import_open(&b->im, ctl, path) != OK)
        return TRY_AGAIN;
    b->arena = arena_open();
    if (b->arena)
        return OK;
    batch_close(b);
    return error_set(&b->im.error, TRY_AGAIN, "out of memory");
}

void batch_close(struct batch *b)
{
    free(b->item);
    b->item = NULL;
    arena_close(&b->arena);
    import_close(&b->im);
}

void batch_leave_out(struct batch *b, const char *format, ...)
{
    char text[256], clean[512];
    struct strbuf out;
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    strbuf_init(&out, clean, sizeof clean);
    strbuf_add_clean(&out, span_of(text));
    fprintf(stderr, "policyctl: %s:%lu: left out: %s\n", b->im.path, b->im.line, clean);
    b->left_out++;
}

/* ---- an entry ---- */

static struct change change_of(const struct list_item *i, enum change_kind kind)
{
    return (struct change){ .kind = kind,
                            .field = { [FIELD_ACTION] = i->allow ? "allow" : "deny",
                                       [FIELD_CLIENT] = i->text[LIST_CLIENT],
                                       [FIELD_CLIENT_NAME] = i->text[LIST_CLIENT_NAME],
                                       [FIELD_HELO] = i->text[LIST_HELO],
                                       [FIELD_SENDER] = i->text[LIST_SENDER],
                                       [FIELD_LIST_RECIPIENT] = i->text[LIST_RECIPIENT],
                                       [FIELD_SCOPE] = i->text[LIST_SCOPE],
                                       [FIELD_UNTIL] = i->until,
                                       [FIELD_NOTE] = i->note } };
}

static struct list_item *next_item(struct batch *b)
{
    if (b->count == b->room) {
        size_t room = b->room ? b->room * 2 : 1024;
        struct list_item *more = realloc(b->item, room * sizeof *more);
        if (!more)
            return NULL;
        b->item = more;
        b->room = room;
    }
    b->item[b->count] = (struct list_item){ .line = b->im.line };
    return &b->item[b->count];
}

/* Files say the same over and over: a text that the entry before has too is kept once. */
static const char *shared_text(struct batch *b, const char *text, const char *before)
{
    return before && strcmp(text, before) == 0 ? before : arena_text(b->arena, text);
}

static enum result take_texts(struct batch *b, const struct list_line *line, struct list_item *i)
{
    char text[LIST_TEXT_MAX];
    struct error e;

    for (int part = 0; part < LIST_PARTS; part++) {
        const char *said = line->text[part];
        if (part == LIST_SCOPE && !said && b->im.domain[0])
            said = b->im.domain;
        if (said && list_part_check((enum list_part)part, said, text, &e) != OK)
            return import_error(&b->im, "%s", e.text);
        i->text[part] = said ? arena_text(b->arena, text) : "";
        if (!i->text[part])
            return import_error(&b->im, "out of memory");
    }
    return OK;
}

enum result batch_add(struct batch *b, const struct list_line *line)
{
    const char *until = line->until ? line->until : b->until, *note = line->note ? line->note : b->note;
    char shape_text[LIST_SHAPE_MAX] = "";
    struct list_shape shape;
    struct error e;
    struct list_item *i = next_item(b);
    const struct list_item *before;

    if (!i)
        return import_error(&b->im, "out of memory");
    i->allow = line->allow;
    if (take_texts(b, line, i) != OK)
        return BAD;
    if (list_shape_of(i->text, &shape) == OK) /* else change_validate says why not */
        list_shape_text(&shape, shape_text);
    before = b->count > 0 ? i - 1 : NULL;
    i->shape = shared_text(b, shape_text, before ? before->shape : NULL);
    i->until = shared_text(b, until ? until : "", before ? before->until : NULL);
    i->note = shared_text(b, note ? note : "", before ? before->note : NULL);
    if (!i->shape || !i->until || !i->note)
        return import_error(&b->im, "out of memory");
    struct change change = change_of(i, CHANGE_LIST_ADD);
    if (change_validate(&change, &e) != OK)
        return import_error(&b->im, "%s", e.text);
    b->count++;
    return OK;
}

/* ---- in the order of the table's index, so that writing it goes from one end to the other ---- */

static int compare_parts(const struct list_item *a, const struct list_item *b)
{
    int order = strcmp(a->shape, b->shape);

    for (int part = 0; order == 0 && part < LIST_PARTS; part++)
        order = strcmp(a->text[part], b->text[part]);
    return order;
}

static int compare(const void *x, const void *y)
{
    const struct list_item *a = x, *b = y;
    int order = compare_parts(a, b);

    if (order == 0 && a->allow != b->allow)
        order = a->allow ? -1 : 1;
    return order != 0 ? order : a->line < b->line ? -1 : a->line > b->line;
}

static void words_of(const struct list_item *i, char words_r[static WORDS_MAX])
{
    struct strbuf out;

    strbuf_init(&out, words_r, WORDS_MAX);
    strbuf_adds(&out, i->allow ? "allow " : "deny ");
    list_entry_text(i->text, &out);
}

static enum result contradiction(struct batch *b, const struct list_item *a, const struct list_item *other)
{
    const struct list_item *first = a->line < other->line ? a : other, *second = first == a ? other : a;
    char words[WORDS_MAX];

    words_of(second, words);
    b->im.line = second->line;
    return import_error(&b->im, "%.120s: line %lu says otherwise", words, first->line);
}

/* Those that say the same become one. */
static enum result merge_equals(struct batch *b)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->count; i++) {
        struct list_item *last = kept > 0 ? &b->item[kept - 1] : NULL, *this = &b->item[i];
        if (!last || compare_parts(last, this) != 0) {
            b->item[kept++] = *this;
            continue;
        }
        if (last->allow != this->allow || strcmp(last->until, this->until) != 0 ||
            strcmp(last->note, this->note) != 0)
            return contradiction(b, last, this);
    }
    b->count = kept;
    return OK;
}

/* ---- the table ---- */

struct found {
    const struct list_item *item;
    bool is_there;
    char until[24], note[512];
};

/* id, action, expires, note */
static bool found_fn(const struct row *row, void *context)
{
    struct found *f = context;

    if ((row->column[1][0] == 'a') != f->item->allow)
        return true;
    f->is_there = str_copy(span_of(row->column[2]), f->until, sizeof f->until) == OK &&
                  str_copy(span_of(row->column[3]), f->note, sizeof f->note) == OK;
    return false;
}

static void add_end(struct strbuf *out, const char *until, const char *note)
{
    char date[DATE_TEXT_MAX];

    if (*until) {
        date_text(strtoll(until, NULL, 10), date);
        strbuf_addf(out, "until %s", date);
    }
    strbuf_adds(out, *until && *note ? ", " : !*until && !*note ? "without end" : "");
    strbuf_add_clean(out, span_of(note));
}

static void show(const struct batch *b, const struct list_item *i, const struct found *f)
{
    char words[WORDS_MAX], line[2 * WORDS_MAX];
    struct strbuf out;

    if (!b->im.show || !(i->is_new || i->differs))
        return;
    words_of(i, words);
    strbuf_init(&out, line, sizeof line);
    strbuf_addf(&out, "%c %s", i->is_new ? '+' : '~', words);
    if (i->differs || *i->until || *i->note) {
        strbuf_adds(&out, ": ");
        add_end(&out, i->until, *i->note || i->is_new ? i->note : f->note);
    }
    if (i->differs) {
        strbuf_adds(&out, "; is ");
        add_end(&out, f->until, f->note);
        strbuf_adds(&out, b->im.update ? "" : " (kept)");
    }
    printf("%s\n", line);
}

static enum result compare_item(struct batch *b, struct list_item *i)
{
    const char *const params[] = { i->shape,   i->text[0], i->text[1], i->text[2],
                                   i->text[3], i->text[4], i->text[5] };
    struct found f = { .item = i, .is_there = false };
    enum result r = store_query(b->im.store, QUERY_LISTED, params, sizeof params / sizeof *params, found_fn, &f);

    if (r != OK && r != NOT_FOUND) {
        b->im.line = 0;
        return import_error(&b->im, "%s cannot be read", b->im.ctl->config->accounts_db);
    }
    i->is_new = !f.is_there;
    i->differs = f.is_there && (strcmp(i->until, f.until) != 0 || (*i->note && strcmp(i->note, f.note) != 0));
    b->im.tally[ITEM_LIST].added += i->is_new;
    b->im.tally[ITEM_LIST].differs += i->differs;
    b->im.tally[ITEM_LIST].same += !i->is_new && !i->differs;
    show(b, i, &f);
    return OK;
}

enum result batch_compare(struct batch *b)
{
    enum result r;

    if (b->count > 0)
        qsort(b->item, b->count, sizeof *b->item, compare);
    r = merge_equals(b);
    for (size_t i = 0; r == OK && i < b->count; i++)
        r = compare_item(b, &b->item[i]);
    return r;
}

static bool write_all(const struct batch *b, FILE *out)
{
    for (size_t n = 0; n < b->count; n++) {
        const struct list_item *i = &b->item[n];
        if (!i->is_new && !(i->differs && b->im.update))
            continue;
        struct change change = change_of(i, i->is_new ? CHANGE_LIST_ADD : CHANGE_LIST_SET);
        change_text_write(&change, out);
    }
    return fflush(out) == 0 && !ferror(out);
}

enum status batch_commit(struct batch *b)
{
    int file = memfd_create("lists", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int copy = file >= 0 ? dup(file) : -1; /* no writer may be left when it is sealed */
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    bool written = out && write_all(b, out);
    enum status status;

    store_close(&b->im.store); /* a reader would keep the log from being written back */
    if (out)
        fclose(out);
    else if (copy >= 0)
        close(copy);
    status = written ? change_submit_file(b->im.ctl, file) : fail(STATUS_UNREACHABLE, "out of memory");
    if (file >= 0)
        close(file);
    return status;
}
