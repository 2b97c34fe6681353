/* SPDX-License-Identifier: MIT */
#include "policyctl/ask.h"

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
