/* SPDX-License-Identifier: MIT */
#include "policyctl/explain/answer.h"

#include <stdio.h>
#include <string.h>

#include "policyctl/table.h"

enum { LABEL_WIDTH = 14 };

static const char *mode_of(const struct finding *f)
{
    return *f->mode_row ? mode_name(f->mode) : NULL;
}

/* A check may have lowered its mode, as helo_local does by suffix. */
static void print_mode(const struct finding *f)
{
    char text[ROW_TEXT_MAX + 32];
    const char *name = mode_name(f->mode);
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    if (strncmp(f->mode_row, name, strlen(name)) != 0)
        strbuf_addf(&b, "%s only; ", name);
    strbuf_adds(&b, f->mode_row);
    table_line("  mode", LABEL_WIDTH, text);
}

static const char *verdict_text(const struct finding *f)
{
    bool off = *f->mode_row && f->mode == MODE_OFF;

    if (f->verdict == VERDICT_NONE)
        return off ? "off" : "does not apply";
    if (f->verdict == VERDICT_REFUSE)
        return f->mode == MODE_ENFORCE ? "refuses" : "would refuse";
    return f->verdict == VERDICT_PASS ? "passes" : "cannot decide";
}

static void print_finding(enum check_id id, const struct finding *f)
{
    printf("\n%-*s  %s\n", LABEL_WIDTH, check_infos[id].name, verdict_text(f));
    if (*f->mode_row)
        print_mode(f);
    if (f->verdict == VERDICT_REFUSE) {
        table_line("  cause", LABEL_WIDTH, f->cause);
        table_line("  reply", LABEL_WIDTH, f->reply);
    }
    if (f->verdict == VERDICT_TRY_AGAIN)
        table_line("  why", LABEL_WIDTH, "what it has to know could not be had now");
    else if (*f->row)
        table_line("  why", LABEL_WIDTH, f->row);
}

void answer_print(const struct decision *d)
{
    table_line("reply", LABEL_WIDTH, d->action);
    table_line("decided by", LABEL_WIDTH, d->decided_by < 0 ? "no check" : check_infos[d->decided_by].name);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        print_finding((enum check_id)id, &d->finding[id]);
}

static void json_finding(struct json *j, enum check_id id, const struct finding *f)
{
    bool refused = f->verdict == VERDICT_REFUSE;

    json_open(j, NULL, '{');
    json_text(j, "check", check_infos[id].name);
    json_text(j, "verdict", verdict_name(f->verdict));
    json_text(j, "mode", mode_of(f));
    json_text(j, "mode_row", *f->mode_row ? f->mode_row : NULL);
    json_text(j, "cause", refused ? f->cause : NULL);
    json_text(j, "subject", refused ? f->subject : NULL);
    json_text(j, "reply", refused ? f->reply : NULL);
    json_text(j, "row", *f->row ? f->row : NULL);
    json_close(j, '}');
}

void answer_json(const struct decision *d, struct json *j, const char *key)
{
    json_open(j, key, '{');
    json_text(j, "reply", d->action);
    json_text(j, "decided_by", d->decided_by < 0 ? NULL : check_infos[d->decided_by].name);
    json_flag(j, "degraded", d->degraded);
    json_open(j, "checks", '[');
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        json_finding(j, (enum check_id)id, &d->finding[id]);
    json_close(j, ']');
    json_close(j, '}');
}
