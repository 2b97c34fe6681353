/* SPDX-License-Identifier: MIT */
/*
 * Octets from a DNS server.  The ID is taken from the packet, so that it is read on;
 * the question in the seeds is a.example, for each type.
 */
#include "policyd/dns_packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_answer(const struct dns_answer *answer)
{
    check(answer->status <= DNS_FAILED);
    check(answer->status == DNS_FOUND || answer->count == 0);
    check(answer->count <= DNS_RECORDS_MAX);
    check(memchr(answer->text, '\0', sizeof answer->text) != NULL);
}

/* It must be possible to ask for the alias. */
static void check_alias(const struct dns_reply *reply, enum dns_type type)
{
    struct dns_query query = { .name = reply->alias, .type = type };
    struct dns_packet packet;

    check(reply->aliases >= 1 && reply->alias.length >= 1 && reply->alias.length <= DNS_NAME_OCTETS);
    check(dns_packet_build(&query, 1, true, &packet) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t id = size < 2 ? 0 : (uint16_t)(data[0] << 8 | data[1]);
    struct dns_query query;

    check(dns_name_set(SPAN("a.example"), &query.name) == OK);
    for (query.type = DNS_A; query.type <= DNS_TXT; query.type++) {
        struct dns_reply reply;
        dns_packet_read(data, size, &query, id, &reply);
        check(reply.kind <= DNS_REPLY_ANSWER && reply.aliases <= DNS_ALIASES_MAX);
        if (reply.kind == DNS_REPLY_ANSWER)
            check_answer(&reply.answer);
        if (reply.kind == DNS_REPLY_ALIAS)
            check_alias(&reply, query.type);
    }
    return 0;
}
