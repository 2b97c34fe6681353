/* SPDX-License-Identifier: MIT */
/*
 * A server on a unix socket, and its clients in the same event loop.  Time stands still
 * until a test moves it.  The service does what a frame's first word says: "park",
 * "close", "big" (a reply of BIG octets, more than the kernel takes at once); any other
 * frame gets its first line back.  A '!' is never a frame.
 */
#ifndef POSTERN_T_SERVER_FIXTURE_H
#define POSTERN_T_SERVER_FIXTURE_H

#include <poll.h>

#include "policyd/server.h"

enum { FRAME_MAX = 8192, IDLE_S = 600, DEADLINE_MS = 20, TURNS_MAX = 20000, BIG = 100000, PARKED_MAX = 8 };

struct parked {
    struct waiting waiting;
    struct conn *conn;
    struct span frame;
    bool cancelled, expired;
};

extern char path[64], spec[80]; /* the socket: "unix:" and the path */
extern struct server *server;
extern const struct service service;
extern int64_t now;
extern struct parked parked[PARKED_MAX];
extern size_t parked_count;

void server_fixture_open(void); /* for tcase_add_checked_fixture */
void server_fixture_close(void);

void set_limits(unsigned connections, unsigned deadline_ms);
bool frame_is(struct span frame, const char *word);

void turn(void);
void turns(unsigned count);

#define UNTIL(condition)                                                                                     \
    do {                                                                                                     \
        for (unsigned n_ = 0; !(condition); n_++) {                                                          \
            ck_assert_msg(n_ < TURNS_MAX, "never: " #condition);                                             \
            turn();                                                                                          \
            if (n_ > 100)                                                                                    \
                poll(NULL, 0, 1);                                                                            \
        }                                                                                                    \
    } while (0)

int client(void); /* connected */
void say(int fd, const char *text);

/* The next octets that come, as many or up to the connection's end. */
const char *reply(int fd, size_t len);
bool has_reply(int fd); /* within a few turns */
void ck_reply(int fd, const char *expected);
void ck_closed(int fd); /* by the server; closes it here too */

#endif
