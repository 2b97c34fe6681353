/* SPDX-License-Identifier: MIT */
#include "policyctl/host/socket.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* -1: errno says why. */
static int open_socket(const char *address, struct sockaddr_storage *to, socklen_t *length_r)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;
    struct sockaddr_un *un = (struct sockaddr_un *)to;
    const char *colon = strrchr(address, ':');
    char host[64];

    if (strncmp(address, "unix:", 5) == 0) {
        *un = (struct sockaddr_un){ .sun_family = AF_UNIX };
        *length_r = sizeof *un;
        if (str_copy(span_of(address + 5), un->sun_path, sizeof un->sun_path) != OK) {
            errno = ENAMETOOLONG;
            return -1;
        }
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    struct span name = { address + 5, (size_t)(colon - address - 5) };
    if (name.len > 2 && name.ptr[0] == '[')
        name = (struct span){ name.ptr + 1, name.len - 2 };
    if (str_copy(name, host, sizeof host) != OK || getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errno = EINVAL;
        return -1;
    }
    memcpy(to, found->ai_addr, found->ai_addrlen);
    *length_r = found->ai_addrlen;
    freeaddrinfo(found);
    return socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Up to the first read that brings something: both protocols answer this question in one. */
static enum result converse(int fd, struct span question, unsigned wait_ms, char *answer_r)
{
    struct pollfd poll_in = { fd, POLLIN, 0 };

    answer_r[0] = '\0';
    if (send(fd, question.ptr, question.len, MSG_NOSIGNAL) != (ssize_t)question.len)
        return TRY_AGAIN;
    if (poll(&poll_in, 1, (int)wait_ms) <= 0) {
        errno = ETIMEDOUT;
        return TRY_AGAIN;
    }
    ssize_t n = recv(fd, answer_r, SOCKET_ANSWER_MAX - 1, 0);
    answer_r[n > 0 ? n : 0] = '\0';
    return n > 0 ? OK : TRY_AGAIN;
}

enum result socket_ask(const char *address, struct span question, unsigned wait_ms,
                       char answer_r[static SOCKET_ANSWER_MAX], struct error *e)
{
    struct sockaddr_storage to;
    socklen_t length;
    int fd = open_socket(address, &to, &length);
    enum result r = TRY_AGAIN;

    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, length) == 0)
        r = converse(fd, question, wait_ms, answer_r);
    if (r != OK)
        error_set(e, r, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return r;
}
