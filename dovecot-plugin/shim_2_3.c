/* SPDX-License-Identifier: MIT */
/*
 * The driver's module for Dovecot 2.3: passdb { driver = postern args = FILE }.
 * Only authdb_postern_* is visible: modules are loaded globally.  Layer 9.
 */
#include "dovecot-plugin/shim.h"

EXPORTED void authdb_postern_init(void);
EXPORTED void authdb_postern_deinit(void);
extern EXPORTED const char *authdb_postern_version;

const char *authdb_postern_version = DOVECOT_ABI_VERSION;

enum auth_secured shim_secured(const struct auth_request *request)
{
    static const enum auth_secured secured[] = {
        [AUTH_REQUEST_SECURED_NONE] = AUTH_SECURED_NONE,
        [AUTH_REQUEST_SECURED] = AUTH_SECURED_TRUSTED,
        [AUTH_REQUEST_SECURED_TLS] = AUTH_SECURED_TLS,
    };

    return secured[request->fields.secured];
}

const char *shim_service(const struct auth_request *request)
{
    return request->fields.service;
}

bool shim_password_matches(struct auth_request *request, const char *plain, const char *stored, const char *scheme)
{
    return auth_request_password_verify(request, plain, stored, scheme, AUTH_SUBSYS_DB) > 0;
}

void shim_log_unknown_user(struct auth_request *request)
{
    auth_request_log_unknown_user(request, AUTH_SUBSYS_DB);
}

void shim_set_user_field(struct auth_request *request, const char *name, const char *value)
{
    if (strcmp(name, "quota") == 0)
        auth_request_set_userdb_field(request, "quota_rule", t_strconcat("*:storage=", value, NULL));
    else
        auth_request_set_userdb_field(request, name, value);
}

/* Dovecot 2.3 has no other way to refuse a configuration than to end. */
static struct passdb_module *passdb_preinit_postern(pool_t pool, const char *args)
{
    struct error e = { "write args = FILE, with the path of policyd.conf" };
    struct passdb_module *module = args[0] != '\0' ? shim_passdb_new(pool, args, &e) : NULL;

    if (module == NULL)
        i_fatal("passdb postern: %s", e.text);
    return module;
}

static struct userdb_module *userdb_preinit_postern(pool_t pool, const char *args)
{
    struct error e = { "write args = FILE, with the path of policyd.conf" };
    struct userdb_module *module = args[0] != '\0' ? shim_userdb_new(pool, args, &e) : NULL;

    if (module == NULL)
        i_fatal("userdb postern: %s", e.text);
    return module;
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
