/* SPDX-License-Identifier: MIT */
/* A client that calls itself by this host's own name or address.  Layer 5. */
#include <string.h>

#include "policyd/check.h"

/* An address literal (RFC 5321, 4.1.3), or the address alone. */
static bool is_own_address(const struct check_ctx *c, const char *helo)
{
    struct span text = span_of(helo);
    struct network claimed, own;

    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = (struct span){ text.ptr + 1, text.len - 2 };
    if (text.len > 5 && span_equal_case((struct span){ text.ptr, 5 }, SPAN("ipv6:")))
        text = (struct span){ text.ptr + 5, text.len - 5 };
    return network_parse_ip(text, &claimed) == OK &&
           network_parse_ip(c->request->attr[ATTR_SERVER_ADDRESS], &own) == OK &&
           network_contains(&own, &claimed);
}

enum verdict helo_self_run(const struct check_ctx *c, struct finding *f)
{
    const char *helo = c->request->helo;
    bool own = strcmp(helo, c->config->hostname) == 0 || is_own_address(c, helo);

    for (size_t i = 0; !own && i < c->config->helo_self.names.count; i++)
        own = strcmp(helo, c->config->helo_self.names.item[i]) == 0;
    if (!own)
        return VERDICT_PASS;
    finding_row(f, "%s is this host", helo);
    return check_refuse(c, f, "own_name", helo, NULL);
}
