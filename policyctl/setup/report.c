/* SPDX-License-Identifier: MIT */
/* What policyctl setup would do or did, for people and for programs. */
#include <stdio.h>
#include <string.h>

#include "policyctl/host/shell.h"
#include "policyctl/json.h"
#include "policyctl/setup/setup.h"
#include "policyctl/table.h"

enum { INDENT = 5, COMMAND_MAX = 12000, LINES_SHOWN = 30 };

void setup_command(const struct setup *s, const struct setup_change *c, struct strbuf *b)
{
    char assignment[COMMAND_MAX];
    struct strbuf a;
    bool named = false;

    if (c->kind == SETUP_FILE)
        return;
    for (size_t i = 0; i < s->instances; i++)
        named = named || (s->instance[i].directory == c->directory && s->instance[i].named);
    strbuf_init(&a, assignment, sizeof assignment);
    strbuf_addf(&a, "%s=", c->name);
    strbuf_adds(&a, c->value);
    shell_word(b, SPAN("postconf"));
    if (named) {
        shell_word(b, SPAN("-c"));
        shell_word(b, span_of(c->directory));
    }
    shell_word(b, c->kind == SETUP_MAIN ? SPAN("-e") : SPAN("-P"));
    shell_word(b, span_of(assignment));
}

/* ---- text ---- */

/* Each line behind a mark, without control characters. */
static void print_lines(const char *text, const char *mark, enum colour colour)
{
    size_t shown = 0;

    for (const char *p = text, *next; *p; p = next) {
        size_t length = strcspn(p, "\n");
        char line[1024];
        struct strbuf b;
        next = p + length + (p[length] == '\n');
        if (*p == '#')
            continue; /* between the lines that count */
        if (shown++ == LINES_SHOWN) {
            printf("%*s...\n", INDENT, "");
            return;
        }
        strbuf_init(&b, line, sizeof line);
        strbuf_add(&b, (struct span){ p, length });
        for (char *c = line; *c; c++)
            *c = *c == '\t' ? ' ' : *c;
        printf("%*s%s%s", INDENT, "", colour_begin(colour), mark);
        print_clean(line);
        printf("%s\n", colour_end(colour));
    }
}

static void print_change(const struct setup *s, size_t number)
{
    const struct setup_change *c = &s->change[number];
    char label[24], command[COMMAND_MAX];
    struct strbuf b;

    snprintf(label, sizeof label, "%zu.", number + 1);
    table_paragraph(label, 3, c->why);
    if (c->kind == SETUP_FILE) {
        printf("%*s%s (new)\n", INDENT, "", c->path);
        print_lines(c->value, "+", COLOUR_GOOD);
        return;
    }
    strbuf_init(&b, command, sizeof command);
    setup_command(s, c, &b);
    printf("%*s", INDENT, "");
    shell_print(command, INDENT, TABLE_SCREEN - 1);
}

static void print_left(const struct setup_left *l)
{
    char where[PATH_MAX + 32], text[PATH_MAX + 8300];

    snprintf(where, sizeof where, l->line > 0 ? "%s:%zu" : "%s", l->file, l->line);
    snprintf(text, sizeof text, "%s: %s", where, l->what);
    table_paragraph_coloured(l->gap ? COLOUR_BAD : COLOUR_NONE, l->gap ? "!" : "-", 1, text);
    if (l->text)
        print_lines(l->text, "| ", COLOUR_NONE);
}

static void print_seen(const struct setup *s)
{
    char text[PATH_MAX + 600];

    for (size_t i = 0; i < s->instances; i++) {
        snprintf(text, sizeof text, "%s: %.500s", s->instance[i].directory, s->instance[i].seen);
        table_paragraph("Postfix", 7, text);
    }
    if (*s->dovecot.config) {
        snprintf(text, sizeof text, "%s, version %s", s->dovecot.config,
                 s->dovecot.version_2_4 ? "2.4" : "2.3");
        table_paragraph("Dovecot", 7, text);
    }
}

static void print_end(const struct setup *s, bool applied)
{
    if (s->changes == 0)
        puts("\nThere is nothing to change.");
    else if (applied)
        printf("\n%zu change%s made. policyctl setup --undo takes them back; policyctl doctor looks at the "
               "whole.\n",
               s->changes, s->changes == 1 ? "" : "s");
    else
        puts("\npolicyctl setup --apply makes these changes, and reloads what runs;\n"
             "policyctl setup --undo takes them back.");
}

void setup_print(const struct setup *s, bool applied)
{
    print_seen(s);
    for (size_t i = 0; i < s->changes; i++) {
        putchar('\n');
        print_change(s, i);
    }
    if (s->lefts > 0)
        puts("\nLeft as it is (!: something is missing there):");
    for (size_t i = 0; i < s->lefts; i++)
        print_left(&s->left[i]);
    if (s->notes > 0)
        putchar('\n');
    for (size_t i = 0; i < s->notes; i++)
        table_paragraph("note:", 5, s->note[i]);
    print_end(s, applied);
}

/* ---- JSON ---- */

static void json_change(struct json *j, const struct setup *s, const struct setup_change *c)
{
    static const char *const kinds[] = { "main.cf", "master.cf", "file" };
    char command[COMMAND_MAX];
    struct strbuf b;

    strbuf_init(&b, command, sizeof command);
    setup_command(s, c, &b);
    json_open(j, NULL, '{');
    json_text(j, "kind", kinds[c->kind]);
    json_text(j, "file", c->path);
    json_text(j, "name", c->kind == SETUP_FILE ? NULL : c->name);
    json_text(j, "old", c->old);
    json_text(j, "new", c->value);
    json_text(j, "why", c->why);
    json_text(j, "command", *command ? command : NULL);
    json_close(j, '}');
}

static void json_left(struct json *j, const struct setup_left *l)
{
    json_open(j, NULL, '{');
    json_flag(j, "missing", l->gap);
    json_text(j, "file", l->file);
    if (l->line > 0)
        json_number(j, "line", (int64_t)l->line);
    else
        json_text(j, "line", NULL);
    json_text(j, "text", l->text);
    json_text(j, "what", l->what);
    json_close(j, '}');
}

void setup_json(const struct setup *s, bool applied)
{
    struct json json = { .out = stdout };

    json_open(&json, NULL, '{');
    json_flag(&json, "applied", applied);
    json_open(&json, "changes", '[');
    for (size_t i = 0; i < s->changes; i++)
        json_change(&json, s, &s->change[i]);
    json_close(&json, ']');
    json_open(&json, "left", '[');
    for (size_t i = 0; i < s->lefts; i++)
        json_left(&json, &s->left[i]);
    json_close(&json, ']');
    json_open(&json, "notes", '[');
    for (size_t i = 0; i < s->notes; i++)
        json_text(&json, NULL, s->note[i]);
    json_close(&json, ']');
    json_close(&json, '}');
}
