/* SPDX-License-Identifier: MIT */
#include "setting.h"

#include <string.h>
#include <strings.h>

void setting_starttls(const char *service, unsigned port, struct strbuf *b)
{
    static const struct {
        const char *service;
        unsigned port;
    } services[] = {
        { "imap", 143 }, { "pop3", 110 }, { "smtp", 587 }, { "submission", 587 }, { "sieve", 4190 }
    };

    for (size_t i = 0; port == 0 && i < sizeof services / sizeof services[0]; i++)
        if (strcmp(service, services[i].service) == 0)
            port = services[i].port;
    strbuf_adds(b, "Set Encryption to STARTTLS");
    if (port > 0)
        strbuf_addf(b, " on port %u", port);
}

const char setting_new_password[] = "this password must not be used any more, set a new one";

const char setting_stolen[] = "mail was sent that looks like somebody else's, ask for a new password";

bool mechanism_is_plaintext(struct span name)
{
    static const struct span names[] = { SPAN_INIT("PLAIN"), SPAN_INIT("LOGIN"), SPAN_INIT("XOAUTH2"),
                                         SPAN_INIT("OAUTHBEARER") };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.len == names[i].len && strncasecmp(name.ptr, names[i].ptr, name.len) == 0)
            return true;
    return false;
}
