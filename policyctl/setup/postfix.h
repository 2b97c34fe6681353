/* SPDX-License-Identifier: MIT */
/* One instance of Postfix while its changes are planned.  Layer 9. */
#ifndef POSTERN_SETUP_POSTFIX_H
#define POSTERN_SETUP_POSTFIX_H

#include "policyctl/host/hook_list.h"
#include "policyctl/setup/lines.h"
#include "policyctl/setup/scratch.h"
#include "policyctl/setup/setup.h"

struct planning {
    struct setup *s;
    const struct setup_instance *instance;
    char main_path[PATH_MAX], master_path[PATH_MAX];
    struct content main_cf, master_cf; /* as they are */
    struct content main_now;           /* with the changes so far */
    struct scratch scratch;            /* both files with the changes so far */
    struct postfix p;                  /* of these */
};

/* Puts a value into the scratch copy and takes the change down. */
enum result planning_set_main(struct planning *, const char *name, const char *value, const char *why,
                              struct error *) MUST_CHECK;
enum result planning_set_service(struct planning *, const struct service *, const char *name,
                                 const char *value, const char *why, struct error *) MUST_CHECK;
enum result planning_read(struct planning *, struct error *) MUST_CHECK; /* again, after changes */

/* Every list of every service has its hook, or says why not. */
enum result plan_hooks(struct planning *, struct error *) MUST_CHECK;

/* What is no smtpd of ours to change, and what an administrator should know of. */
void plan_others(struct planning *);
void plan_notes(struct planning *);

/* The service can be taken care of; said why not where it cannot. */
bool plan_understands(struct planning *, const struct service *);

#endif
