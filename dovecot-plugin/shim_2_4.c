/* SPDX-License-Identifier: MIT */
/*
 * The driver's module for Dovecot 2.4: passdb postern { config = FILE }.
 * Only authdb_postern_* is visible: modules are loaded globally.  Layer 9.
 */
#include "dovecot-plugin/shim.h"

#include "dovecot-plugin/settings_2_4.h"

EXPORTED void authdb_postern_init(void);
EXPORTED void authdb_postern_deinit(void);
extern EXPORTED const char *authdb_postern_version;

const char *authdb_postern_version = DOVECOT_ABI_VERSION;

enum auth_secured shim_secured(const struct auth_request *request)
{
    static const enum auth_secured secured[] = {
        [AUTH_REQUEST_CONN_SECURED_NONE] = AUTH_SECURED_NONE,
        [AUTH_REQUEST_CONN_SECURED] = AUTH_SECURED_TRUSTED,
        [AUTH_REQUEST_CONN_SECURED_TLS] = AUTH_SECURED_TLS,
    };

    return secured[request->fields.conn_secured];
}

const char *shim_service(const struct auth_request *request)
{
    return request->fields.protocol;
}

bool shim_password_matches(struct auth_request *request, const char *plain, const char *stored, const char *scheme)
{
    return auth_request_db_password_verify(request, plain, stored, scheme) == PASSDB_RESULT_OK;
}

void shim_log_unknown_user(struct auth_request *request)
{
    auth_request_db_log_unknown_user(request);
}

/* Dovecot 2.3's mail_location, "DRIVER:PATH:OPTION=VALUE...", is settings of their own in
 * 2.4 (doc.dovecot.org, "Upgrading Dovecot v2.3 to v2.4"). */
static void set_mail(struct auth_request *request, const char *location)
{
    static const struct {
        const char *option, *setting;
    } options[] = {
        { "INDEX", "mail_index_path" },     { "CONTROL", "mail_control_path" },
        { "INBOX", "mail_inbox_path" },     { "ALT", "mail_alt_path" },
        { "LAYOUT", "mailbox_list_layout" }, { "VOLATILEDIR", "mail_volatile_path" },
    };
    const char *const *part = t_strsplit(location, ":");

    auth_request_set_userdb_field(request, "mail_driver", *part);
    if (*++part == NULL)
        return;
    auth_request_set_userdb_field(request, "mail_path", *part);
    while (*++part != NULL)
        for (size_t i = 0; i < N_ELEMENTS(options); i++) {
            size_t len = strlen(options[i].option);
            if (strncmp(*part, options[i].option, len) == 0 && (*part)[len] == '=')
                auth_request_set_userdb_field(request, options[i].setting, *part + len + 1);
        }
}

void shim_set_user_field(struct auth_request *request, const char *name, const char *value)
{
    if (strcmp(name, "mail") == 0)
        set_mail(request, value);
    else if (strcmp(name, "quota") == 0)
        auth_request_set_userdb_field(request, "quota_storage_size", value);
    else
        auth_request_set_userdb_field(request, name, value);
}

static const char no_config[] = "write config = FILE, with the path of policyd.conf";

static int passdb_preinit_postern(pool_t pool, struct event *event, struct passdb_module **module_r,
                                  const char **error_r)
{
    const struct postern_settings *set;
    struct error e = { "" };

    if (settings_get(event, &postern_setting_parser_info, 0, &set, error_r) < 0)
        return -1;
    *module_r = set->passdb_config[0] != '\0' ? shim_passdb_new(pool, set->passdb_config, &e) : NULL;
    settings_free(set);
    if (*module_r == NULL)
        *error_r = e.text[0] != '\0' ? t_strdup(e.text) : no_config;
    return *module_r != NULL ? 0 : -1;
}

static int userdb_preinit_postern(pool_t pool, struct event *event, struct userdb_module **module_r,
                                  const char **error_r)
{
    const struct postern_settings *set;
    struct error e = { "" };

    if (settings_get(event, &postern_setting_parser_info, 0, &set, error_r) < 0)
        return -1;
    *module_r = set->userdb_config[0] != '\0' ? shim_userdb_new(pool, set->userdb_config, &e) : NULL;
    settings_free(set);
    if (*module_r == NULL)
        *error_r = e.text[0] != '\0' ? t_strdup(e.text) : no_config;
    return *module_r != NULL ? 0 : -1;
}

void authdb_postern_init(void)
{
    shim_passdb.preinit = passdb_preinit_postern;
    shim_userdb.preinit = userdb_preinit_postern;
    passdb_register_module(&shim_passdb);
    userdb_register_module(&shim_userdb);
}

void authdb_postern_deinit(void)
{
    passdb_unregister_module(&shim_passdb);
    userdb_unregister_module(&shim_userdb);
}
