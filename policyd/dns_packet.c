/* SPDX-License-Identifier: MIT */
#include "policyd/dns_packet.h"

#include <ldns/ldns.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static const ldns_rr_type rr_types[] = {
    [DNS_A] = LDNS_RR_TYPE_A,
    [DNS_AAAA] = LDNS_RR_TYPE_AAAA,
    [DNS_MX] = LDNS_RR_TYPE_MX,
    [DNS_TXT] = LDNS_RR_TYPE_TXT,
};

/* A label's length octet is below 'A', so whole names in wire form can be folded. */
static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static bool is_host_octet(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*';
}

enum result dns_name_set(struct span text, struct dns_name *name_r)
{
    size_t label = 0; /* where the length of the current label goes */

    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > DNS_NAME_MAX)
        return BAD;
    for (size_t i = 0; i <= text.len; i++) {
        unsigned char c = i < text.len ? fold((unsigned char)text.ptr[i]) : '.';
        if (c == '.') {
            if (i == label || i - label > LABEL_MAX)
                return BAD;
            name_r->wire[label] = (unsigned char)(i - label);
            label = i + 1;
        } else if (is_host_octet(c))
            name_r->wire[i + 1] = c;
        else
            return BAD;
    }
    name_r->wire[label] = 0;
    name_r->length = label + 1;
    return OK;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    return a->length == b->length && memcmp(a->wire, b->wire, a->length) == 0;
}

enum result dns_packet_build(const struct dns_query *query, uint16_t id, bool edns,
                             struct dns_packet *packet_r)
{
    ldns_rdf *name = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, query->name.length, query->name.wire);
    ldns_pkt *packet;
    uint8_t *octets = NULL;
    size_t length;
    enum result result = TRY_AGAIN;

    if (!name)
        return TRY_AGAIN;
    packet = ldns_pkt_query_new(name, rr_types[query->type], LDNS_RR_CLASS_IN, LDNS_RD);
    if (!packet) {
        ldns_rdf_deep_free(name);
        return TRY_AGAIN;
    }
    ldns_pkt_set_id(packet, id);
    if (edns)
        ldns_pkt_set_edns_udp_size(packet, DNS_EDNS_OCTETS);
    if (ldns_pkt2wire(&octets, packet, &length) == LDNS_STATUS_OK && length <= sizeof packet_r->octets) {
        memcpy(packet_r->octets, octets, length);
        packet_r->length = length;
        result = OK;
    }
    LDNS_FREE(octets);
    ldns_pkt_free(packet);
    return result;
}

static bool is_name(const ldns_rdf *rdf, const struct dns_name *name)
{
    const unsigned char *wire = ldns_rdf_data(rdf);

    if (ldns_rdf_size(rdf) != name->length)
        return false;
    for (size_t i = 0; i < name->length; i++)
        if (fold(wire[i]) != name->wire[i])
            return false;
    return true;
}

static void copy_name(const ldns_rdf *rdf, struct dns_name *name_r)
{
    const unsigned char *wire = ldns_rdf_data(rdf);

    name_r->length = ldns_rdf_size(rdf);
    for (size_t i = 0; i < name_r->length; i++)
        name_r->wire[i] = fold(wire[i]);
}

static bool is_record(const ldns_rr *rr, const struct dns_name *owner, ldns_rr_type type)
{
    return ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
           is_name(ldns_rr_owner(rr), owner);
}

static void lower_ttl(struct dns_reply *reply, uint32_t ttl)
{
    if (ttl > INT32_MAX) /* RFC 2181, 8 */
        ttl = 0;
    if (ttl < reply->ttl)
        reply->ttl = ttl;
}

static void add_address(const ldns_rr *rr, struct dns_answer *answer)
{
    const ldns_rdf *rdf = ldns_rr_rdf(rr, 0);

    if (answer->count == DNS_RECORDS_MAX || !rdf || ldns_rdf_size(rdf) > sizeof answer->address[0])
        return;
    memcpy(answer->address[answer->count++], ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

/* The strings of one record are one text (RFC 5782, 2.1 and RFC 7208, 3.3). */
static void set_text(const ldns_rr *rr, struct dns_answer *answer)
{
    size_t used = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        const unsigned char *string = ldns_rdf_data(rdf);
        for (size_t k = 1; k < ldns_rdf_size(rdf) && used < DNS_TEXT_MAX; k++)
            answer->text[used++] = (char)(string[k] ? string[k] : '?');
    }
    answer->text[used] = '\0';
}

static bool take_records(const ldns_rr_list *list, const struct dns_name *owner, enum dns_type type,
                         struct dns_reply *reply)
{
    bool found = false;

    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (!is_record(rr, owner, rr_types[type]))
            continue;
        if (type == DNS_A || type == DNS_AAAA)
            add_address(rr, &reply->answer);
        else if (type == DNS_TXT && !found)
            set_text(rr, &reply->answer);
        lower_ttl(reply, ldns_rr_ttl(rr));
        found = true;
    }
    return found;
}

/* Moves reply->alias one CNAME on. */
static bool follow_alias(const ldns_rr_list *list, struct dns_reply *reply)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (!is_record(rr, &reply->alias, LDNS_RR_TYPE_CNAME) || ldns_rr_rd_count(rr) != 1)
            continue;
        copy_name(ldns_rr_rdf(rr, 0), &reply->alias);
        lower_ttl(reply, ldns_rr_ttl(rr));
        reply->aliases++;
        return true;
    }
    return false;
}

static const ldns_rr *find_type(const ldns_rr_list *list, ldns_rr_type type)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(list, i)) == type)
            return ldns_rr_list_rr(list, i);
    return NULL;
}

/* How long "there is none" holds is in the SOA (RFC 2308, 5); false: there is no SOA. */
static bool take_negative_ttl(const ldns_pkt *packet, struct dns_reply *reply)
{
    const ldns_rr *soa = find_type(ldns_pkt_authority(packet), LDNS_RR_TYPE_SOA);
    const ldns_rdf *minimum = soa ? ldns_rr_rdf(soa, 6) : NULL;

    if (!minimum) {
        reply->ttl = 0;
        return false;
    }
    lower_ttl(reply, ldns_rr_ttl(soa));
    lower_ttl(reply, ldns_rdf2native_int32(minimum));
    return true;
}

/* A reply without a SOA may be NODATA all the same, but not where it names other
 * servers to ask (RFC 2308, 2.2), nor where its chain leads out of the packet. */
static void read_none(const ldns_pkt *packet, bool name_exists, struct dns_reply *reply)
{
    uint32_t chain_ttl = reply->ttl;
    bool has_soa = take_negative_ttl(packet, reply);

    reply->kind = DNS_REPLY_ANSWER;
    if (!name_exists)
        reply->answer.status = DNS_NXDOMAIN;
    else if (has_soa || reply->aliases == 0)
        reply->answer.status = DNS_NODATA;
    else {
        reply->kind = DNS_REPLY_ALIAS;
        reply->ttl = chain_ttl;
    }
    if (name_exists && !has_soa && reply->aliases == 0 &&
        find_type(ldns_pkt_authority(packet), LDNS_RR_TYPE_NS))
        reply->kind = DNS_REPLY_USELESS;
}

static void read_answer(const ldns_pkt *packet, const struct dns_query *query, bool name_exists,
                        struct dns_reply *reply)
{
    const ldns_rr_list *list = ldns_pkt_answer(packet);

    reply->ttl = INT32_MAX;
    reply->alias = query->name;
    while (!take_records(list, &reply->alias, query->type, reply)) {
        if (reply->aliases == DNS_ALIASES_MAX) {
            reply->kind = DNS_REPLY_ANSWER;
            reply->answer.status = DNS_FAILED;
            return;
        }
        if (!follow_alias(list, reply)) {
            read_none(packet, name_exists, reply);
            return;
        }
    }
    reply->kind = DNS_REPLY_ANSWER;
    reply->answer.status = DNS_FOUND;
}

static enum dns_reply_kind failure_kind(unsigned rcode)
{
    bool old = rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL || rcode == 16; /* BADVERS */

    return old ? DNS_REPLY_NO_EDNS : DNS_REPLY_USELESS;
}

static bool is_success(unsigned rcode)
{
    return rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
}

/* OK: it is our question, NOT_FOUND: another one, BAD: none that can be read. */
static enum result check_question(const unsigned char *octets, size_t length, const struct dns_query *query)
{
    ldns_rr *rr = NULL;
    size_t at = LDNS_HEADER_SIZE;
    bool ours;

    if (LDNS_QDCOUNT(octets) != 1 ||
        ldns_wire2rr(&rr, octets, length, &at, LDNS_SECTION_QUESTION) != LDNS_STATUS_OK)
        return BAD;
    ours = is_record(rr, &query->name, rr_types[query->type]);
    ldns_rr_free(rr);
    return ours ? OK : NOT_FOUND;
}

static void read_packet(const unsigned char *octets, size_t length, const struct dns_query *query,
                        struct dns_reply *reply)
{
    ldns_pkt *packet = NULL;
    unsigned rcode;

    reply->kind = DNS_REPLY_USELESS;
    if (ldns_wire2pkt(&packet, octets, length) != LDNS_STATUS_OK)
        return;
    rcode = (unsigned)ldns_pkt_get_rcode(packet) | (unsigned)ldns_pkt_edns_extended_rcode(packet) << 4;
    if (is_success(rcode))
        read_answer(packet, query, rcode == LDNS_RCODE_NOERROR, reply);
    else
        reply->kind = failure_kind(rcode);
    ldns_pkt_free(packet);
}

void dns_packet_read(const unsigned char *octets, size_t length, const struct dns_query *query, uint16_t id,
                     struct dns_reply *reply_r)
{
    enum result question;

    reply_r->kind = DNS_REPLY_OTHER;
    reply_r->answer.status = DNS_FAILED;
    reply_r->answer.count = 0;
    reply_r->answer.text[0] = '\0';
    reply_r->ttl = 0;
    reply_r->aliases = 0;
    if (length < LDNS_HEADER_SIZE || LDNS_ID_WIRE(octets) != id || !LDNS_QR_WIRE(octets) ||
        LDNS_OPCODE_WIRE(octets) != LDNS_PACKET_QUERY)
        return;
    question = check_question(octets, length, query);
    if (question == NOT_FOUND)
        return;
    if (question != OK) /* some servers send an error with the header only */
        reply_r->kind = failure_kind(LDNS_RCODE_WIRE(octets));
    else if (LDNS_TC_WIRE(octets))
        reply_r->kind = DNS_REPLY_TRUNCATED;
    else
        read_packet(octets, length, query, reply_r);
}
