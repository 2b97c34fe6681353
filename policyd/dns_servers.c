/* SPDX-License-Identifier: MIT */
#include "policyd/dns_servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/str.h"

enum { DNS_PORT = 53 };

static bool set_inet(const char *host, uint16_t port, struct dns_server *server_r)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&server_r->address;

    if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
        return false;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    server_r->length = sizeof *in;
    return true;
}

static bool set_inet6(char *host, uint16_t port, struct dns_server *server_r)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&server_r->address;
    char *scope = strchr(host, '%');

    if (scope) {
        *scope++ = '\0';
        in6->sin6_scope_id = if_nametoindex(scope);
        if (in6->sin6_scope_id == 0)
            return false;
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
        return false;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    server_r->length = sizeof *in6;
    return true;
}

enum result dns_server_parse(const char *text, struct dns_server *server_r, struct error *error)
{
    const char *at = strchr(text, '@');
    struct span host_text = at ? (struct span){ text, (size_t)(at - text) } : span_of(text);
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE];
    uint64_t port = DNS_PORT;

    memset(server_r, 0, sizeof *server_r);
    if (at && str_number(span_of(at + 1), 1, UINT16_MAX, &port) != OK)
        return error_set(error, BAD, "DNS server \"%s\": the port must be a number from 1 to 65535", text);
    if (str_copy(host_text, host, sizeof host) == OK &&
        (set_inet(host, (uint16_t)port, server_r) || set_inet6(host, (uint16_t)port, server_r)))
        return OK;
    return error_set(error, BAD, "DNS server \"%s\": not an address: write ADDRESS or ADDRESS@PORT", text);
}

enum result dns_servers_set(const char *const *texts, size_t count, struct dns_servers *servers_r,
                            struct error *error)
{
    memset(servers_r, 0, sizeof *servers_r);
    if (count > DNS_SERVERS_MAX)
        return error_set(error, BAD, "%zu DNS servers: at most %d", count, DNS_SERVERS_MAX);
    for (; servers_r->count < count; servers_r->count++)
        if (dns_server_parse(texts[servers_r->count], &servers_r->list[servers_r->count], error) != OK)
            return BAD;
    return OK;
}

static void read_line(const char *line, struct dns_servers *servers)
{
    char keyword[12], address[64]; /* the widths below, and a NUL */

    if (servers->count < DNS_SERVERS_RESOLV_CONF && sscanf(line, "%11s %63s", keyword, address) == 2 &&
        strcmp(keyword, "nameserver") == 0 &&
        dns_server_parse(address, &servers->list[servers->count], NULL) == OK)
        servers->count++;
}

enum result dns_servers_read(const char *path, struct dns_servers *servers_r, struct error *error)
{
    static const char *const localhost[] = { "127.0.0.1" };
    FILE *file = fopen(path, "re");
    char line[1024];
    bool failed;

    memset(servers_r, 0, sizeof *servers_r);
    if (!file && errno != ENOENT)
        return error_set(error, BAD, "%s: %s", path, strerror(errno));
    if (file) {
        while (fgets(line, sizeof line, file))
            read_line(line, servers_r);
        failed = ferror(file) != 0;
        fclose(file);
        if (failed)
            return error_set(error, BAD, "%s: cannot be read", path);
    }
    return servers_r->count > 0 ? OK : dns_servers_set(localhost, 1, servers_r, error);
}

void dns_servers_order(struct dns_servers *servers, uint64_t now, unsigned char order_r[DNS_SERVERS_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < servers->count; i++)
        if (servers->list[i].dead_until <= now)
            order_r[used++] = (unsigned char)i;
    for (size_t i = 0; i < servers->count; i++)
        if (servers->list[i].dead_until > now)
            order_r[used++] = (unsigned char)i;
    for (size_t i = 0; i < servers->count; i++)
        if (servers->list[i].dead_until > 0 && servers->list[i].dead_until <= now)
            servers->list[i].dead_until = now + DNS_SERVER_DEAD_MS;
}
