/* SPDX-License-Identifier: MIT */
/*
 * passdb and userdb driver "postern": auth_core between Dovecot's structures, nothing
 * decided here.  Runs in auth workers (blocking), gives no cache key: a cached answer
 * would skip a suspension, a new password and the TLS rule.  Layer 9.
 */
#include "dovecot-plugin/shim.h"

#include <ioloop.h>
#include <net.h>
#include <password-scheme.h>
#include <safe-memset.h>

#define DEFAULT_SCHEME "CRYPT" /* of a password without {SCHEME} */

struct postern_passdb {
    struct passdb_module module;
    struct auth_core *core;
};

struct postern_userdb {
    struct userdb_module module;
    struct auth_core *core;
};

/* ---- passdb ---- */

static struct auth_core *core_of_passdb(struct auth_request *request)
{
    return ((struct postern_passdb *)request->passdb->passdb)->core;
}

static const char *text(const char *s)
{
    return s != NULL ? s : "";
}

static struct auth_login login_of(const struct auth_request *request)
{
    return (struct auth_login){
        .user = request->fields.user,
        .service = text(shim_service(request)),
        .mechanism = text(request->fields.mech_name),
        .server_name = text(request->fields.local_name),
        .client = request->fields.remote_ip.family != 0 ? net_ip2addr(&request->fields.remote_ip) : "",
        .secured = shim_secured(request),
        .local_port = request->fields.local_port,
        .now = ioloop_time,
    };
}

/* What has to be known beside the result: the canonical name, the reason, the log. */
static enum passdb_result report(struct auth_request *request, enum auth_result r,
                                 const struct auth_answer *answer)
{
    struct event *event = authdb_event(request);

    /* Where the password did not match, another passdb may know the name as it was written. */
    if ((r == AUTH_OK || r == AUTH_REFUSED) && strcmp(answer->user, request->fields.user) != 0)
        auth_request_set_field(request, "user", answer->user, NULL);
    if (answer->observed[0] != '\0')
        e_info(event, "would be refused if it were enforced: %s", answer->observed);
    switch (r) {
    case AUTH_OK:
        for (size_t i = 0; i < answer->fields.count; i++)
            auth_request_set_field(request, answer->fields.field[i].name, answer->fields.field[i].value, NULL);
        return PASSDB_RESULT_OK;
    case AUTH_UNKNOWN:
        shim_log_unknown_user(request);
        return PASSDB_RESULT_USER_UNKNOWN;
    case AUTH_MISMATCH:
        return PASSDB_RESULT_PASSWORD_MISMATCH;
    case AUTH_REFUSED:
        e_info(event, "refused: %s", answer->cause);
        if (answer->reason[0] != '\0')
            auth_request_set_field(request, "reason", answer->reason, NULL);
        return PASSDB_RESULT_USER_DISABLED;
    case AUTH_UNAVAILABLE:
        break;
    }
    e_error(event, "%s", answer->error.text);
    return PASSDB_RESULT_INTERNAL_FAILURE;
}

struct attempt {
    struct auth_request *request;
    const char *password;
};

/* Dovecot's own functions know every scheme; they log what they cannot read. */
static bool verify_password(const char *stored, bool quiet, void *context)
{
    struct attempt *attempt = context;
    const char *scheme = password_get_scheme(&stored), *error;
    struct password_generate_params params = { .user = attempt->request->fields.original_username };
    const unsigned char *raw;
    size_t size;

    if (scheme == NULL)
        scheme = DEFAULT_SCHEME;
    if (!quiet)
        return shim_password_matches(attempt->request, attempt->password, stored, scheme);
    return password_decode(stored, scheme, &raw, &size, &error) > 0 &&
           password_verify(attempt->password, &params, scheme, raw, size, &error) > 0;
}

static void passdb_verify_plain(struct auth_request *request, const char *password,
                                verify_plain_callback_t *callback)
{
    struct auth_login login = login_of(request);
    struct attempt attempt = { request, password };
    struct auth_answer answer;
    enum auth_result r = auth_core_login(core_of_passdb(request), &login, verify_password, &attempt, &answer);

    callback(report(request, r, &answer), request);
}

static void passdb_lookup_credentials(struct auth_request *request, lookup_credentials_callback_t *callback)
{
    struct auth_login login = login_of(request);
    struct auth_answer answer;
    char password[AUTH_PASSWORD_MAX];
    const char *stored = password, *scheme = NULL;
    enum passdb_result result =
        report(request, auth_core_credentials(core_of_passdb(request), &login, password, &answer), &answer);

    if (result == PASSDB_RESULT_OK) {
        scheme = password_get_scheme(&stored);
        if (scheme == NULL)
            scheme = DEFAULT_SCHEME;
    }
    passdb_handle_credentials(result, result == PASSDB_RESULT_OK ? stored : NULL, scheme, callback, request);
    safe_memset(password, 0, sizeof password);
}

struct passdb_module *shim_passdb_new(pool_t pool, const char *config_path, struct error *e)
{
    struct auth_core *core = auth_core_new(config_path, e);
    struct postern_passdb *p;

    if (core == NULL)
        return NULL;
    p = p_new(pool, struct postern_passdb, 1);
    p->core = core;
    p->module.blocking = TRUE;
    p->module.default_cache_key = NULL;
    p->module.default_pass_scheme = DEFAULT_SCHEME;
    return &p->module;
}

static void passdb_deinit_postern(struct passdb_module *module)
{
    auth_core_free(&((struct postern_passdb *)module)->core);
}

struct passdb_module_interface shim_passdb = {
    .name = "postern",
    .deinit = passdb_deinit_postern,
    .verify_plain = passdb_verify_plain,
    .lookup_credentials = passdb_lookup_credentials,
};

/* ---- userdb ---- */

static struct auth_core *core_of_userdb(struct auth_request *request)
{
    return ((struct postern_userdb *)request->userdb->userdb)->core;
}

static void userdb_lookup_postern(struct auth_request *request, userdb_callback_t *callback)
{
    struct auth_user user;
    struct error e = { "" };

    switch (auth_core_user(core_of_userdb(request), request->fields.user, &user, &e)) {
    case AUTH_OK:
        if (strcmp(user.name, request->fields.user) != 0)
            auth_request_set_userdb_field(request, "user", user.name);
        for (size_t i = 0; i < user.fields.count; i++)
            shim_set_user_field(request, user.fields.field[i].name, user.fields.field[i].value);
        callback(USERDB_RESULT_OK, request);
        return;
    case AUTH_UNKNOWN:
        shim_log_unknown_user(request);
        callback(USERDB_RESULT_USER_UNKNOWN, request);
        return;
    default:
        e_error(authdb_event(request), "%s", e.text);
        callback(USERDB_RESULT_INTERNAL_FAILURE, request);
    }
}

struct iteration {
    struct userdb_iterate_context ctx;
    struct auth_page page;
    size_t next;
};

static struct userdb_iterate_context *userdb_iterate_begin(struct auth_request *request,
                                                           userdb_iter_callback_t *callback, void *context)
{
    struct iteration *it = i_new(struct iteration, 1);

    it->ctx.auth_request = request;
    it->ctx.callback = callback;
    it->ctx.context = context;
    auth_request_ref(request);
    return &it->ctx;
}

/* false: there are no more names */
static bool read_page(struct iteration *it)
{
    char after[ADDRESS_MAX + 1] = "";
    struct error e = { "" };
    enum auth_result r;

    if (it->page.count > 0)
        i_strocpy(after, it->page.name[it->page.count - 1], sizeof after);
    it->next = 0;
    r = auth_core_users(core_of_userdb(it->ctx.auth_request), after, &it->page, &e);
    if (r == AUTH_UNAVAILABLE) {
        e_error(authdb_event(it->ctx.auth_request), "%s", e.text);
        it->ctx.failed = TRUE;
    }
    return r == AUTH_OK && it->page.count > 0;
}

static void userdb_iterate_one(struct userdb_iterate_context *ctx)
{
    struct iteration *it = (struct iteration *)ctx;

    if (it->next == it->page.count && !read_page(it))
        ctx->callback(NULL, ctx->context);
    else
        ctx->callback(it->page.name[it->next++], ctx->context);
}

static int userdb_iterate_end(struct userdb_iterate_context *ctx)
{
    int ret = ctx->failed ? -1 : 0;

    auth_request_unref(&ctx->auth_request);
    i_free(ctx);
    return ret;
}

struct userdb_module *shim_userdb_new(pool_t pool, const char *config_path, struct error *e)
{
    struct auth_core *core = auth_core_new(config_path, e);
    struct postern_userdb *u;

    if (core == NULL)
        return NULL;
    u = p_new(pool, struct postern_userdb, 1);
    u->core = core;
    u->module.blocking = TRUE;
    u->module.default_cache_key = NULL;
    return &u->module;
}

static void userdb_deinit_postern(struct userdb_module *module)
{
    auth_core_free(&((struct postern_userdb *)module)->core);
}

struct userdb_module_interface shim_userdb = {
    .name = "postern",
    .deinit = userdb_deinit_postern,
    .lookup = userdb_lookup_postern,
    .iterate_init = userdb_iterate_begin,
    .iterate_next = userdb_iterate_one,
    .iterate_deinit = userdb_iterate_end,
};
