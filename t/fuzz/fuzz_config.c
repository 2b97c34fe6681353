/* SPDX-License-Identifier: MIT */
/*
 * Any octets as policyd.conf: a line that says what is wrong, or a configuration that
 * prints as a file which loads as the same one.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/config.h"
#include "t/fuzz/fuzz.h"

enum { TEXT_MAX = 16384 };

static enum result load(const void *text, size_t size, struct config **config_r, struct error *e)
{
    int fd = memfd_create("policyd.conf", MFD_CLOEXEC);
    char path[64];
    enum result r;

    need(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    r = config_load(path, config_r, e);
    close(fd);
    return r;
}

static char *dump(const struct config *config, size_t *size_r)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size_r);

    need(out != NULL);
    config_dump(config, out);
    need(fclose(out) == 0 && text != NULL);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL, *again = NULL;
    struct error e = { "" };
    size_t first_size, second_size;

    if (size > TEXT_MAX)
        return 0;
    if (load(data, size, &config, &e) != OK) {
        need(e.text[0] != '\0' && !strchr(e.text, '\n') && config == NULL);
        return 0;
    }
    char *first = dump(config, &first_size);
    need(load(first, first_size, &again, &e) == OK);
    char *second = dump(again, &second_size);
    need(first_size == second_size && memcmp(first, second, first_size) == 0);
    free(first);
    free(second);
    config_free(&config);
    config_free(&again);
    return 0;
}
