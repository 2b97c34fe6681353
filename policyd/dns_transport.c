/* SPDX-License-Identifier: MIT */
#include "policyd/dns_transport.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 4096, LENGTH_OCTETS = 2 };

struct dns_transport {
    struct dns_transport_user *user;
    int fd;
    struct event *datagram;     /* UDP */
    struct bufferevent *stream; /* TCP */
};

/* One datagram a turn, and nothing after the call: it may close the transport. */
static void read_datagram(evutil_socket_t fd, short what, void *context)
{
    struct dns_transport_user *user = ((struct dns_transport *)context)->user;
    unsigned char octets[DATAGRAM_MAX];
    ssize_t length = recv(fd, octets, sizeof octets, 0);

    (void)what;
    if (length >= 0)
        user->packet(user, octets, (size_t)length);
    else if (errno != EAGAIN && errno != EINTR)
        user->broken(user);
}

static void read_stream(struct bufferevent *stream, void *context)
{
    struct dns_transport_user *user = ((struct dns_transport *)context)->user;
    struct evbuffer *input = bufferevent_get_input(stream);
    unsigned char prefix[LENGTH_OCTETS];
    const unsigned char *octets;
    size_t length;

    if (evbuffer_copyout(input, prefix, sizeof prefix) < LENGTH_OCTETS)
        return;
    length = ldns_read_uint16(prefix);
    if (length > DNS_REPLY_MAX) {
        user->broken(user);
        return;
    }
    if (evbuffer_get_length(input) < LENGTH_OCTETS + length)
        return;
    octets = evbuffer_pullup(input, (ev_ssize_t)(LENGTH_OCTETS + length));
    if (octets)
        user->packet(user, octets + LENGTH_OCTETS, length);
    else
        user->broken(user);
}

static void end_stream(struct bufferevent *stream, short what, void *context)
{
    struct dns_transport_user *user = ((struct dns_transport *)context)->user;

    (void)stream;
    (void)what;
    user->broken(user);
}

static enum result watch_datagrams(struct event_base *base, struct dns_transport *t)
{
    t->datagram = event_new(base, t->fd, EV_READ | EV_PERSIST, read_datagram, t);
    return t->datagram && event_add(t->datagram, NULL) == 0 ? OK : TRY_AGAIN;
}

/* Reading stops at the watermark, so that a server cannot fill the memory. */
static enum result watch_stream(struct event_base *base, struct dns_transport *t)
{
    t->stream = bufferevent_socket_new(base, t->fd, 0);
    if (!t->stream)
        return TRY_AGAIN;
    bufferevent_setcb(t->stream, read_stream, NULL, end_stream, t);
    bufferevent_setwatermark(t->stream, EV_READ, LENGTH_OCTETS, LENGTH_OCTETS + DNS_REPLY_MAX);
    return bufferevent_enable(t->stream, EV_READ | EV_WRITE) == 0 ? OK : TRY_AGAIN;
}

static const struct {
    int socket_type;
    enum result (*watch)(struct event_base *base, struct dns_transport *t);
} kinds[] = {
    [DNS_TRANSPORT_UDP] = { SOCK_DGRAM, watch_datagrams },
    [DNS_TRANSPORT_TCP] = { SOCK_STREAM, watch_stream },
};

enum result dns_transport_open(struct event_base *base, enum dns_transport_kind kind,
                               const struct dns_server *server, struct dns_transport_user *user,
                               struct dns_transport **transport_r)
{
    const struct sockaddr *address = (const struct sockaddr *)&server->address;
    struct dns_transport *t = calloc(1, sizeof *t);

    if (!t)
        return TRY_AGAIN;
    t->user = user;
    t->fd = socket(address->sa_family, kinds[kind].socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0 || (connect(t->fd, address, server->length) != 0 && errno != EINPROGRESS) ||
        kinds[kind].watch(base, t) != OK) {
        dns_transport_close(&t);
        return TRY_AGAIN;
    }
    *transport_r = t;
    return OK;
}

static enum result send_stream(struct bufferevent *stream, const struct dns_packet *packet)
{
    unsigned char prefix[LENGTH_OCTETS];

    ldns_write_uint16(prefix, (uint16_t)packet->length);
    if (bufferevent_write(stream, prefix, sizeof prefix) != 0 ||
        bufferevent_write(stream, packet->octets, packet->length) != 0)
        return TRY_AGAIN;
    return OK;
}

/* A full send buffer is a lost packet like any other: the question is repeated. */
enum result dns_transport_send(struct dns_transport *transport, const struct dns_packet *packet)
{
    if (transport->stream)
        return send_stream(transport->stream, packet);
    if (send(transport->fd, packet->octets, packet->length, MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
        return OK;
    return TRY_AGAIN;
}

void dns_transport_close(struct dns_transport **transport)
{
    struct dns_transport *t = *transport;

    if (!t)
        return;
    if (t->datagram)
        event_free(t->datagram);
    if (t->stream) { /* freed later by libevent: off the descriptor now, whose number may come again */
        bufferevent_disable(t->stream, EV_READ | EV_WRITE);
        bufferevent_free(t->stream);
    }
    if (t->fd >= 0)
        close(t->fd);
    free(t);
    *transport = NULL;
}
