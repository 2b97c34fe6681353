/* SPDX-License-Identifier: MIT */
#include "postern-act/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 256 << 20, WHY_MAX = 160 };

struct child {
    struct child *next;
    struct children *of;
    pid_t pid;
    int status; /* as waitpid(2) has it */
    int output; /* a memory file; -1: not wanted */
    struct event *deadline;
    bool killed;
    unsigned deadline_s;
    child_ended_fn *ended;
    void *context;
};

struct children {
    struct event_base *base;
    struct event *sigchld;
    struct child *first;
    size_t running;
};

/* ---- the end ---- */

static void child_free(struct child *c)
{
    if (c->deadline)
        event_free(c->deadline);
    if (c->output >= 0)
        close(c->output);
    free(c);
}

static void judge(const struct child *c, char why[static WHY_MAX], struct child_result *r)
{
    struct strbuf b;

    strbuf_init(&b, why, WHY_MAX);
    r->why = why;
    r->status = WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;
    r->end = c->killed ? CHILD_KILLED : CHILD_FAILED;
    if (c->killed)
        strbuf_addf(&b, "not done within %u s", c->deadline_s);
    else if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0)
        r->end = CHILD_DONE;
    else if (WIFEXITED(c->status))
        strbuf_addf(&b, "exit status %d", WEXITSTATUS(c->status));
    else
        strbuf_addf(&b, "ended by signal %d", WTERMSIG(c->status));
}

/* Hands the result out with its output mapped. */
static void conclude(struct child *c)
{
    struct child_result r = { .output = { NULL, 0 } };
    char why[WHY_MAX];
    struct stat st;
    void *memory = MAP_FAILED;

    judge(c, why, &r);
    if (r.end != CHILD_KILLED && c->output >= 0 && fstat(c->output, &st) == 0 && st.st_size > 0) {
        if (st.st_size <= OUTPUT_MAX)
            memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, c->output, 0);
        if (memory == MAP_FAILED) {
            r.end = CHILD_FAILED;
            r.why = "its output is too long";
        } else
            r.output = (struct span){ memory, (size_t)st.st_size };
    }
    c->ended(&r, c->context);
    if (memory != MAP_FAILED)
        munmap(memory, r.output.len);
    child_free(c);
}

static void on_sigchld(evutil_socket_t number, short what, void *arg)
{
    struct children *all = arg;
    struct child *ended = NULL;

    (void)number, (void)what;
    for (struct child **p = &all->first, *c; (c = *p) != NULL;) {
        if (waitpid(c->pid, &c->status, WNOHANG) != c->pid) {
            p = &c->next;
            continue;
        }
        *p = c->next; /* what it calls may start another */
        all->running--;
        c->next = ended;
        ended = c;
    }
    for (struct child *c = ended, *next; c; c = next) {
        next = c->next;
        conclude(c);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct child *c = arg;

    (void)fd, (void)what;
    c->killed = true;
    kill(-c->pid, SIGKILL);
}

/* ---- the start ---- */

/* The text as a file, at its beginning. */
static enum result input_file(struct span text, int *fd_r, struct error *e)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    for (size_t done = 0; fd >= 0 && done < text.len;) {
        ssize_t n = write(fd, text.ptr + done, text.len - done);
        if (n < 0 && errno != EINTR) {
            close(fd);
            return error_set(e, TRY_AGAIN, "its input: %s", strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
    *fd_r = fd;
    return fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? OK
                                                  : error_set(e, TRY_AGAIN, "its input: %s", strerror(errno));
}

/* A process group of its own, so that the deadline ends what it started too. */
static int spawn(const char *const *argv, int input, int output, pid_t *pid_r)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                locale[] = "LC_ALL=C";
    char *const environment[] = { path, locale, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all, none;
    int why;

    sigfillset(&all);
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attr) != 0)
        return ENOMEM;
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    why = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    why =
        why ? why
            : posix_spawn_file_actions_adddup2(&actions, output >= 0 ? output : STDERR_FILENO, STDOUT_FILENO);
    why = why ? why : posix_spawn(pid_r, argv[0], &actions, &attr, (char *const *)argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return why;
}

static enum result start(struct child *c, const struct child_spec *spec, struct error *e)
{
    struct timeval limit = { spec->deadline_s, 0 };
    int input = -1, why;

    if (spec->wants_output && (c->output = memfd_create("output", MFD_CLOEXEC)) < 0)
        return error_set(e, TRY_AGAIN, "its output: %s", strerror(errno));
    c->deadline = evtimer_new(c->of->base, on_deadline, c);
    if (!c->deadline || input_file(spec->input, &input, e) != OK)
        return error_set(e, TRY_AGAIN, "out of memory");
    why = spawn(spec->argv, input, c->output, &c->pid);
    close(input);
    if (why != 0)
        return error_set(e, TRY_AGAIN, "%s: %s", spec->argv[0], strerror(why));
    if (evtimer_add(c->deadline, &limit) != 0)
        on_deadline(-1, 0, c); /* never without one */
    return OK;
}

enum result child_start(struct children *all, const struct child_spec *spec, struct error *e)
{
    struct child *c = calloc(1, sizeof *c);

    if (!c)
        return error_set(e, TRY_AGAIN, "out of memory");
    *c = (struct child){ .of = all,
                         .output = -1,
                         .deadline_s = spec->deadline_s,
                         .ended = spec->ended,
                         .context = spec->context };
    if (start(c, spec, e) != OK) {
        child_free(c);
        return TRY_AGAIN;
    }
    c->next = all->first;
    all->first = c;
    all->running++;
    return OK;
}

enum result children_open(struct event_base *base, struct children **children_r)
{
    struct children *all = calloc(1, sizeof *all);

    if (!all)
        return TRY_AGAIN;
    all->base = base;
    all->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, all);
    *children_r = all;
    return all->sigchld && event_add(all->sigchld, NULL) == 0 ? OK : TRY_AGAIN;
}

size_t children_running(const struct children *all)
{
    return all->running;
}

void children_close(struct children **children)
{
    struct children *all = *children;

    if (!all)
        return;
    if (all->sigchld)
        event_free(all->sigchld);
    free(all);
    *children = NULL;
}
