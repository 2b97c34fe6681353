/* SPDX-License-Identifier: MIT */
/*
 * What the parts of lib/config share: the rows of the options table, their types,
 * and the steps between a file's text and a struct config.  Layer 2, private.
 */
#ifndef POSTERN_CONFIG_OPTION_H
#define POSTERN_CONFIG_OPTION_H

#include "config.h"
#include "str.h"

/* What a value may look like (config_value.c). */
enum config_type {
    CONFIG_NUMBER,
    CONFIG_BOOL,
    CONFIG_LOGIN,  /* pass, refuse */
    CONFIG_SCHEME, /* yescrypt, bcrypt */
    CONFIG_PATH,
    CONFIG_FILE, /* a path, or none */
    CONFIG_SOCKET, /* a path short enough for a unix socket */
    CONFIG_LOG,
    CONFIG_OWNER, /* a user or group, by name or number */
    CONFIG_HOST,
    CONFIG_SERVICE, /* a host name, perhaps with a port */
    CONFIG_URL,
    CONFIG_DELIMITER,
    CONFIG_TEXT, /* of a reply, with {placeholders} */
    CONFIG_HOME, /* a path with {placeholders} of an account */
    CONFIG_MAIL, /* Dovecot's mail location, with the same */
    CONFIG_QUOTA,
    CONFIG_LISTENERS,
    CONFIG_LOCAL_LISTENERS,
    CONFIG_SERVERS,
    CONFIG_NETWORKS,
    CONFIG_PORTS,
    CONFIG_SUFFIXES,
    CONFIG_LIMITS,
    CONFIG_HOOK,
    CONFIG_HOSTS,
    CONFIG_ZONES, /* of DNS lists */
    CONFIG_ADDRESS, /* or none */
    CONFIG_ADDRESSES,
    CONFIG_EVENTS,
    CONFIG_QUEUE, /* none, list, hold */
    CONFIG_COMMAND,
    CONFIG_COMMANDS, /* with {placeholders} of an event */
    CONFIG_TYPE_COUNT
};

/* How a value is kept in struct config. */
enum config_kind {
    KIND_NUMBER,  /* unsigned */
    KIND_BOOL,    /* bool; in the file true, false or pass, refuse */
    KIND_STRING,  /* char * */
    KIND_STRINGS, /* struct string_list */
    KIND_PORTS,   /* struct port_list */
    KIND_NETWORKS, /* struct network_list */
    KIND_ZONES    /* struct zone_list */
};

struct config_row {
    struct config_option option;
    enum config_type type;
    size_t offset; /* in struct config */
};

enum { CONFIG_VALUE_MAX = 1024, CONFIG_NAME_MAX = 64 };

/* The i-th row; false past the end. */
bool config_row(size_t i, struct config_row *row_r);
size_t config_row_count(void);

/* The i-th section, "" first; NULL past the end. */
const char *config_section(size_t i);

/* "dns.timeout_ms" */
void config_row_name(const struct config_row *, char name_r[static CONFIG_NAME_MAX]);

enum config_kind config_row_kind(const struct config_row *);
bool config_row_is_list(const struct config_row *);

/* The field of a row in a struct config. */
void *config_slot(struct config *, const struct config_row *);
const void *config_slot_const(const struct config *, const struct config_row *);

const char *config_type_name(enum config_type);
enum config_kind config_type_kind(enum config_type);

/* The two words of a KIND_BOOL's type. */
bool config_word_value(enum config_type, const char *word);
const char *config_word(enum config_type, bool value);

/* Checks one value (or one item of a list) and appends its canonical form. BAD,
 * with "NAME: what and the remedy". */
enum result config_value_check(const struct config_row *, struct span value, struct strbuf *canonical,
                               struct error *) MUST_CHECK;

/* Those of the types whose check is in config_value_act.c or config_value_text.c; an
 * error's text comes without the name of the option. */
typedef enum result config_check_fn(const struct config_row *, struct span value, struct strbuf *canonical,
                                    struct error *);
config_check_fn config_check_url, config_check_delimiter, config_check_text, config_check_address,
    config_check_event, config_check_queue, config_check_command, config_check_own_command;

/* Blanks comments in place, keeping every line break: libconfuse miscounts the
 * lines of a file with comments.  BAD, with "PATH:LINE: ...": what libconfuse would
 * take silently, such as an unclosed comment, string or section, an environment
 * variable, a control character. */
enum result config_scan(struct strbuf *text, const char *path, struct error *) MUST_CHECK;

/* The values of a file, checked, canonical, presets filled in (config_parse.c).
 * Errors as config_load's. */
struct config_values;
enum result config_values_read(const char *path, struct config_values **values_r, struct error *) MUST_CHECK;
void config_values_free(struct config_values **);
size_t config_values_count(const struct config_values *, const struct config_row *);
const char *config_values_get(const struct config_values *, const struct config_row *, size_t i);
unsigned config_values_line(const struct config_values *, size_t row); /* 0: not in the file */

/* Sets every field of a zeroed struct config (config_fill.c). Whatever it answers,
 * config_clear frees what was set. */
enum result config_fill(struct config *, const char *path, const struct config_values *,
                        struct error *) MUST_CHECK;
void config_clear(struct config *);

#endif
