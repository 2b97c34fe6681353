/* SPDX-License-Identifier: MIT */
#include "policyctl/setup/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policyctl/host/run.h"

static const char *const names[] = { "main.cf", "master.cf" };

static void path_of(const struct scratch *s, const char *name, char path_r[static 80])
{
    snprintf(path_r, 80, "%s/%s", s->directory, name);
}

/* Postfix's programs wait for as long as a file was changed less than two seconds ago. */
static void make_old(const struct scratch *s)
{
    const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    char path[80];

    for (size_t i = 0; i < 2; i++) {
        path_of(s, names[i], path);
        utimensat(AT_FDCWD, path, long_ago, 0);
    }
}

static enum result put(const struct scratch *s, const char *name, const struct content *c, struct error *e)
{
    struct content copy = *c;
    char path[80];

    copy.mode = 0600;
    copy.uid = geteuid();
    copy.gid = getegid();
    path_of(s, name, path);
    return content_write(path, &copy, e);
}

enum result scratch_open(const struct content *main_cf, const struct content *master_cf, struct scratch *s,
                         struct error *e)
{
    enum result r;

    snprintf(s->directory, sizeof s->directory, "%s", "/tmp/policyctl-setup.XXXXXX");
    if (!mkdtemp(s->directory)) {
        r = error_set(e, TRY_AGAIN, "%s: %s", s->directory, strerror(errno));
        s->directory[0] = '\0';
        return r;
    }
    r = put(s, names[0], main_cf, e);
    r = r == OK ? put(s, names[1], master_cf, e) : r;
    make_old(s);
    return r;
}

enum result scratch_postconf(const struct scratch *s, const char *option, const char *argument,
                             char **output_r, struct error *e)
{
    const char *const argv[] = { "postconf", "-c", s->directory, option, argument, NULL };
    char *output = NULL;
    enum result r = run_program(argv, &output, e);

    make_old(s);
    if (output_r)
        *output_r = output;
    else
        free(output);
    return r;
}

enum result scratch_take(const struct scratch *s, const char *name, struct content *c, struct error *e)
{
    struct content now;
    char path[80];

    path_of(s, name, path);
    enum result r = content_read(path, &now, e);
    if (r == OK && !now.bytes)
        r = error_set(e, BAD, "%s: it is gone", path);
    if (r == OK)
        r = content_set(c, (struct span){ now.bytes, now.length }, e);
    content_free(&now);
    return r;
}

void scratch_close(struct scratch *s)
{
    char path[80];

    if (!*s->directory)
        return;
    for (size_t i = 0; i < 2; i++) {
        path_of(s, names[i], path);
        unlink(path);
    }
    rmdir(s->directory);
    s->directory[0] = '\0';
}
