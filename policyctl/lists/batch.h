/* SPDX-License-Identifier: MIT */
/*
 * List entries from a file: readers hand over one after the other; once all were read they
 * are sorted, held against the table, and what is new (or differs, with --update) becomes
 * one set of changes.  Layer 9.
 */
#ifndef POSTERN_LISTS_BATCH_H
#define POSTERN_LISTS_BATCH_H

#include "lib/list_entry.h"
#include "policyctl/import/import.h"

struct batch {
    struct import im;      /* the file, its line and the error; its tally of ITEM_LIST */
    const char *action;    /* of the options: NULL where not given, likewise below */
    const char *note, *until; /* until: seconds since 1970 */
    size_t left_out;       /* lines that say what no entry can */
    struct arena *arena;
    struct list_item *item;
    size_t count, room;
};

/* What a line says: texts as they stand there, NULL for what it does not name. */
struct list_line {
    bool allow;
    const char *text[LIST_PARTS];
    const char *until, *note;
};

enum result batch_open(struct batch *, const struct ctl *, const char *path) MUST_CHECK;
void batch_close(struct batch *);

/* For readers: BAD with im.error set. What the line does not say, the options do. */
enum result batch_add(struct batch *, const struct list_line *) MUST_CHECK;

/* Names the present line on standard error, and why it becomes no entry. */
void batch_leave_out(struct batch *, const char *format, ...) PRINTF(2, 3);

/* After the last line: what of it the table does not say yet. BAD: the file contradicts
 * itself. Entries are shown where im.show is set. */
enum result batch_compare(struct batch *) MUST_CHECK;

/* Does all changes or none of them. */
enum status batch_commit(struct batch *);

/* ---- readers ---- */

struct list_format {
    const char *name;
    enum result (*read)(struct batch *, FILE *);
    bool wants_action; /* its lines do not say whether they allow or deny */
};

enum result read_list_entries(struct batch *, FILE *) MUST_CHECK;
enum result read_list_networks(struct batch *, FILE *) MUST_CHECK;
enum result read_access_client(struct batch *, FILE *) MUST_CHECK;
enum result read_access_helo(struct batch *, FILE *) MUST_CHECK;
enum result read_access_sender(struct batch *, FILE *) MUST_CHECK;
enum result read_access_recipient(struct batch *, FILE *) MUST_CHECK;
enum result read_access_cidr(struct batch *, FILE *) MUST_CHECK;
enum result read_postgrey_clients(struct batch *, FILE *) MUST_CHECK;
enum result read_postgrey_recipients(struct batch *, FILE *) MUST_CHECK;

/* ---- what several of them understand ---- */

/* A client as access(5) writes it: an address, its first octets ("192.0.2"), a name that
 * stands for those below it too, or a .suffix. */
enum result list_add_client(struct batch *, struct list_line *, const char *text) MUST_CHECK;

/* A name or domain that stands for those below it too, or a .suffix: one entry or two.
 * `prefix`: "" or "@", before the name itself. */
enum result list_add_name(struct batch *, struct list_line *, enum list_part, const char *prefix,
                          const char *text) MUST_CHECK;

/* An address as access(5) writes it: user@domain, domain, .domain, user@. */
enum result list_add_address(struct batch *, struct list_line *, enum list_part, const char *text) MUST_CHECK;

#endif
