/* SPDX-License-Identifier: MIT */
/* Who has the databases open, as /proc tells (proc(5)).  Layer 9. */
#ifndef POSTERN_DOCTOR_PROCESSES_H
#define POSTERN_DOCTOR_PROCESSES_H

#include "policyctl/doctor/doctor.h"

/* Programs other than policyd, policyctl and Dovecot's auth. */
void examine_processes(struct doctor *);

#endif
