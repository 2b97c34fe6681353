/* SPDX-License-Identifier: MIT */
#include "t/unit/dns_server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HELD_MAX = 1024, QUESTION_MAX = 600, CONNECTIONS_MAX = 64 };

struct held {
    struct sockaddr_in client;
    uint16_t id;
    const struct script_row *row;
};

struct connection {
    struct scripted_server *server;
    struct bufferevent *stream; /* NULL: free */
    struct evbuffer *output;    /* octets still to send one by one */
    struct event *drip;
};

struct scripted_server {
    struct event_base *base;
    const struct script_row *rows;
    int fd, forger; /* UDP sockets */
    struct event *datagram;
    struct evconnlistener *listener;
    char address[32];
    struct dns_server_counts counts;
    struct held held[HELD_MAX];
    size_t held_count;
    struct connection connections[CONNECTIONS_MAX];
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int udp_socket(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *address = loopback(0);
    need(fd >= 0 && bind(fd, (struct sockaddr *)address, length) == 0 &&
             getsockname(fd, (struct sockaddr *)address, &length) == 0,
         "UDP socket");
    return fd;
}

/* Questions */

/* The row for a question; question_r gets its text, "name. TYPE". */
static const struct script_row *find_row(struct scripted_server *s, const unsigned char *octets,
                                         size_t length, char *question_r)
{
    static const struct script_row refused = { .reply.rcode = LDNS_RCODE_REFUSED };
    const struct script_row *row;
    ldns_pkt *packet;
    ldns_rr *rr;
    char *name, *type;

    need(ldns_wire2pkt(&packet, octets, length) == LDNS_STATUS_OK, "malformed question");
    rr = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    name = ldns_rdf2str(ldns_rr_owner(rr));
    type = ldns_rr_type2str(ldns_rr_get_type(rr));
    snprintf(question_r, QUESTION_MAX, "%s %s", name, type);
    free(name);
    free(type);
    if (ldns_pkt_edns_udp_size(packet) > 0)
        s->counts.edns++;
    else
        s->counts.plain++;
    ldns_pkt_free(packet);
    for (row = s->rows; row->question; row++)
        if (strcasecmp(row->question, question_r) == 0)
            return row;
    return &refused;
}

static bool has_edns(const unsigned char *octets)
{
    return LDNS_ARCOUNT(octets) > 0;
}

/* Replies by UDP */

static void send_datagram(int fd, const struct sockaddr_in *to, const unsigned char *octets, size_t length)
{
    need(sendto(fd, octets, length, 0, (const struct sockaddr *)to, sizeof *to) == (ssize_t)length, "sendto");
}

static void send_text(int fd, const struct sockaddr_in *to, uint16_t id, const struct reply_text *text)
{
    unsigned char octets[REPLY_OCTETS_MAX];

    send_datagram(fd, to, octets, reply_build(text, id, octets));
}

static void send_forged(struct scripted_server *s, const struct sockaddr_in *to, uint16_t id, unsigned flags,
                        const char *question)
{
    char answer[QUESTION_MAX + 64];
    struct reply_text text = { .question = question, .answer = answer };
    size_t name = strcspn(question, " ");

    snprintf(answer, sizeof answer, "%.*s 60 A " SCRIPT_FORGED_ADDRESS, (int)name, question);
    if (flags & SCRIPT_FORGE_ID)
        send_text(s->fd, to, id ^ 1, &text);
    if (flags & SCRIPT_FORGE_SOURCE)
        send_text(s->forger, to, id, &text);
    text.question = "forged.example. A";
    if (flags & SCRIPT_FORGE_QUESTION)
        send_text(s->fd, to, id, &text);
}

static void send_garbage(struct scripted_server *s, const struct sockaddr_in *to, uint16_t id,
                         const char *question)
{
    struct reply_text text = { .question = question };
    unsigned char octets[REPLY_OCTETS_MAX];
    size_t length = reply_build(&text, id, octets);

    octets[7] = 1; /* an answer, says the header */
    memset(octets + length, 0xff, 40);
    send_datagram(s->fd, to, octets, length + 40);
}

static void hold(struct scripted_server *s, const struct sockaddr_in *to, uint16_t id,
                 const struct script_row *row)
{
    need(s->held_count < HELD_MAX, "too many questions held");
    s->held[s->held_count++] = (struct held){ .client = *to, .id = id, .row = row };
}

static void answer_datagram(struct scripted_server *s, const struct sockaddr_in *to, uint16_t id,
                            const struct script_row *row, const char *question)
{
    struct reply_text text = row->reply;

    text.question = question;
    if (row->flags & (SCRIPT_TRUNCATE | SCRIPT_TRUNCATE_TCP)) {
        text.answer = text.authority = NULL;
        text.truncated = true;
    }
    send_forged(s, to, id, row->flags, question);
    if (row->flags & SCRIPT_NOISE)
        send_datagram(s->fd, to, (const unsigned char *)"???", 3);
    else if (row->flags & SCRIPT_GARBAGE)
        send_garbage(s, to, id, question);
    else if (row->flags & SCRIPT_HOLD)
        hold(s, to, id, row);
    else if (!(row->flags & SCRIPT_SILENT))
        send_text(s->fd, to, id, &text);
}

static void on_datagram(evutil_socket_t fd, short what, void *context)
{
    static const struct script_row form_error = { .reply.rcode = LDNS_RCODE_FORMERR };
    struct scripted_server *s = context;
    struct sockaddr_in client;
    socklen_t client_length = sizeof client;
    unsigned char octets[4096];
    char question[QUESTION_MAX];
    const struct script_row *row;
    ssize_t length = recvfrom(fd, octets, sizeof octets, 0, (struct sockaddr *)&client, &client_length);

    (void)what;
    if (length < 0)
        return; /* a client has closed its socket: its ICMP error */
    row = find_row(s, octets, (size_t)length, question);
    s->counts.udp++;
    if ((row->flags & SCRIPT_NO_EDNS) && has_edns(octets))
        row = &form_error;
    answer_datagram(s, &client, LDNS_ID_WIRE(octets), row, question);
}

void dns_server_release(struct scripted_server *s)
{
    for (size_t i = 0; i < s->held_count; i++) {
        struct reply_text text = s->held[i].row->reply;
        text.question = s->held[i].row->question;
        send_text(s->fd, &s->held[i].client, s->held[i].id, &text);
    }
    s->held_count = 0;
}

/* Replies by TCP */

static void connection_close(struct connection *c)
{
    if (!c->stream)
        return;
    bufferevent_free(c->stream);
    evbuffer_free(c->output);
    event_free(c->drip);
    c->stream = NULL;
}

/* One octet a time, with a turn of the loop between. */
static void on_drip(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;
    unsigned char octet;

    (void)fd;
    (void)what;
    if (evbuffer_remove(c->output, &octet, 1) != 1)
        return;
    bufferevent_write(c->stream, &octet, 1);
    event_add(c->drip, &(struct timeval){ .tv_usec = 100 });
}

static void send_stream(struct connection *c, unsigned flags, const unsigned char *octets, size_t length)
{
    unsigned char prefix[2] = { (unsigned char)(length >> 8), (unsigned char)length };

    if (flags & SCRIPT_TCP_LENGTH)
        prefix[0] = prefix[1] = 0xff;
    evbuffer_add(c->output, prefix, sizeof prefix);
    evbuffer_add(c->output, octets, length);
    if (flags & SCRIPT_SPLIT)
        on_drip(-1, 0, c);
    else
        bufferevent_write_buffer(c->stream, c->output);
}

static void answer_stream(struct connection *c, const unsigned char *query, size_t length)
{
    char question[QUESTION_MAX];
    const struct script_row *row = find_row(c->server, query, length, question);
    struct reply_text text = row->reply;
    unsigned char octets[REPLY_OCTETS_MAX];

    c->server->counts.tcp++;
    text.question = question;
    text.truncated = (row->flags & SCRIPT_TRUNCATE_TCP) != 0;
    if (row->flags & SCRIPT_TCP_SILENT)
        return;
    length =
        reply_build(&text, (uint16_t)(LDNS_ID_WIRE(query) ^ ((row->flags & SCRIPT_FORGE_ID) != 0)), octets);
    if (row->flags & SCRIPT_CLOSE)
        connection_close(c);
    else
        send_stream(c, row->flags, octets, length);
}

static void on_stream(struct bufferevent *stream, void *context)
{
    struct connection *c = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    unsigned char octets[600];
    size_t length;

    if (evbuffer_copyout(input, octets, 2) < 2)
        return;
    length = ldns_read_uint16(octets);
    if (evbuffer_get_length(input) < length + 2)
        return;
    need(length + 2 <= sizeof octets, "long question");
    evbuffer_remove(input, octets, length + 2);
    answer_stream(c, octets + 2, length);
}

static void on_stream_end(struct bufferevent *stream, short what, void *context)
{
    (void)stream;
    (void)what;
    connection_close(context);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context)
{
    struct scripted_server *s = context;
    struct connection *c = s->connections;

    (void)listener;
    (void)address;
    (void)length;
    while (c < s->connections + CONNECTIONS_MAX && c->stream)
        c++;
    need(c < s->connections + CONNECTIONS_MAX, "too many connections");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    c->server = s;
    c->stream = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->output = evbuffer_new();
    c->drip = evtimer_new(s->base, on_drip, c);
    bufferevent_setcb(c->stream, on_stream, NULL, on_stream_end, c);
    bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

/* Life */

struct scripted_server *dns_server_new(struct event_base *base, const struct script_row *rows)
{
    struct scripted_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address, forger;

    s->base = base;
    s->rows = rows;
    s->forger = udp_socket(&forger);
    for (int tries = 0; !s->listener; tries++) { /* until the same port is free for TCP */
        need(tries < 100, "no port for UDP and TCP");
        if (tries > 0)
            close(s->fd);
        s->fd = udp_socket(&address);
        s->listener =
            evconnlistener_new_bind(base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
                                    (struct sockaddr *)&address, sizeof address);
    }
    s->datagram = event_new(base, s->fd, EV_READ | EV_PERSIST, on_datagram, s);
    event_add(s->datagram, NULL);
    snprintf(s->address, sizeof s->address, "127.0.0.1@%u", ntohs(address.sin_port));
    return s;
}

void dns_server_free(struct scripted_server **server)
{
    struct scripted_server *s = *server;

    if (!s)
        return;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        connection_close(&s->connections[i]);
    evconnlistener_free(s->listener);
    event_free(s->datagram);
    close(s->fd);
    close(s->forger);
    free(s);
    *server = NULL;
}

void dns_server_set_script(struct scripted_server *s, const struct script_row *rows)
{
    s->rows = rows;
}

const char *dns_server_address(const struct scripted_server *s)
{
    return s->address;
}

struct dns_server_counts dns_server_counts(const struct scripted_server *s)
{
    return s->counts;
}
