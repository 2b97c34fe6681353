/* SPDX-License-Identifier: MIT */
/*
 * Dovecot: a file of ours beside the others, with the driver as one more passdb and
 * userdb.  Those that are there stay where they are, and no other setting is touched.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyctl/setup/lines.h"
#include "policyctl/setup/setup.h"

#define FILE_NAME "90-postern.conf"
#define LIBRARY   "libauthdb_postern.so"

static const char text_2_3[] =
    "# Made by policyctl setup, taken back by policyctl setup --undo.  See dovecot-postern(7).\n"
    "passdb {\n"
    "  driver = postern\n"
    "  args = %s\n"
    "}\n"
    "userdb {\n"
    "  driver = postern\n"
    "  args = %s\n"
    "}\n";
static const char text_2_4[] =
    "# Made by policyctl setup, taken back by policyctl setup --undo.  See dovecot-postern(7).\n"
    "passdb postern {\n"
    "  config = %s\n"
    "}\n"
    "userdb postern {\n"
    "  config = %s\n"
    "}\n";

static bool has_driver(const struct dovecot *v)
{
    for (size_t i = 0; i < v->passdbs; i++)
        if (strcmp(v->passdb[i].driver, "postern") == 0)
            return true;
    return false;
}

static bool is_installed(struct setup *s)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/auth/" LIBRARY, s->dovecot.modules);
    if (access(path, F_OK) == 0)
        return true;
    setup_add_left(s, !s->want_postfix, s->dovecot.config, 0, SPAN(""),
                   "the driver is not installed (%s: %s): Dovecot stays as it is", path, strerror(errno));
    return false;
}

/* The folder that the last fitting !include names; the configuration's own folder where it is relative. */
static enum result find_folder(struct setup *s, char folder_r[static PATH_MAX], struct error *e)
{
    struct content c;
    struct lines l;
    struct strbuf b;
    struct stat st;
    enum result r = content_read(s->dovecot.config, &c, e);

    if (r != OK)
        return r;
    strbuf_init(&b, folder_r, PATH_MAX);
    dovecot_conf_include(c.bytes ? c.bytes : "", &l);
    if (l.found > 0 && l.text.ptr[0] != '/') {
        const char *slash = strrchr(s->dovecot.config, '/');
        strbuf_add(&b,
                   (struct span){ s->dovecot.config, slash ? (size_t)(slash - s->dovecot.config) + 1 : 0 });
    }
    if (l.found > 0)
        strbuf_add(&b, (struct span){ l.text.ptr, l.text.len - strlen("/*.conf") });
    content_free(&c);
    return l.found > 0 && !b.cut && stat(folder_r, &st) == 0 && S_ISDIR(st.st_mode) ? OK : NOT_FOUND;
}

static const char *others(struct setup *s)
{
    char names[512];
    struct strbuf b;

    strbuf_init(&b, names, sizeof names);
    for (size_t i = 0; i < s->dovecot.passdbs; i++)
        if (!s->dovecot.passdb[i].special)
            strbuf_addf(&b, "%s%s", b.len ? ", " : "", s->dovecot.passdb[i].driver);
    return setup_text(s, span_of(names));
}

/* What an administrator has to know before he relies on it. */
static void note_order(struct setup *s)
{
    const char *before = others(s);

    if (!*before)
        return;
    setup_add_note(
        s,
        "Dovecot asks its passdbs in the order of its configuration: %s first, the account table after. "
        "Whom an earlier one lets in logs in by that one alone: a suspension in the table does not stop "
        "him, and policyd does not see how he connects. Once the accounts are in the table (policyctl "
        "import), take the earlier ones out.",
        before);
}

static void add_file(struct setup *s, const char *path, const char *text)
{
    struct content old = { 0 }, new = { 0 };
    struct error e;

    if (content_set(&new, span_of(text), &e) != OK) {
        s->cut = true;
        return;
    }
    const char *before = others(s);
    const char *why = *before ? setup_format(s, "Dovecot asks the account table too, after %s.", before)
                              : "Dovecot asks the account table.";
    setup_add_change(s, &(struct setup_change){ .kind = SETUP_FILE,
                                                .path = setup_text(s, span_of(path)),
                                                .name = setup_text(s, span_of(path)),
                                                .value = text,
                                                .why = why });
    setup_add_edit(s, path, &old, &new);
    note_order(s);
}

static enum result plan_file(struct setup *s, struct error *e)
{
    const char *config = s->ctl->config->path;
    const char *text = setup_format(s, s->dovecot.version_2_4 ? text_2_4 : text_2_3, config, config);
    char folder[PATH_MAX], path[PATH_MAX + 32];
    struct stat st;
    enum result r = find_folder(s, folder, e);

    if (r == NOT_FOUND) {
        setup_add_left(
            s, true, s->dovecot.config, 0, span_of(text),
            "no !include of a folder outside every block: add these lines yourself, behind the passdbs");
        return OK;
    }
    if (r != OK)
        return r;
    snprintf(path, sizeof path, "%s/" FILE_NAME, folder);
    if (lstat(path, &st) == 0)
        setup_add_left(s, true, path, 0, SPAN(""), "it is there already, and no passdb postern comes of it");
    else
        add_file(s, path, text);
    return OK;
}

enum result plan_dovecot(struct setup *s, struct error *e)
{
    enum result r = dovecot_read(s->dovecot_config, &s->dovecot, e);

    if (r == NOT_FOUND && s->want_postfix) {
        setup_add_note(s, "Dovecot: %s", e->text);
        return OK;
    }
    if (r != OK || has_driver(&s->dovecot) || !is_installed(s))
        return r;
    return plan_file(s, e);
}
