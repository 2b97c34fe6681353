/* SPDX-License-Identifier: MIT */
/*
 * The driver's settings for Dovecot 2.4: `config` within passdb postern { } and within
 * userdb postern { }, which in full are passdb_postern_config and userdb_postern_config.  Layer 9, private.
 */
#ifndef POSTERN_SETTINGS_2_4_H
#define POSTERN_SETTINGS_2_4_H

#include <config.h>

#include <lib.h>
#include <settings.h>

struct postern_settings {
    pool_t pool;
    const char *passdb_config, *userdb_config; /* paths of policyd.conf */
};

extern const struct setting_parser_info postern_setting_parser_info;

#endif
