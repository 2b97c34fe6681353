/* SPDX-License-Identifier: MIT */
/* What Dovecot's configuration says of authentication, as doveconf(1) reads it: 2.3 and
 * 2.4 alike.  Layer 9. */
#ifndef POSTERN_HOST_DOVECOT_H
#define POSTERN_HOST_DOVECOT_H

#include <limits.h>
#include <stdbool.h>

#include "lib/str.h"

enum { PASSDBS_MAX = 16 };

struct passdb {
    char driver[64];
    char config[PATH_MAX]; /* of the driver "postern": 2.3 args, 2.4 config */
    bool special;          /* for masters, or to deny only: not asked for the users' passwords */
};

struct dovecot {
    char config[PATH_MAX]; /* the file, absolute where doveconf says so */
    bool version_2_4;
    struct passdb passdb[PASSDBS_MAX];
    size_t passdbs;
    bool cleartext;        /* disable_plaintext_auth = no, auth_allow_cleartext = yes */
    char cache_size[32];
    char modules[PATH_MAX], base_dir[PATH_MAX];
    char worker_user[64];  /* "": root */
    char worker_groups[256]; /* apart by spaces, commas */
};

/* file: its configuration; NULL: doveconf(1)'s own. As run_program. */
enum result dovecot_read(const char *file, struct dovecot *dovecot_r, struct error *) MUST_CHECK;

#endif
