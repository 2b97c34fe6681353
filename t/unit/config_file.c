/* SPDX-License-Identifier: MIT */
#include "config_file.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char config_file_path[64];

void config_file_write(const char *text, size_t len)
{
    FILE *f = fopen(config_file_path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

void config_file_create(void)
{
    snprintf(config_file_path, sizeof config_file_path, "/tmp/test_config.XXXXXX");
    int fd = mkstemp(config_file_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

void config_file_remove(void)
{
    unlink(config_file_path);
}

struct config *config_file_load(const char *text)
{
    struct config *config;
    struct error e = { "" };

    config_file_write(text, strlen(text));
    ck_assert_msg(config_load(config_file_path, &config, &e) == OK, "%s in\n%s", e.text, text);
    return config;
}
