/* SPDX-License-Identifier: MIT */
#include "policyctl/ask.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum result ask_policyd(const struct ctl *ctl, struct span request, char reply_r[static CONTROL_REPLY_MAX],
                        struct error *e)
{
    int fd;
    enum result r = control_connect(ctl->config->control_socket, &fd, e);

    if (r != OK)
        return TRY_AGAIN;
    r = control_ask(fd, request, reply_r, e);
    close(fd);
    return r;
}

const char *ask_who(char name_r[static ASK_WHO_MAX])
{
    const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *pw = getpwuid(getuid());
    struct strbuf b;

    strbuf_init(&b, name_r, ASK_WHO_MAX);
    if (pw)
        strbuf_add_clean(&b, span_of(pw->pw_name));
    else
        strbuf_addf(&b, "uid %ld", (long)getuid());
    if (sudo && *sudo) {
        strbuf_adds(&b, ", sudo by ");
        strbuf_add_clean(&b, span_of(sudo));
    }
    return b.cut ? "" : name_r;
}
