/* SPDX-License-Identifier: MIT */
#include "shape.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 20 }; /* digits of 2^64 */

enum mark { MARK_NONE, MARK_SEQ, MARK_USER };

struct shape_piece { /* literal text, then perhaps a number */
    const char *text;
    size_t len;
    enum mark mark;
    uint64_t modulo; /* 0: the number itself */
};

struct reader {
    const char *path, *profile;
    struct shape_set *set;
    char expect[VERB_SIZE]; /* of the request being read */
    char text[SHAPE_SIZE_MAX];
    size_t len;
};

static void *grow(void *array, size_t count, size_t size)
{
    void *grown = reallocarray(array, count, size);

    if (!grown)
        err(2, "reallocarray");
    return grown;
}

static void add_piece(struct shape *s, struct shape_piece piece)
{
    s->pieces = grow(s->pieces, s->count + 1, sizeof *s->pieces);
    s->pieces[s->count++] = piece;
}

/* The next mark at or behind text, or NULL. */
static const char *find_mark(const char *text, enum mark *mark_r, const char **end_r, uint64_t *modulo_r)
{
    static const struct {
        const char *name;
        enum mark mark;
    } marks[] = { { "%SEQ", MARK_SEQ }, { "%USER", MARK_USER } };

    for (const char *p = strchr(text, '%'); p; p = strchr(p + 1, '%'))
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            size_t len = strlen(marks[i].name);
            int used = 0;

            if (strncmp(p, marks[i].name, len) != 0)
                continue;
            *mark_r = marks[i].mark;
            *modulo_r = 0;
            if (p[len] == ':' && sscanf(p + len + 1, "%" SCNu64 "%n", modulo_r, &used) == 1)
                used++;
            if (p[len + (size_t)used] != '%')
                errx(2, "malformed mark: %.20s", p);
            *end_r = p + len + (size_t)used + 1;
            return p;
        }
    return NULL;
}

static void finish_request(struct reader *r)
{
    struct shape *s;
    const char *text, *found, *end;
    enum mark mark;
    uint64_t modulo;

    if (r->len == 0)
        return;
    if (r->text[r->len - 1] != '\n')
        r->text[r->len++] = '\n';
    r->text[r->len++] = '\n';
    r->text[r->len] = '\0';
    if (!(text = strdup(r->text)))
        err(2, "strdup");
    r->set->shapes = grow(r->set->shapes, r->set->count + 1, sizeof *r->set->shapes);
    s = &r->set->shapes[r->set->count++];
    *s = (struct shape){ 0 };
    memcpy(s->expect, r->expect, sizeof s->expect);
    for (; (found = find_mark(text, &mark, &end, &modulo)); text = end)
        add_piece(s, (struct shape_piece){ text, (size_t)(found - text), mark, modulo });
    add_piece(s, (struct shape_piece){ text, strlen(text), MARK_NONE, 0 });
    r->len = 0;
    r->expect[0] = '\0';
}

static void read_expectation(struct reader *r, const char *words)
{
    size_t len = r->profile ? strlen(r->profile) : 0;

    for (const char *p = words; len > 0 && *p; p += strcspn(p, " \n"), p += strspn(p, " \n"))
        if (strncmp(p, r->profile, len) == 0 && p[len] == '=')
            snprintf(r->expect, sizeof r->expect, "%.*s", (int)strcspn(p + len + 1, " \n"), p + len + 1);
}

static void read_line(struct reader *r, const char *line, size_t len)
{
    static const char expect[] = "#expect ";

    if (strncmp(line, expect, sizeof expect - 1) == 0)
        read_expectation(r, line + sizeof expect - 1);
    else if (line[0] == '\n')
        finish_request(r);
    else if (line[0] != '#') {
        if (r->len + len > sizeof r->text / 2) /* the rest is for the numbers */
            errx(2, "%s: request %zu is too long", r->path, r->set->count + 1);
        memcpy(r->text + r->len, line, len);
        r->len += len;
    }
}

void shape_set_load(const char *path, const char *profile, struct shape_set *set_r)
{
    static struct reader r;
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    if (!file)
        err(2, "%s", path);
    *set_r = (struct shape_set){ 0 };
    r = (struct reader){ .path = path, .profile = profile, .set = set_r };
    while ((len = getline(&line, &size, file)) > 0)
        read_line(&r, line, (size_t)len);
    finish_request(&r);
    free(line);
    fclose(file);
    if (set_r->count == 0)
        errx(2, "%s: no request in it", path);
}

/* A bijection of the 64-bit numbers (splitmix64), so that neighbours in time are
 * no neighbours in the table. */
static uint64_t scatter(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

static size_t write_number(uint64_t n, char *out)
{
    char digits[NUMBER_MAX];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

size_t shape_write_request(const struct shape *s, uint64_t seq, uint64_t users, char *out)
{
    const uint64_t number[] = { [MARK_SEQ] = seq, [MARK_USER] = scatter(seq) % users };
    size_t len = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct shape_piece *piece = &s->pieces[i];

        if (len + piece->len + NUMBER_MAX > SHAPE_SIZE_MAX)
            errx(2, "a request is longer than %d octets", SHAPE_SIZE_MAX);
        memcpy(out + len, piece->text, piece->len);
        len += piece->len;
        if (piece->mark != MARK_NONE)
            len += write_number(piece->modulo ? number[piece->mark] % piece->modulo : number[piece->mark],
                                out + len);
    }
    return len;
}
