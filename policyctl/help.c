/* SPDX-License-Identifier: MIT */
/* What there is and how it is used, from the rows of the commands. */
#include <stdio.h>
#include <string.h>

#include "policyctl/command.h"
#include "policyctl/suggest.h"

static const struct command *const tables[] = {
    init_commands, backup_commands, setup_commands, domain_commands, account_commands, alias_commands, grant_commands,
    list_commands, list_import_commands, greylist_commands, limit_commands, policy_commands, readiness_commands,
    letter_commands,
    explain_commands, doctor_commands, status_commands, shed_commands, events_commands, evidence_commands,
    forget_commands,
    top_commands, who_commands, import_commands, export_commands, export_maps_commands,
    help_commands,
};

const struct command *command_at(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct command *c = tables[t]; c->name; c++)
            if (i-- == 0)
                return c;
    return NULL;
}

const struct command *command_find(char *const *words, size_t count, size_t *used_r)
{
    const struct command *c;

    for (size_t i = 0; count > 0 && (c = command_at(i)) != NULL; i++) {
        if (strcmp(c->name, words[0]) != 0)
            continue;
        *used_r = c->verb ? 2 : 1;
        if (!c->verb || (count > 1 && strcmp(c->verb, words[1]) == 0))
            return c;
    }
    return NULL;
}

static bool is_name(const char *word)
{
    const struct command *c;

    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (strcmp(c->name, word) == 0)
            return true;
    return false;
}

/* The nearest name, or, where `of` is given, the nearest verb of that name. */
static const char *nearest(const char *word, const char *of)
{
    const char *best = NULL;
    const struct command *c;

    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        if (of && strcmp(c->name, of) != 0)
            continue;
        const char *name = of ? c->verb : c->name;
        if (suggest_is_near(word, name) &&
            (!best || suggest_distance(word, name) < suggest_distance(word, best)))
            best = name;
    }
    return best;
}

static void add_verbs(const char *name, struct strbuf *out)
{
    const struct command *c;
    const char *separator = "";

    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (strcmp(c->name, name) == 0) {
            strbuf_addf(out, "%s%s", separator, c->verb);
            separator = ", ";
        }
}

enum status command_unknown(char *const *words, size_t count)
{
    bool known = is_name(words[0]);
    const char *of = known ? words[0] : NULL, *word = known && count > 1 ? words[1] : words[0];
    const char *meant = known && count < 2 ? NULL : nearest(word, of);
    char verbs[200];
    struct strbuf b;

    if (meant)
        return fail(STATUS_INPUT, "no command '%s%s%s': did you mean '%s%s%s'?", known ? of : "",
                    known ? " " : "", word, known ? of : "", known ? " " : "", meant);
    if (!known)
        return fail(STATUS_INPUT, "no command '%s': see policyctl help", word);
    strbuf_init(&b, verbs, sizeof verbs);
    add_verbs(of, &b);
    if (count < 2)
        return fail(STATUS_INPUT, "%s: what? one of %s", of, verbs);
    return fail(STATUS_INPUT, "no command '%s %s': there are %s", of, word, verbs);
}

static void add_option(enum option_id id, bool required, struct strbuf *out)
{
    const struct option_info *o = &option_infos[id];

    strbuf_addf(out, required ? " --%s%s%s" : " [--%s%s%s]", o->name, o->argument ? " " : "",
                o->argument ? o->argument : "");
    if (OPT_REPEATING & OPT_BIT(id))
        strbuf_adds(out, "...");
}

void command_synopsis(const struct command *c, struct strbuf *out)
{
    strbuf_addf(out, "policyctl %s%s%s%s%s", c->name, c->verb ? " " : "", c->verb ? c->verb : "",
                *c->operands ? " " : "", c->operands);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (c->required & OPT_BIT(i))
            add_option((enum option_id)i, true, out);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (c->optional & OPT_BIT(i))
            add_option((enum option_id)i, false, out);
}

/* Breaks at spaces that lie outside brackets, before column 80. */
static void print_folded(const char *text)
{
    size_t column = 0;

    for (const char *p = text, *end; *p; p = *end ? end + 1 : end) {
        int depth = 0;
        for (end = p; *end && (*end != ' ' || depth > 0); end++)
            depth += *end == '[' ? 1 : *end == ']' ? -1 : 0;
        size_t len = (size_t)(end - p);
        if (column > 0 && column + 1 + len > 79) {
            printf("\n        ");
            column = 8;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        fwrite(p, 1, len, stdout);
        column += len;
    }
    putchar('\n');
}

void command_help(const struct command *c)
{
    char text[400], option[64];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    strbuf_adds(&b, "usage: ");
    command_synopsis(c, &b);
    print_folded(text);
    printf("%s.\n", c->help);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_info *o = &option_infos[i];
        if (!((c->required | c->optional) & OPT_BIT(i)))
            continue;
        snprintf(option, sizeof option, "--%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        printf("  %-18s  %s\n", option, o->help);
    }
    printf("example:\n  %s\n", c->example);
}

void command_list(const char *name)
{
    const struct command *c;
    char words[64];

    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!name || strcmp(c->name, name) == 0) {
            snprintf(words, sizeof words, "%s%s%s", c->name, c->verb ? " " : "", c->verb ? c->verb : "");
            printf("  %-16s  %s\n", words, c->help);
        }
}

enum status command_help_words(char *const *words, size_t count)
{
    size_t used;
    const struct command *c = command_find(words, count, &used);

    if (c)
        command_help(c);
    else if (count == 1 && is_name(words[0]))
        command_list(words[0]);
    else
        return command_unknown(words, count);
    return STATUS_DONE;
}

static enum status run_help(struct ctl *ctl, const struct args *a)
{
    (void)ctl;
    if (a->count > 0)
        return command_help_words(a->operand, a->count);
    puts("usage: policyctl [-c FILE] COMMAND ...\n\nCommands (policyctl help COMMAND tells more):");
    command_list(NULL);
    return STATUS_DONE;
}

const struct command help_commands[] = {
    { .name = "help", .operands = "[COMMAND...]", .max = 2, .without_config = true,
      .help = "Lists the commands, or explains one",
      .example = "policyctl help account add", .run = run_help },
    { 0 },
};
