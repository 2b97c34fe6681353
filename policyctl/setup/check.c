/* SPDX-License-Identifier: MIT */
/* Postfix and Dovecot asked what they make of their configuration, and told to read it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyctl/host/loaded.h"
#include "policyctl/host/run.h"
#include "policyctl/setup/setup.h"

static enum result run(const char *program, const char *config, const char *verb, struct error *e)
{
    const char *named[] = { program, "-c", config, verb, NULL };
    const char *own[] = { program, verb, NULL };
    char *output;
    enum result r = run_program(config ? named : own, &output, e);

    free(output);
    return r;
}

static enum result run_postfix(const struct setup_instance *instance, const char *verb, struct error *e)
{
    return run("postfix", instance->named ? instance->directory : NULL, verb, e);
}

enum result check_postfix(const struct setup_instance *instance, struct error *e)
{
    enum result r = run_postfix(instance, "check", e);

    /* with maillog_file set it says nothing here */
    return r == BAD && strcmp(e->text, "postfix") == 0
               ? error_set(e, BAD, "it fails, and Postfix's log says why")
               : r;
}

bool reload_postfix(const struct setup_instance *instance, bool quiet)
{
    struct error e;

    if (run_postfix(instance, "status", &e) != OK) {
        if (!quiet)
            printf("Postfix %s does not run: there is nothing to reload.\n", instance->directory);
        return true;
    }
    if (run_postfix(instance, "reload", &e) != OK) {
        fail(STATUS_FAILED, "Postfix %s could not be reloaded: %.300s", instance->directory, e.text);
        return false;
    }
    if (!quiet)
        printf("Postfix %s was reloaded.\n", instance->directory);
    return true;
}

bool reload_dovecot(const struct dovecot *v, bool quiet)
{
    struct error e;

    if (!dovecot_runs(v->base_dir)) {
        if (!quiet)
            puts("Dovecot does not run: there is nothing to reload.");
        return true;
    }
    if (run("doveadm", v->config, "reload", &e) != OK) {
        fail(STATUS_FAILED, "Dovecot could not be reloaded: %.300s", e.text);
        return false;
    }
    if (!quiet)
        puts("Dovecot was reloaded.");
    return true;
}
