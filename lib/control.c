/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum result control_connect(const char *path, int *fd_r, struct error *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = CONTROL_TIMEOUT_S };
    int fd;

    if (str_copy(span_of(path), un.sun_path, sizeof un.sun_path) != OK)
        return error_set(e, BAD, "control_socket %s: the path is too long", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(e, TRY_AGAIN, "control_socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0) {
        *fd_r = fd;
        return OK;
    }
    int why = errno;
    close(fd);
    if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR)
        return error_set(e, NOT_FOUND, "%s: policyd does not run", path);
    return error_set(e, why == EACCES ? BAD : TRY_AGAIN, "%s: %s%s", path, strerror(why),
                     why == EACCES ? ": be root or a member of control_group" : "");
}

static enum result read_reply(int fd, char *reply_r, struct error *e)
{
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, reply_r + len, CONTROL_REPLY_MAX - 1 - len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(e, TRY_AGAIN, "policyd did not answer: see its log for what was done");
        len += (size_t)n;
        reply_r[len] = '\0';
        if (len >= 2 && memcmp(reply_r + len - 2, "\n\n", 2) == 0)
            return OK;
        if (len == CONTROL_REPLY_MAX - 1)
            return error_set(e, TRY_AGAIN, "policyd's answer is too long");
    }
}

/* The value of the first line called name, up to its end. */
static struct span line_value(const char *reply, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = reply, *end; (end = strchr(p, '\n')) != NULL && end > p; p = end + 1)
        if (strncmp(p, name, len) == 0 && p[len] == '=')
            return (struct span){ p + len + 1, (size_t)(end - p) - len - 1 };
    return (struct span){ NULL, 0 };
}

static enum result take_reply(int fd, char *reply_r, struct error *e)
{
    static const enum result results[] = { OK, NOT_FOUND, LIMIT, TRY_AGAIN, BAD };
    struct span result, text;

    if (read_reply(fd, reply_r, e) != OK)
        return TRY_AGAIN;
    result = line_value(reply_r, "result");
    text = line_value(reply_r, "text");
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (!span_equal(result, span_of(result_name(results[i]))))
            continue;
        if (results[i] != OK)
            error_set(e, results[i], "%.*s", (int)text.len, text.ptr ? text.ptr : "");
        char *rest = strchr(reply_r, '\n') + 1;
        memmove(reply_r, rest, strlen(rest) + 1);
        return results[i];
    }
    return error_set(e, TRY_AGAIN, "policyd's answer makes no sense: %.80s", reply_r);
}

enum result control_ask(int fd, struct span request, char *reply_r, struct error *e)
{
    for (size_t sent = 0; sent < request.len;) {
        ssize_t n = send(fd, request.ptr + sent, request.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return error_set(e, TRY_AGAIN, "policyd does not listen: %s", strerror(errno));
        sent += n > 0 ? (size_t)n : 0;
    }
    return take_reply(fd, reply_r, e);
}

enum result control_change_file(int fd, int file, char *reply_r, struct error *e)
{
    char request[] = "command=change\n\n";
    union {
        struct cmsghdr header;
        char array[CMSG_SPACE(sizeof(int))];
    } control = { .array = { 0 } };
    struct iovec part = { request, sizeof request - 1 };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    const struct timeval forever = { 0, 0 };
    ssize_t n;

    control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
    if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return error_set(e, TRY_AGAIN, "the file of changes cannot be sealed: %s", strerror(errno));
    do
        n = sendmsg(fd, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)part.iov_len) /* so few octets go at once or not at all */
        return error_set(e, TRY_AGAIN, "policyd does not listen: %s", strerror(errno));
    return take_reply(fd, reply_r, e);
}
