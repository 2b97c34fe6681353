/* SPDX-License-Identifier: MIT */
#include "policyctl/fields.h"

#include <string.h>

/* An empty value takes the row away: the next wider scope counts again. */
static void add(struct field_changes *f, const char *scope, const char *name, const char *value)
{
    struct change *c = &f->change[f->count++];

    *c = (struct change){ .kind = *value ? CHANGE_ACCOUNT_FIELD_SET : CHANGE_ACCOUNT_FIELD_UNSET };
    c->field[FIELD_SCOPE] = scope;
    c->field[FIELD_NAME] = name;
    c->field[FIELD_VALUE] = value;
}

static enum status add_extra(struct field_changes *f, const char *scope, const struct repeated *option, char *name)
{
    const char *text = option->value, *equals = option->id == OPT_FIELD ? strchr(text, '=') : NULL;
    struct span span = { text, equals ? (size_t)(equals - text) : strlen(text) };
    struct error e;

    if (option->id == OPT_FIELD && (!equals || equals[1] == '\0'))
        return fail(STATUS_INPUT, "--field %s: write NAME=VALUE, or --no-field NAME to take it away", text);
    if (str_copy(span, name, EXTRA_FIELD_NAME_MAX + 1) != OK)
        return fail(STATUS_INPUT, "the name of the field is too long: %.80s...", text);
    if (extra_field_check_name(name, &e) != OK)
        return fail_error(STATUS_INPUT, &e);
    if (is_mailbox_field(name))
        return fail(STATUS_INPUT, "%s is no extra field: it has an option, --%s", name, name);
    add(f, scope, name, equals ? equals + 1 : "");
    return STATUS_DONE;
}

enum status fields_changes(const struct args *a, const char *scope, struct field_changes *changes_r)
{
    static const enum option_id options[MAILBOX_FIELDS] = { OPT_HOME, OPT_MAIL, OPT_UID, OPT_GID, OPT_QUOTA };
    enum status status = STATUS_DONE;

    changes_r->count = 0;
    for (size_t i = 0; i < MAILBOX_FIELDS; i++)
        if (a->option[options[i]])
            add(changes_r, scope, mailbox_fields[i], a->option[options[i]]);
    for (size_t i = 0; status == STATUS_DONE && i < a->repeats; i++)
        status = add_extra(changes_r, scope, &a->repeated[i], changes_r->name[i]);
    return status;
}
