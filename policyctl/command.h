/* SPDX-License-Identifier: MIT */
/*
 * policyctl: its subcommands are rows of tables, one table a file, each row with
 * its name, operands, options, help, example and function.  Synopsis, --help and
 * the checks of a command line all come from the row.  Layer 9.
 */
#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/store.h"

/* The exit status, as policyctl(1) documents it. */
enum status {
    STATUS_DONE,
    STATUS_FAILED,     /* not done: it exists already, there is none, ... */
    STATUS_INPUT,      /* wrong usage, input or configuration: nothing was tried */
    STATUS_UNREACHABLE /* policyd or a database is away, busy or not readable: try again */
};

/* What the commands share. */
struct ctl {
    const char *config_path;
    struct config *config; /* NULL for commands that need none */
    int64_t now;           /* seconds since 1970 */
};

enum option_id {
    OPT_ACCOUNT,
    OPT_ACTION,
    OPT_ALIAS_OF,
    OPT_APPLY,
    OPT_BY,
    OPT_CHECK,
    OPT_CLIENT,
    OPT_CLIENT_NAME,
    OPT_CONTEXT,
    OPT_CSV,
    OPT_DOMAIN,
    OPT_DOVECOT_CONFIG,
    OPT_DOVECOT_ONLY,
    OPT_DRY_RUN,
    OPT_EVIDENCE,
    OPT_FIELD,
    OPT_FOLLOW,
    OPT_FORMAT,
    OPT_GID,
    OPT_HELO,
    OPT_HOME,
    OPT_HTML,
    OPT_JSON,
    OPT_LOG,
    OPT_LOG_LINE,
    OPT_LOGIN,
    OPT_MAIL,
    OPT_MEMBERS_SEND,
    OPT_NO_FIELD,
    OPT_NO_MEMBERS_SEND,
    OPT_NOTE,
    OPT_OLD_NAME,
    OPT_ONCE,
    OPT_PASSWORD_STDIN,
    OPT_PER,
    OPT_PORT,
    OPT_POSTFIX_CONFIG,
    OPT_POSTFIX_ONLY,
    OPT_QUIET,
    OPT_QUEUE_ID,
    OPT_QUOTA,
    OPT_REASON,
    OPT_RECIPIENT,
    OPT_REFUSED,
    OPT_RELAY,
    OPT_REQUIRE_NEW_PASSWORD,
    OPT_SENDER,
    OPT_SERVICES,
    OPT_SINCE,
    OPT_STATE,
    OPT_STATUS,
    OPT_TEMPLATE,
    OPT_UID,
    OPT_UNDO,
    OPT_UNTIL,
    OPT_UPDATE,
    OPT_YES,
    OPTION_COUNT
};

#define OPT_BIT(id) (UINT64_C(1) << (id))
#define OPT(name)   OPT_BIT(OPT_##name)
/* Those that may be given several times. */
#define OPT_REPEATING (OPT(FIELD) | OPT(NO_FIELD))

struct option_info {
    const char *name;
    const char *argument; /* what it takes, in capitals; NULL: nothing */
    const char *help;
};

extern const struct option_info option_infos[OPTION_COUNT];

enum { ANY_NUMBER = 4096, REPEATED_MAX = 32 };

/* A parsed command line. */
struct args {
    const char *option[OPTION_COUNT]; /* NULL: not given; "" where it takes nothing */
    struct repeated {
        enum option_id id;
        const char *value;
    } repeated[REPEATED_MAX]; /* those of OPT_REPEATING, each time */
    size_t repeats;
    char **operand;
    size_t count;
};

struct command {
    const char *name, *verb; /* "account", "add"; verb NULL: the name alone */
    const char *operands;    /* "ADDRESS DEST...", as the synopsis shows them */
    size_t min, max;         /* how many operands */
    uint64_t required, optional; /* options: OPT(...) bits */
    const char *help, *example;
    enum status (*run)(struct ctl *, const struct args *);
    bool without_config;
};

/* One table a file; each ends in a row without a name. */
extern const struct command account_commands[], alias_commands[], backup_commands[], doctor_commands[],
    domain_commands[], events_commands[], evidence_commands[], explain_commands[], export_commands[], export_maps_commands[],
    forget_commands[], grant_commands[], greylist_commands[], help_commands[], import_commands[], init_commands[],
    letter_commands[], limit_commands[], list_commands[], list_import_commands[], policy_commands[],
    readiness_commands[], setup_commands[], shed_commands[], status_commands[], top_commands[],
    who_commands[];

/* The i-th of all commands, NULL past the end. */
const struct command *command_at(size_t i);

/* The command that these words name; *used_r: how many of them. NULL: none. */
const struct command *command_find(char *const *words, size_t count, size_t *used_r);

/* Says that there is no such command, and which was perhaps meant. */
enum status command_unknown(char *const *words, size_t count);

/* "policyctl account add ADDRESS [--relay]" */
void command_synopsis(const struct command *, struct strbuf *out);
void command_help(const struct command *);
enum status command_help_words(char *const *words, size_t count); /* as policyctl help WORDS */
void command_list(const char *name); /* those of one name; NULL: all */

/* Parses the options and operands behind the command's words: argv[0] is the last of
 * these. STATUS_INPUT: said why. *help_r: --help was asked for, args_r is not set. */
enum status args_parse(const struct command *, int argc, char **argv, struct args *args_r, bool *help_r);

/* Prints "policyctl: ..." as one line on standard error and returns the status. */
enum status fail(enum status, const char *format, ...) PRINTF(2, 3);
enum status fail_error(enum status, const struct error *);

/* Opens accounts.db for reading; says why where it cannot. */
enum status open_accounts(const struct ctl *, struct store **store_r);

/* The same for state.db. */
enum status open_state(const struct ctl *, struct store **store_r);

/* The status that goes with a failed read of accounts.db; says so. */
enum status fail_read(const struct ctl *);

#endif
