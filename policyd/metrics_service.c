/* SPDX-License-Identifier: MIT */
#include "policyd/metrics_service.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "policyd/daemon.h"
#include "policyd/metrics.h"

struct door {
    SLIST_ENTRY(door) entry;
    struct evconnlistener *listener;
};

static struct {
    struct evhttp *http;
    struct event *timer;
    unsigned accepted; /* since the timer last fired */
    SLIST_HEAD(door_list, door) doors;
} service;

static void reply(struct evhttp_request *q, int code, const char *reason, struct evbuffer *body,
                  const char *type)
{
    struct evkeyvalq *head = evhttp_request_get_output_headers(q);

    evhttp_add_header(head, "Content-Type", type);
    evhttp_add_header(head, "Connection", "close"); /* a connection is one of few */
    evhttp_send_reply(q, code, reason, body);
    evbuffer_free(body);
}

static void on_metrics(struct evhttp_request *q, void *arg)
{
    struct evbuffer *body = evbuffer_new();

    (void)arg;
    if (!body) {
        evhttp_send_error(q, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    metrics_write(body);
    reply(q, HTTP_OK, "OK", body, "text/plain; version=0.0.4; charset=utf-8");
}

static void on_health(struct evhttp_request *q, void *arg)
{
    struct evbuffer *body = evbuffer_new();
    bool is_well;

    (void)arg;
    if (!body) {
        evhttp_send_error(q, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    is_well = health_write(body);
    reply(q, is_well ? HTTP_OK : HTTP_SERVUNAVAIL, is_well ? "OK" : "Service Unavailable", body,
          "text/plain; charset=utf-8");
}

/* The server has no cap on connections of its own: the listeners rest until the next
 * second when there were many. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct door *d;

    (void)arg;
    if (++service.accepted >= METRICS_PER_SECOND)
        SLIST_FOREACH(d, &service.doors, entry)
    evconnlistener_disable(d->listener);
    return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct door *d;

    (void)fd, (void)what, (void)arg;
    service.accepted = 0;
    SLIST_FOREACH(d, &service.doors, entry)
    evconnlistener_enable(d->listener);
}

static enum result open_server(struct error *e)
{
    struct timeval second = { 1, 0 };

    if (service.http)
        return OK;
    service.http = evhttp_new(the_daemon.base);
    service.timer = event_new(the_daemon.base, -1, EV_PERSIST, on_second, NULL);
    if (!service.http || !service.timer || event_add(service.timer, &second) != 0 ||
        evhttp_set_cb(service.http, "/metrics", on_metrics, NULL) != 0 ||
        evhttp_set_cb(service.http, "/healthz", on_health, NULL) != 0)
        return error_set(e, TRY_AGAIN, "metrics: out of memory");
    evhttp_set_allowed_methods(service.http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(service.http, METRICS_REQUEST_MAX);
    evhttp_set_max_body_size(service.http, METRICS_REQUEST_MAX);
    evhttp_set_timeout(service.http, METRICS_TIMEOUT_S);
    evhttp_set_bevcb(service.http, on_connection, NULL);
    return OK;
}

enum result metrics_listen(int fd, struct error *e)
{
    struct door *d = calloc(1, sizeof *d);
    enum result r;

    if (!d) {
        close(fd);
        return error_set(e, TRY_AGAIN, "metrics: out of memory");
    }
    r = open_server(e);
    if (r == OK && evutil_make_socket_nonblocking(fd) != 0)
        r = error_set(e, TRY_AGAIN, "metrics: the socket cannot be used");
    if (r == OK)
        d->listener = evconnlistener_new(the_daemon.base, NULL, NULL,
                                         LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (r == OK && (!d->listener || !evhttp_bind_listener(service.http, d->listener)))
        r = error_set(e, TRY_AGAIN, "metrics: the socket cannot be listened on");
    if (r == OK)
        SLIST_INSERT_HEAD(&service.doors, d, entry);
    else {
        if (d->listener)
            evconnlistener_free(d->listener);
        else
            close(fd);
        free(d);
    }
    return r;
}

void metrics_close(void)
{
    struct door *d;

    if (service.http)
        evhttp_free(service.http); /* and its listeners */
    if (service.timer)
        event_free(service.timer);
    while ((d = SLIST_FIRST(&service.doors)) != NULL) {
        SLIST_REMOVE_HEAD(&service.doors, entry);
        free(d);
    }
    service.http = NULL;
    service.timer = NULL;
}
