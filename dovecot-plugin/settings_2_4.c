/* SPDX-License-Identifier: MIT */
/*
 * Tells Dovecot 2.4's configuration of the driver's setting: doveconf loads this module
 * from the folder `settings` and knows no setting of which no module told it.  Layer 9.
 */
#include "dovecot-plugin/settings_2_4.h"

#include <stddef.h>

#define EXPORTED __attribute__((visibility("default")))

static const struct setting_define defines[] = {
    { .type = SET_FILTER_NAME, .key = "passdb_postern" },
    { .type = SET_FILTER_NAME, .key = "userdb_postern" },
    { .type = SET_STR, .key = "passdb_postern_config", .offset = offsetof(struct postern_settings, passdb_config) },
    { .type = SET_STR, .key = "userdb_postern_config", .offset = offsetof(struct postern_settings, userdb_config) },
    SETTING_DEFINE_LIST_END,
};

static const struct postern_settings defaults = { .passdb_config = "", .userdb_config = "" };

/* Look-ups and hashing block: in auth workers, with a connection to the table each. */
static const struct setting_keyvalue defaults_of_others[] = {
    { "passdb_postern/passdb_use_worker", "yes" },
    { "passdb_postern/passdb_default_password_scheme", "crypt" },
    { "userdb_postern/userdb_use_worker", "yes" },
    { NULL, NULL },
};

const struct setting_parser_info postern_setting_parser_info = {
    .name = "auth_postern",
    .defines = defines,
    .defaults = &defaults,
    .default_settings = defaults_of_others,
    .struct_size = sizeof(struct postern_settings),
    .pool_offset1 = 1 + offsetof(struct postern_settings, pool),
};

extern EXPORTED const char *postern_settings_version;
extern EXPORTED const struct setting_parser_info *const postern_settings_set_infos[];

const char *postern_settings_version = DOVECOT_ABI_VERSION;
const struct setting_parser_info *const postern_settings_set_infos[] = { &postern_setting_parser_info, NULL };
