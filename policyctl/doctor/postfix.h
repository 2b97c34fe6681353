/* SPDX-License-Identifier: MIT */
/* Postfix examined by policyctl doctor: what it goes by, and how it is mended.  Layer 9. */
#ifndef POSTERN_DOCTOR_POSTFIX_H
#define POSTERN_DOCTOR_POSTFIX_H

#include "policyctl/doctor/doctor.h"
#include "policyctl/host/postfix.h"

/* The remedies: "postconf [-c DIR] -e 'NAME=VALUE' && postfix [-c DIR] reload". For a service by
 * way of a variable of main.cf where the value holds spaces: postconf -P takes none. */
void remedy_main(const struct postfix *, const char *name, const char *value, struct strbuf *);
void remedy_service(const struct postfix *, const struct service *, const char *name, const char *value,
                    struct strbuf *);

/* Who asks policyd, and where: every restriction list of every service. */
void examine_hooks(struct doctor *, const struct postfix *);
/* The rest. */
void examine_smtpd(struct doctor *, const struct postfix *);
void examine_mynetworks(struct doctor *, const struct postfix *);

#endif
