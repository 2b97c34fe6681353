/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void parse_unix(const char *path, struct endpoint *endpoint_r)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&endpoint_r->address;
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof un->sun_path)
        errx(2, "%s: the path of a socket has 1 to %zu octets", endpoint_r->spec, sizeof un->sun_path - 1);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    endpoint_r->len = sizeof *un;
}

static void parse_inet(const char *text, int socktype, struct endpoint *endpoint_r)
{
    struct addrinfo hints = { .ai_socktype = socktype, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    char host[64];
    int rc;

    if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof host)
        errx(2, "%s: neither unix:PATH nor inet:ADDRESS:PORT", endpoint_r->spec);
    memcpy(host, text, len);
    host[len] = '\0';
    if ((rc = getaddrinfo(host, colon + 1, &hints, &found)) != 0)
        errx(2, "%s: %s", endpoint_r->spec, gai_strerror(rc));
    memcpy(&endpoint_r->address, found->ai_addr, found->ai_addrlen);
    endpoint_r->len = found->ai_addrlen;
    freeaddrinfo(found);
}

void endpoint_parse(const char *spec, int socktype, struct endpoint *endpoint_r)
{
    *endpoint_r = (struct endpoint){ .spec = spec };
    if (strncmp(spec, "unix:", 5) == 0)
        parse_unix(spec + 5, endpoint_r);
    else if (strncmp(spec, "inet:", 5) == 0)
        parse_inet(spec + 5, socktype, endpoint_r);
    else
        errx(2, "%s: neither unix:PATH nor inet:ADDRESS:PORT", spec);
}

int endpoint_listen(const struct endpoint *at, int socktype)
{
    const struct sockaddr *address = (const struct sockaddr *)&at->address;
    int fd = socket(address->sa_family, socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        err(2, "socket");
    if (address->sa_family == AF_UNIX)
        unlink(((const struct sockaddr_un *)address)->sun_path);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, at->len) < 0)
        err(2, "%s", at->spec);
    if (address->sa_family == AF_UNIX && chmod(((const struct sockaddr_un *)address)->sun_path, 0666) < 0)
        err(2, "%s", at->spec);
    if (socktype == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
        err(2, "%s", at->spec);
    return fd;
}

int endpoint_connect(const struct endpoint *to)
{
    int fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, error;

    if (fd < 0)
        return -1;
    if (to->address.ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&to->address, to->len) == 0 &&
        fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}
