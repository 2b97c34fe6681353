/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets and connections: accepting, framing, replying, time-outs and
 * caps.  What is in a frame is a service's business.  Layer 7.
 */
#ifndef POSTERN_SERVER_H
#define POSTERN_SERVER_H

#include <event2/event.h>

#include "lib/result.h"
#include "lib/str.h"

struct server;
struct conn;

/* The length of the first whole frame, 0 where more is to come; *scanned starts at 0
 * and is the framer's to remember how far it looked. BAD: never a frame; then the
 * line says why. */
typedef enum result frame_fn(struct span text, size_t *scanned, size_t *length_r, struct error *);

enum served { SERVED, SERVED_PARKED, SERVED_CLOSE };

struct service {
    const char *name; /* for the log, and of the socket under socket activation */
    frame_fn *frame;
    /* Handles one frame, which stays where it is until the reply: SERVED after
     * conn_reply; SERVED_PARKED: conn_reply comes later (conn_waiting is set). */
    enum served (*handle)(struct conn *, struct span frame);
    bool takes_fd; /* a descriptor may come with a frame (SCM_RIGHTS, unix(7)): conn_take_fd */
};

/* Whoever parks a connection keeps this for it; cancel is called when the connection
 * goes first, expire at the deadline. */
struct waiting {
    void (*cancel)(struct waiting *);
    void (*expire)(struct waiting *);
};

struct server_limits {
    unsigned frame_bytes, connections, deadline_ms, idle_timeout_s;
};

/* Seconds, of any clock: only differences count. */
typedef int64_t server_now_fn(void);

enum result server_open(struct event_base *, const struct server_limits *, server_now_fn *,
                        struct server **server_r) MUST_CHECK;
void server_close(struct server **); /* open connections too */
void server_set_limits(struct server *, const struct server_limits *);

/* Closes what was idle for too long; the server does so itself every few seconds. */
void server_sweep(struct server *);

/* Serves on a listening socket, which the server owns from now on. */
enum result server_listen(struct server *, int fd, const struct service *, struct error *) MUST_CHECK;

/* Opens "unix:PATH" (mode 0660, group gid unless that is -1; a socket that nobody
 * listens on any more is replaced) or "inet:ADDRESS:PORT". */
enum result server_socket(const char *spec, int group, int *fd_r, struct error *) MUST_CHECK;

/* Likewise a datagram socket at a path. */
enum result server_datagram_socket(const char *path, int group, int *fd_r, struct error *) MUST_CHECK;

/* To be called at the end of each turn of the loop: sends its replies. */
void server_send(struct server *);

void conn_reply(struct conn *, struct span reply); /* and goes on with the next frame, if it was parked */

/* conn_reply in two: the reply of a parked connection, and what follows. Between them its frame
 * stays where it is; cancel is called when the connection goes, expire no more. */
void conn_answer(struct conn *, struct span reply);
void conn_go_on(struct conn *);

void conn_close(struct conn *);
void conn_park(struct conn *, struct waiting *); /* once more: the deadline begins anew */
const char *conn_name(const struct conn *); /* "policy#17": for the log */
int conn_fd(const struct conn *);
int conn_take_fd(struct conn *); /* the descriptor that came last, the caller's to close; -1: none */

struct server_stats {
    uint64_t accepted, requests, malformed, oversized, idle_closed, cap_closed;
    unsigned open, parked;
};
struct server_stats server_stats(const struct server *);

#endif
