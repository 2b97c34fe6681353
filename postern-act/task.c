/* SPDX-License-Identifier: MIT */
#include "postern-act/task.h"

#include <stdlib.h>
#include <string.h>

#include "lib/str.h"

static char *json_line(const char *const *column)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    event_json(column, f);
    return fclose(f) == 0 ? text : NULL;
}

static int64_t number(const char *text)
{
    uint64_t value = 0;

    return str_number(span_of(text), 0, INT64_MAX, &value) == OK ? (int64_t)value : 0;
}

static void copy_columns(struct task *t, const char *const *column)
{
    char *end = t->text;

    for (unsigned i = 0; i < EVENT_COLUMNS; i++) {
        size_t size = column[i] ? strlen(column[i]) + 1 : 1;
        t->column[i] = memcpy(end, column[i] ? column[i] : "", size);
        end += size;
    }
}

struct task *task_make(const char *const column[static EVENT_COLUMNS])
{
    enum event_kind kind;
    size_t size = EVENT_COLUMNS;
    struct task *t;
    const char *at;

    if (event_kind_parse(column[EVENT_KIND], &kind) != OK)
        return NULL;
    for (unsigned i = 0; i < EVENT_COLUMNS; i++)
        size += column[i] ? strlen(column[i]) : 0;
    t = calloc(1, sizeof *t + size);
    if (!t)
        return NULL;
    copy_columns(t, column);
    t->id = number(t->column[EVENT_ID]);
    t->time = number(t->column[EVENT_TIME]);
    t->kind = kind;
    at = strrchr(t->column[EVENT_ACCOUNT], '@');
    t->json = json_line(column);
    if (!t->json || str_copy(span_of(at ? at + 1 : ""), t->domain, sizeof t->domain) != OK) {
        task_free(t);
        return NULL;
    }
    return t;
}

void task_free(struct task *t)
{
    free(t->json);
    free(t);
}

const char *step_name(enum step_id id, char name_r[static STEP_TEXT_MAX])
{
    static const char *const names[] = {
        [STEP_KICK] = "kick", [STEP_QUEUE] = "queue", [STEP_NOTICE] = "notice"
    };
    struct strbuf b;

    strbuf_init(&b, name_r, STEP_TEXT_MAX);
    if (id < STEP_COMMAND)
        strbuf_adds(&b, names[id]);
    else
        strbuf_addf(&b, "command%u", (unsigned)(id - STEP_COMMAND));
    return name_r;
}

bool task_is_done(const struct task *t)
{
    for (unsigned i = 0; i < STEPS; i++)
        if (t->step[i].state != STEP_FINISHED)
            return false;
    return true;
}
