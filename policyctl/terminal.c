/* SPDX-License-Identifier: MIT */
#include "policyctl/terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool has_colours(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && *term && strcmp(term, "dumb") != 0;
}

const char *colour_begin(enum colour colour)
{
    static const char *const codes[] = { [COLOUR_NONE] = "",
                                         [COLOUR_GOOD] = "\033[32m",
                                         [COLOUR_WARNING] = "\033[33m",
                                         [COLOUR_BAD] = "\033[1;31m" };

    return has_colours() ? codes[colour] : "";
}

const char *colour_end(enum colour colour)
{
    return colour != COLOUR_NONE && has_colours() ? "\033[0m" : "";
}

size_t terminal_columns(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
