/* SPDX-License-Identifier: MIT */
/*
 * Private to the server: one connection, and the server it belongs to.  A connection
 * holds one frame at a time; while that is not answered, or its reply not taken,
 * nothing more is read.  Layer 7.
 */
#ifndef POSTERN_CONN_H
#define POSTERN_CONN_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "policyd/server.h"

TAILQ_HEAD(conn_list, conn);

struct conn {
    TAILQ_ENTRY(conn) entry; /* in the order of the last whole request */
    struct server *server;
    const struct service *service;
    struct event read, write, deadline;
    int fd, passed_fd; /* the second came beside a frame; -1: none */
    unsigned long number;
    char name[32];
    int64_t served_at;
    struct waiting *waiting; /* not NULL: parked */
    bool busy;               /* within serve_frames: replies do not start it again */
    bool closing;            /* closed within serve_frames: freed when that ends */
    char *buffer;            /* what came: the frame being served first */
    size_t size, len, scanned, frame_len;
    char *out; /* replies of this turn, or what the peer does not take yet */
    size_t out_len, out_size;
    bool to_send; /* in the server's list */
    TAILQ_ENTRY(conn) send_entry;
};

struct server {
    struct event_base *base;
    struct server_limits limits;
    server_now_fn *now;
    struct server_stats stats;
    struct listener *listeners;
    struct conn_list conns;
    struct conn_list to_send; /* those with replies of this turn, in their order */
    struct event sweep;
    int reserve; /* a descriptor to spare for saying no with */
};

/* Takes the descriptor over and waits for its first frame. */
void conn_open(struct server *, const struct service *, int fd);

#endif
