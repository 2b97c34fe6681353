/* SPDX-License-Identifier: MIT */
/*
 * Where a benchmark's server listens: "unix:PATH" or "inet:ADDRESS:PORT" (IPv4,
 * or IPv6 in brackets).  For the programs of t/bench only: what is wrong ends the
 * program with status 2 and one line.
 */
#ifndef POSTERN_BENCH_ENDPOINT_H
#define POSTERN_BENCH_ENDPOINT_H

#include <sys/socket.h>

struct endpoint {
    const char *spec; /* the caller's */
    struct sockaddr_storage address;
    socklen_t len;
};

void endpoint_parse(const char *spec, int socktype, struct endpoint *endpoint_r);

/* A non-blocking socket, bound (over a left-over unix socket) and, for streams,
 * listening. */
int endpoint_listen(const struct endpoint *at, int socktype);

/* A connected, non-blocking stream socket, or -1 with errno. */
int endpoint_connect(const struct endpoint *to);

#endif
