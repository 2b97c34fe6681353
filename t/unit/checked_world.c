/* SPDX-License-Identifier: MIT */
#include "t/unit/checked_world.h"

#include <check.h>

struct world world;

void checked_world_open(void)
{
    struct error e = { "" };

    ck_assert_msg(world_open(&world, &e) == OK, "%s", e.text);
}

void checked_world_close(void)
{
    world_close(&world);
}

void change(const char *line)
{
    struct error e = { "" };

    ck_assert_msg(world_change(&world, span_of(line), &e) == OK, "%s: %s", line, e.text);
}

void changes(const char *const *lines)
{
    for (; *lines; lines++)
        change(*lines);
}

void configure(const char *text)
{
    struct error e = { "" };

    ck_assert_msg(world_configure(&world, text, &e) == OK, "%s: %s", text, e.text);
}

void dns(const char *line)
{
    ck_assert_msg(fake_dns_add(&world.dns, span_of(line)) == OK, "%s", line);
}

struct address address_of(const char *text)
{
    struct address a;

    ck_assert_msg(address_parse(span_of(text), &a) == OK, "%s", text);
    return a;
}
