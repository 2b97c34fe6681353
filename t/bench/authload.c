/* SPDX-License-Identifier: MIT */
/*
 * authload SOCKET CONNECTIONS OUTSTANDING SECONDS ACCOUNTS PASSWORD - a load of logins.
 *
 * Speaks Dovecot's authentication protocol on its client socket, as a login process does
 * (Dovecot, "Authentication Protocol"): PLAIN, for accounts user<I>@d<I mod 1000>.example in
 * random order, OUTSTANDING requests at a time on each connection.  Prints one line of JSON.
 */
#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"

enum { CONNECTIONS_MAX = 64, OUTSTANDING_MAX = 64, LATENCIES = 4 << 20 };

struct client {
    int fd;
    unsigned next; /* id of the next request; each id has a slot in `sent_at` */
    uint64_t sent_at[OUTSTANDING_MAX];
    char buffer[65536];
    size_t used;
};

static struct client clients[CONNECTIONS_MAX];
static uint64_t latency_ns[LATENCIES], count, failed, seed = 88172645463325252u;
static unsigned accounts, outstanding;
static const char *password;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t random_number(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void base64(const char *text, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t n = 0;
        for (size_t k = 0; k < 3; k++)
            n = n << 8 | (i + k < len ? (unsigned char)text[i + k] : 0);
        for (int k = 0; k < 4; k++)
            *out++ = i + (size_t)k <= len ? digits[n >> (18 - 6 * k) & 63] : '=';
    }
    *out = '\0';
}

static void send_all(int fd, const char *text, size_t len)
{
    struct pollfd p = { fd, POLLOUT, 0 };

    for (ssize_t n; len > 0; text += n, len -= (size_t)n) {
        n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && poll(&p, 1, 10000) == 1)
            n = 0;
        if (n < 0)
            err(1, "send");
    }
}

static void ask(struct client *c)
{
    unsigned i = (unsigned)(random_number() % accounts), id = ++c->next;
    char plain[128], token[192], line[320];
    int len = snprintf(plain, sizeof plain, "%cuser%u@d%u.example%c%s", 0, i, i % 1000, 0, password);

    base64(plain, (size_t)len, token);
    len = snprintf(line, sizeof line,
                   "AUTH\t%u\tPLAIN\tservice=imap\tsecured=tls\tlport=143\trip=192.0.2.1\tresp=%s\n", id, token);
    c->sent_at[id % outstanding] = now_ns();
    send_all(c->fd, line, (size_t)len);
}

/* Answers come in any order; the slot tells how long the oldest of its number took. */
static void take(struct client *c, const char *line)
{
    unsigned id;

    if (sscanf(line, "OK\t%u", &id) == 1) {
        if (count < LATENCIES)
            latency_ns[count] = now_ns() - c->sent_at[id % outstanding];
        count++;
    } else if (sscanf(line, "FAIL\t%u", &id) == 1)
        failed++;
    else
        return; /* a request that goes on, or a greeting */
    ask(c);
}

static void receive(struct client *c)
{
    ssize_t n = recv(c->fd, c->buffer + c->used, sizeof c->buffer - 1 - c->used, 0);
    char *line = c->buffer, *end;

    if (n <= 0)
        errx(1, "Dovecot hung up");
    c->used += (size_t)n;
    c->buffer[c->used] = '\0';
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        take(c, line);
    }
    c->used = strlen(line);
    memmove(c->buffer, line, c->used + 1);
}

static void greet(struct client *c, const struct endpoint *to, unsigned number)
{
    char line[64];
    int len = snprintf(line, sizeof line, "VERSION\t1\t2\nCPID\t%u\n", (unsigned)getpid() * 64 + number);

    c->fd = endpoint_connect(to);
    if (c->fd < 0)
        err(2, "%s", to->spec);
    send_all(c->fd, line, (size_t)len);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void print(double seconds)
{
    size_t n = count < LATENCIES ? count : LATENCIES;

    qsort(latency_ns, n, sizeof *latency_ns, ascending);
    printf("{\"ok\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"per_s\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           count, failed, (double)count / seconds, n ? (double)latency_ns[n / 2] / 1e3 : 0,
           n ? (double)latency_ns[n * 99 / 100] / 1e3 : 0);
}

static unsigned number(const char *text, unsigned max)
{
    unsigned long n = strtoul(text, NULL, 10);

    if (n < 1 || n > max)
        errx(2, "'%s' is no number from 1 to %u", text, max);
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    struct pollfd poll_fd[CONNECTIONS_MAX];
    struct endpoint to;
    uint64_t begin, end;
    unsigned connections;

    if (argc != 7)
        errx(2, "usage: authload SOCKET CONNECTIONS OUTSTANDING SECONDS ACCOUNTS PASSWORD");
    endpoint_parse(argv[1], SOCK_STREAM, &to);
    connections = number(argv[2], CONNECTIONS_MAX);
    outstanding = number(argv[3], OUTSTANDING_MAX);
    accounts = number(argv[5], 10000000);
    password = argv[6];
    for (unsigned i = 0; i < connections; i++) {
        greet(&clients[i], &to, i);
        poll_fd[i] = (struct pollfd){ clients[i].fd, POLLIN, 0 };
        for (unsigned k = 0; k < outstanding; k++)
            ask(&clients[i]);
    }
    begin = now_ns();
    end = begin + (uint64_t)number(argv[4], 3600) * 1000000000;
    while (now_ns() < end) {
        if (poll(poll_fd, connections, 10000) <= 0)
            errx(1, "no answer for 10 s");
        for (unsigned i = 0; i < connections; i++)
            if (poll_fd[i].revents)
                receive(&clients[i]);
    }
    print((double)(now_ns() - begin) / 1e9);
    return 0;
}
