/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out within the libraries that parse for us (scarce.h): each of their calls
 * counts as one allocation, and fails as the library says that it does.
 */
#include <confuse.h>
#include <errno.h>
#include <idn2.h>
#include <ldns/ldns.h>
#include <unicase.h>

#include "t/unit/scarce.h"

uint8_t *__real_u8_casefold(const uint8_t *s, size_t n, const char *language, uninorm_t form, uint8_t *buffer,
                            size_t *length);
int __real_idn2_lookup_u8(const uint8_t *source, uint8_t **lookup, int flags);
cfg_t *__real_cfg_init(cfg_opt_t *opts, cfg_flag_t flags);
cfg_value_t *__real_cfg_setopt(cfg_t *cfg, cfg_opt_t *opt, const char *value);
ldns_rdf *__real_ldns_rdf_new_frm_data(ldns_rdf_type type, size_t size, const void *data);
ldns_pkt *__real_ldns_pkt_query_new(ldns_rdf *name, ldns_rr_type type, ldns_rr_class class, uint16_t flags);
ldns_status __real_ldns_pkt2wire(uint8_t **octets, const ldns_pkt *packet, size_t *size);
ldns_status __real_ldns_wire2rr(ldns_rr **rr, const uint8_t *wire, size_t max, size_t *pos, ldns_pkt_section section);
ldns_status __real_ldns_wire2pkt(ldns_pkt **packet, const uint8_t *wire, size_t max);

uint8_t *__wrap_u8_casefold(const uint8_t *s, size_t n, const char *language, uninorm_t form, uint8_t *buffer,
                            size_t *length);
int __wrap_idn2_lookup_u8(const uint8_t *source, uint8_t **lookup, int flags);
cfg_t *__wrap_cfg_init(cfg_opt_t *opts, cfg_flag_t flags);
cfg_value_t *__wrap_cfg_setopt(cfg_t *cfg, cfg_opt_t *opt, const char *value);
ldns_rdf *__wrap_ldns_rdf_new_frm_data(ldns_rdf_type type, size_t size, const void *data);
ldns_pkt *__wrap_ldns_pkt_query_new(ldns_rdf *name, ldns_rr_type type, ldns_rr_class class, uint16_t flags);
ldns_status __wrap_ldns_pkt2wire(uint8_t **octets, const ldns_pkt *packet, size_t *size);
ldns_status __wrap_ldns_wire2rr(ldns_rr **rr, const uint8_t *wire, size_t max, size_t *pos, ldns_pkt_section section);
ldns_status __wrap_ldns_wire2pkt(ldns_pkt **packet, const uint8_t *wire, size_t max);

uint8_t *__wrap_u8_casefold(const uint8_t *s, size_t n, const char *language, uninorm_t form, uint8_t *buffer,
                            size_t *length)
{
    if (!scarce_fails())
        return __real_u8_casefold(s, n, language, form, buffer, length);
    errno = ENOMEM;
    return NULL;
}

int __wrap_idn2_lookup_u8(const uint8_t *source, uint8_t **lookup, int flags)
{
    return scarce_fails() ? IDN2_MALLOC : __real_idn2_lookup_u8(source, lookup, flags);
}

cfg_t *__wrap_cfg_init(cfg_opt_t *opts, cfg_flag_t flags)
{
    return scarce_fails() ? NULL : __real_cfg_init(opts, flags);
}

cfg_value_t *__wrap_cfg_setopt(cfg_t *cfg, cfg_opt_t *opt, const char *value)
{
    return scarce_fails() ? NULL : __real_cfg_setopt(cfg, opt, value);
}

ldns_rdf *__wrap_ldns_rdf_new_frm_data(ldns_rdf_type type, size_t size, const void *data)
{
    return scarce_fails() ? NULL : __real_ldns_rdf_new_frm_data(type, size, data);
}

ldns_pkt *__wrap_ldns_pkt_query_new(ldns_rdf *name, ldns_rr_type type, ldns_rr_class class, uint16_t flags)
{
    return scarce_fails() ? NULL : __real_ldns_pkt_query_new(name, type, class, flags);
}

ldns_status __wrap_ldns_pkt2wire(uint8_t **octets, const ldns_pkt *packet, size_t *size)
{
    return scarce_fails() ? LDNS_STATUS_MEM_ERR : __real_ldns_pkt2wire(octets, packet, size);
}

ldns_status __wrap_ldns_wire2rr(ldns_rr **rr, const uint8_t *wire, size_t max, size_t *pos, ldns_pkt_section section)
{
    return scarce_fails() ? LDNS_STATUS_MEM_ERR : __real_ldns_wire2rr(rr, wire, max, pos, section);
}

ldns_status __wrap_ldns_wire2pkt(ldns_pkt **packet, const uint8_t *wire, size_t max)
{
    return scarce_fails() ? LDNS_STATUS_MEM_ERR : __real_ldns_wire2pkt(packet, wire, max);
}
