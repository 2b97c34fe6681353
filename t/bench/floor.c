/* SPDX-License-Identifier: MIT */
/*
 * floor ENDPOINT - a policy server that decides nothing.
 *
 * One thread, epoll: reads each request up to its blank line and answers
 * "action=DUNNO".  What it reaches is what the protocol, the sockets and the
 * load generator allow on a machine; policyd is measured against it.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

enum { EVENTS_MAX = 256, READ_MAX = 16384 };

struct client {
    int fd;
    char last; /* the octet before this read; '\0' after a blank line */
};

static void close_client(struct client **client)
{
    close((*client)->fd);
    free(*client);
    *client = NULL;
}

static void answer_requests(struct client *client, const char *data, size_t len)
{
    static const char reply[] = "action=DUNNO\n\n";

    for (size_t i = 0; i < len; i++) {
        if (data[i] != '\n' || client->last != '\n') {
            client->last = data[i];
            continue;
        }
        client->last = '\0';
        if (send(client->fd, reply, sizeof reply - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
            warn("send");
    }
}

static void serve_client(struct client *client)
{
    char data[READ_MAX];
    ssize_t n = recv(client->fd, data, sizeof data, 0);

    if (n > 0)
        answer_requests(client, data, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_client(&client);
}

static void accept_client(int poll_fd, int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    struct client *client;
    struct epoll_event event = { .events = EPOLLIN };

    if (fd < 0)
        return;
    if (!(client = calloc(1, sizeof *client)))
        err(2, "calloc");
    client->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a unix socket: no matter */
    event.data.ptr = client;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        err(2, "epoll_ctl");
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX], event = { .events = EPOLLIN, .data.ptr = NULL };
    struct endpoint at;
    int listen_fd, poll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (argc != 2)
        errx(2, "usage: floor unix:PATH|inet:ADDRESS:PORT");
    endpoint_parse(argv[1], SOCK_STREAM, &at);
    listen_fd = endpoint_listen(&at, SOCK_STREAM);
    if (poll_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event) < 0)
        err(2, "epoll");
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int n = epoll_wait(poll_fd, events, EVENTS_MAX, -1);

        if (n < 0 && errno != EINTR)
            err(2, "epoll_wait");
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                serve_client(events[i].data.ptr);
            else
                accept_client(poll_fd, listen_fd);
    }
}
