/* SPDX-License-Identifier: MIT */
#include "policyctl/host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/str.h"

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct stream {
    int fd; /* -1: at its end */
    char *text;
    size_t length, size;
    bool overflow; /* more than `size` came: dropped */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Looked for here, so that whoever runs policyctl has no say in it by PATH. */
static enum result find_program(const char *name, char *path_r, size_t size, struct error *e)
{
    int why = ENOENT;

    for (const char *p = SYSTEM_PATH; *p; p += strspn(p, ":")) {
        size_t length = strcspn(p, ":");
        struct strbuf b;
        strbuf_init(&b, path_r, size);
        strbuf_add(&b, (struct span){ p, length });
        strbuf_addf(&b, "/%s", name);
        if (!b.cut && access(path_r, X_OK) == 0)
            return OK;
        why = errno != ENOENT ? errno : why;
        p += length;
    }
    return error_set(e, NOT_FOUND, "%s %s", name, why == ENOENT ? "is not installed" : "cannot be run");
}

static enum result spawn(const char *path, const char *const *argv, const int out[2], const int err[2], pid_t *pid_r,
                         struct error *e)
{
    static char path_variable[] = "PATH=" SYSTEM_PATH, locale[] = "LC_ALL=C";
    char *const environment[] = { path_variable, locale, NULL };
    posix_spawn_file_actions_t actions;
    int why;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return error_set(e, TRY_AGAIN, "out of memory");
    why = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    why = why ? why : posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    why = why ? why : posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    why = why ? why : posix_spawn(pid_r, path, &actions, NULL, (char *const *)argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    return why == 0 ? OK : error_set(e, NOT_FOUND, "%s: %s", path, strerror(why));
}

static void take(struct stream *s)
{
    char part[4096];
    ssize_t n = read(s->fd, part, sizeof part);

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        close(s->fd);
        s->fd = -1;
        return;
    }
    size_t room = s->size - 1 - s->length, kept = (size_t)n < room ? (size_t)n : room;
    memcpy(s->text + s->length, part, kept);
    s->length += kept;
    s->text[s->length] = '\0';
    s->overflow = s->overflow || kept < (size_t)n;
}

/* False: the time was up first. */
static bool read_both(struct stream *out, struct stream *err)
{
    int64_t end = now_ms() + (int64_t)RUN_SECONDS * 1000, left;

    while (out->fd >= 0 || err->fd >= 0) {
        struct pollfd fds[] = { { out->fd, POLLIN, 0 }, { err->fd, POLLIN, 0 } };
        if ((left = end - now_ms()) <= 0)
            return false;
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return false;
        if (out->fd >= 0 && fds[0].revents)
            take(out);
        if (err->fd >= 0 && fds[1].revents)
            take(err);
    }
    return true;
}

/* The line that says why, of several: what a program only warns of comes first. Cuts the text there. */
static const char *complaint(char *text)
{
    char *found = text;

    for (char *line = text, *next; *line; line = next) {
        size_t length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (strstr(line, "atal:"))
            return line;
        if (strstr(found, "warning:") && !strstr(line, "warning:"))
            found = line;
    }
    return found;
}

static enum result judge(const char *name, const struct stream *out, struct stream *err, int status, struct error *e)
{
    if (out->overflow)
        return error_set(e, TRY_AGAIN, "%s wrote more than %d octets", name, RUN_OUTPUT_MAX);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return OK;
    return error_set(e, BAD, "%s", *err->text ? complaint(err->text) : name);
}

static enum result converse(const char *const *argv, struct stream *out, struct stream *err, struct error *e)
{
    char path[256];
    int to_out[2], to_err[2], status;
    pid_t pid = 0;
    enum result r = find_program(argv[0], path, sizeof path, e);

    if (r != OK)
        return r;
    if (pipe2(to_out, O_CLOEXEC) != 0)
        return error_set(e, TRY_AGAIN, "pipe: %s", strerror(errno));
    if (pipe2(to_err, O_CLOEXEC) != 0) {
        close(to_out[0]);
        close(to_out[1]);
        return error_set(e, TRY_AGAIN, "pipe: %s", strerror(errno));
    }
    r = spawn(path, argv, to_out, to_err, &pid, e);
    close(to_out[1]);
    close(to_err[1]);
    out->fd = to_out[0];
    err->fd = to_err[0];
    if (r == OK && pid > 0) {
        bool ended = read_both(out, err);
        if (!ended)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        r = ended ? judge(argv[0], out, err, status, e)
                  : error_set(e, TRY_AGAIN, "%s does not answer within %d s", argv[0], RUN_SECONDS);
    }
    if (out->fd >= 0)
        close(out->fd);
    if (err->fd >= 0)
        close(err->fd);
    return r;
}

enum result run_program(const char *const *argv, char **output_r, struct error *e)
{
    static char complaints[65536];
    struct stream out = { .fd = -1, .size = RUN_OUTPUT_MAX, .text = calloc(1, RUN_OUTPUT_MAX) };
    struct stream err = { .fd = -1, .size = sizeof complaints, .text = complaints };
    enum result r;

    *output_r = NULL;
    complaints[0] = '\0';
    if (!out.text)
        return error_set(e, TRY_AGAIN, "out of memory");
    r = converse(argv, &out, &err, e);
    if (r == OK)
        *output_r = out.text;
    else
        free(out.text);
    return r;
}
