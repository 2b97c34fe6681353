/* SPDX-License-Identifier: MIT */
/*
 * The text of policyd.conf into checked values: libconfuse, with its options made
 * from the table, and the only file that knows of it.  Layer 2.
 */
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_option.h"

enum { FILE_MAX = 1 << 20, TEXT_CHUNK = 200 };

struct config_values {
    const char *path;
    struct error *error;
    bool failed;    /* error is set: the first one counts */
    unsigned *line; /* of each row: where it was set, 0 where it was not */
    cfg_opt_t *opts;
    cfg_t *cfg;
    char canonical[2 * CONFIG_VALUE_MAX]; /* what parse_value hands to libconfuse */
};

/* libconfuse's callbacks get no context of their own. */
static struct config_values *parsing;

static enum result out_of_memory(struct error *e)
{
    error_set(e, TRY_AGAIN, "out of memory");
    return TRY_AGAIN;
}

static enum result parse_fail(struct config_values *v, int line, const char *text)
{
    if (!v->failed)
        error_set(v->error, BAD, "%s:%d: %.*s", v->path, line, TEXT_CHUNK, text);
    v->failed = true;
    return BAD;
}

/* ---- the file ---- */

static enum result open_file(const char *path, int *fd_r, size_t *size_r, struct error *e)
{
    struct stat st;

    *fd_r = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would block here */
    if (*fd_r < 0)
        return error_set(e, BAD, "%s: cannot be read: %s%s", path, strerror(errno),
                         errno == ENOENT ? "; name the configuration file with -c FILE" : "");
    if (fstat(*fd_r, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
        *size_r = (size_t)st.st_size;
        return OK;
    }
    close(*fd_r);
    return error_set(e, BAD, "%s: is no regular file of at most %d octets", path, FILE_MAX);
}

/* The last line gets its line break where it has none: fmemopen(3) takes no empty
 * text. What is in the text is the caller's to free, after an error too. */
static enum result read_file(const char *path, struct strbuf *text, struct error *e)
{
    size_t size = 0;
    int fd;

    if (open_file(path, &fd, &size, e) != OK)
        return BAD;
    char *array = malloc(size + 2);
    if (!array) {
        close(fd);
        return out_of_memory(e);
    }
    strbuf_init(text, array, size + 2);
    while (text->len < size) {
        ssize_t n = read(fd, array + text->len, size - text->len);
        if (n <= 0) { /* 0: it became shorter */
            int why = n < 0 ? errno : EIO;
            close(fd);
            return error_set(e, BAD, "%s: cannot be read: %s", path, strerror(why));
        }
        text->len += (size_t)n;
    }
    close(fd);
    array[text->len] = '\0';
    if (size == 0 || array[size - 1] != '\n')
        strbuf_addc(text, '\n');
    return OK;
}

/* ---- libconfuse ---- */

static bool find_row(const char *section, const char *name, size_t *i_r, struct config_row *row_r)
{
    for (*i_r = 0; config_row(*i_r, row_r); ++*i_r)
        if (strcmp(row_r->option.section, section) == 0 && strcmp(row_r->option.name, name) == 0)
            return true;
    return false;
}

static const char *section_name(const cfg_t *cfg)
{
    return strcmp(cfg->name, "root") == 0 ? "" : cfg->name; /* libconfuse's name for the top */
}

/* Each value as libconfuse meets it, presets included (line 0). It keeps a copy of
 * the canonical form. */
static int parse_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct config_values *v = parsing;
    struct config_row row;
    struct error why = { "" };
    struct strbuf canonical;
    size_t i;

    if (!find_row(section_name(cfg), opt->name, &i, &row))
        return -1;
    if (v->line[i] > 0 && opt->nvalues <= 1) { /* a list's second item has two */
        error_set(&why, BAD, "%s: is set in line %u already; keep one of the two", opt->name, v->line[i]);
        parse_fail(v, cfg->line, why.text);
        return -1;
    }
    strbuf_init(&canonical, v->canonical, sizeof v->canonical);
    if (config_value_check(&row, span_of(value), &canonical, &why) != OK) {
        parse_fail(v, cfg->line, why.text);
        return -1;
    }
    v->line[i] = (unsigned)cfg->line;
    *(const char **)result = v->canonical;
    return 0;
}

static void PRINTF(2, 0) take_error(cfg_t *cfg, const char *format, va_list args)
{
    const char *section = section_name(cfg);
    char text[TEXT_CHUNK], whole[TEXT_CHUNK];
    struct strbuf b;

    vsnprintf(text, sizeof text, format, args);
    strbuf_init(&b, whole, sizeof whole);
    strbuf_addf(&b, "%.100s%s%s; see policyd.conf(5)", text, section[0] ? " in section " : "", section);
    parse_fail(parsing, cfg->line, whole);
}

static int list_flag(const struct config_row *row)
{
    return config_row_is_list(row) ? CFGF_LIST : CFGF_NONE;
}

/* Appends the options of a section; the array behind it stays zeroed, which ends it. */
static cfg_opt_t *add_rows(cfg_opt_t *at, const char *section)
{
    struct config_row row;

    for (size_t i = 0; config_row(i, &row); i++)
        if (strcmp(row.option.section, section) == 0)
            *at++ =
                (cfg_opt_t)CFG_STR_CB(row.option.name, NULL, CFGF_NODEFAULT | list_flag(&row), parse_value);
    return at;
}

/* An array for each section; the first, the top, also names the others. */
static enum result make_options(struct config_values *v)
{
    size_t sections = 1;
    const char *name;

    while (config_section(sections))
        sections++;
    size_t stride = config_row_count() + sections + 1;
    v->opts = calloc(sections * stride, sizeof *v->opts);
    v->line = calloc(config_row_count(), sizeof *v->line);
    if (!v->opts || !v->line)
        return out_of_memory(v->error);
    cfg_opt_t *top = add_rows(v->opts, "");
    for (size_t i = 1; (name = config_section(i)) != NULL; i++) {
        add_rows(v->opts + i * stride, name);
        *top++ = (cfg_opt_t)CFG_SEC(name, v->opts + i * stride, CFGF_NONE);
    }
    return OK;
}

static cfg_t *find_section(const struct config_values *v, const struct config_row *row)
{
    return row->option.section[0] ? cfg_getsec(v->cfg, row->option.section) : v->cfg;
}

static cfg_opt_t *find_option(const struct config_values *v, const struct config_row *row)
{
    return cfg_getopt(find_section(v, row), row->option.name);
}

/* Presets are set as if a line 0 said so: what the file says replaces them, and
 * += adds to them. */
static enum result set_preset(struct config_values *v, const struct config_row *row)
{
    const char *at = row->option.preset;
    bool list = config_row_is_list(row);
    char item[CONFIG_VALUE_MAX];

    if (list && !*at)
        return OK;
    do {
        size_t len = list ? strcspn(at, " ") : strlen(at);
        if (str_copy((struct span){ at, len }, item, sizeof item) != OK ||
            !cfg_setopt(find_section(v, row), find_option(v, row), item))
            return v->failed ? BAD : out_of_memory(v->error);
        at += len;
        at += strspn(at, " ");
    } while (*at);
    return OK;
}

static enum result set_presets(struct config_values *v)
{
    struct config_row row;

    for (size_t i = 0; config_row(i, &row); i++) {
        enum result r = set_preset(v, &row);
        if (r != OK)
            return r;
    }
    return OK;
}

static enum result parse_text(struct config_values *v, struct strbuf *text)
{
    FILE *in = fmemopen(text->ptr, text->len, "r");

    if (!in)
        return out_of_memory(v->error);
    int r = cfg_parse_fp(v->cfg, in);
    fclose(in);
    if (v->failed)
        return BAD;
    return r == CFG_SUCCESS ? OK : out_of_memory(v->error);
}

/* parse_value sees no value of an empty list. */
static enum result check_emptied(struct config_values *v)
{
    struct config_row row;
    struct error why;

    for (size_t i = 0; config_row(i, &row); i++)
        if (v->line[i] > 0 && cfg_opt_size(find_option(v, &row)) == 0) {
            error_set(&why, BAD, "%s: is emptied again further down; keep one of the two", row.option.name);
            return parse_fail(v, (int)v->line[i], why.text);
        }
    return OK;
}

static enum result parse_file(struct config_values *v)
{
    struct strbuf text = { 0 };
    enum result r = make_options(v);

    if (r != OK)
        return r;
    v->cfg = cfg_init(v->opts, CFGF_NONE);
    if (!v->cfg)
        return out_of_memory(v->error);
    cfg_set_error_function(v->cfg, take_error);
    r = set_presets(v);
    if (r == OK)
        r = read_file(v->path, &text, v->error);
    if (r == OK)
        r = config_scan(&text, v->path, v->error);
    if (r == OK)
        r = parse_text(v, &text);
    if (r == OK)
        r = check_emptied(v);
    free(text.ptr);
    return r;
}

enum result config_values_read(const char *path, struct config_values **values_r, struct error *e)
{
    struct config_values *v = calloc(1, sizeof *v);

    *values_r = NULL;
    if (!v)
        return out_of_memory(e);
    v->path = path;
    v->error = e;
    parsing = v;
    enum result r = parse_file(v);
    parsing = NULL;
    if (r == OK)
        *values_r = v;
    else
        config_values_free(&v);
    return r;
}

void config_values_free(struct config_values **values)
{
    struct config_values *v = *values;

    *values = NULL;
    if (!v)
        return;
    if (v->cfg)
        cfg_free(v->cfg);
    free(v->opts);
    free(v->line);
    free(v);
}

size_t config_values_count(const struct config_values *v, const struct config_row *row)
{
    return cfg_opt_size(find_option(v, row));
}

const char *config_values_get(const struct config_values *v, const struct config_row *row, size_t i)
{
    return cfg_opt_getnstr(find_option(v, row), (unsigned)i);
}

unsigned config_values_line(const struct config_values *v, size_t row)
{
    return v->line[row];
}
