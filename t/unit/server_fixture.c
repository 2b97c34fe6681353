/* SPDX-License-Identifier: MIT */
#include "t/unit/server_fixture.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "policyd/log.h"
#include "policyd/protocol.h"

static char directory[] = "/tmp/postern-server.XXXXXX";
char path[64], spec[80];
static struct event_base *base;
struct server *server;
int64_t now;

/* ---- a service that does what its frames say ---- */

struct parked parked[PARKED_MAX];
size_t parked_count;

static void on_cancel(struct waiting *w)
{
    ((struct parked *)w)->cancelled = true;
}

static void on_expire(struct waiting *w)
{
    struct parked *p = (struct parked *)w;

    p->expired = true;
    conn_reply(p->conn, SPAN("expired\n"));
}

static enum result frame(struct span text, size_t *scanned, size_t *length_r, struct error *e)
{
    *length_r = protocol_frame(text, scanned);
    return text.ptr[0] == '!' ? error_set(e, BAD, "never a frame") : OK;
}

bool frame_is(struct span f, const char *word)
{
    return f.len >= strlen(word) && memcmp(f.ptr, word, strlen(word)) == 0;
}

static enum served handle(struct conn *c, struct span f)
{
    static char big[BIG];
    int small = 1;

    if (frame_is(f, "close"))
        return SERVED_CLOSE;
    if (frame_is(f, "park")) {
        struct parked *p = &parked[parked_count++];
        *p = (struct parked){ { on_cancel, on_expire }, c, f, false, false };
        conn_park(c, &p->waiting);
        return SERVED_PARKED;
    }
    if (frame_is(f, "big")) { /* more than the kernel takes */
        ck_assert_int_eq(setsockopt(conn_fd(c), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
        memset(big, 'B', sizeof big);
        conn_reply(c, (struct span){ big, sizeof big });
    } else
        conn_reply(c, (struct span){ f.ptr, strcspn(f.ptr, "\n") + 1 }); /* echo of the first line */
    return SERVED;
}

const struct service service = { "test", frame, handle, .takes_fd = false };

/* ---- the loop, and clients ---- */

static int64_t test_now(void)
{
    return now;
}

void turn(void)
{
    ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    server_send(server);
}

void turns(unsigned count)
{
    while (count-- > 0)
        turn();
}

int client(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(str_copy(span_of(path), un.sun_path, sizeof un.sun_path), OK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
    return fd;
}

void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The next reply, up to as many octets; "" where the server closed. */
const char *reply(int fd, size_t len)
{
    static char text[2 * BIG];
    size_t got = 0;

    while (got < len) {
        ssize_t n = -1;
        UNTIL((n = recv(fd, text + got, len - got, 0)) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK));
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    text[got] = '\0';
    return text;
}

bool has_reply(int fd)
{
    char c;

    turns(3);
    return recv(fd, &c, 1, MSG_PEEK) >= 0;
}

void ck_reply(int fd, const char *expected)
{
    ck_assert_str_eq(reply(fd, strlen(expected)), expected);
}

void ck_closed(int fd)
{
    ck_assert_str_eq(reply(fd, 1), "");
    close(fd);
}

static const struct server_limits limits = { FRAME_MAX, 16, 60000, IDLE_S };

void set_limits(unsigned connections, unsigned deadline_ms)
{
    struct server_limits l = limits;

    l.connections = connections;
    l.deadline_ms = deadline_ms;
    server_set_limits(server, &l);
}

void server_fixture_open(void)
{
    struct error e = { "" };
    int fd;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/socket", directory);
    snprintf(spec, sizeof spec, "unix:%s", path);
    ck_assert_int_eq(log_open("/dev/null", &e), OK);
    now = 1000;
    parked_count = 0;
    base = event_base_new();
    ck_assert_int_eq(server_open(base, &limits, test_now, &server), OK);
    ck_assert_msg(server_socket(spec, -1, &fd, &e) == OK, "%s", e.text);
    ck_assert_int_eq(server_listen(server, fd, &service, &e), OK);
}

void server_fixture_close(void)
{
    server_close(&server);
    ck_assert_ptr_null(server);
    server_close(&server);
    event_base_free(base);
    log_close();
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
}
