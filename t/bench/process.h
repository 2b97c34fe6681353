/* SPDX-License-Identifier: MIT */
/*
 * What another process has used so far.  Linux only (/proc, CPU-time clocks).
 */
#ifndef POSTERN_BENCH_PROCESS_H
#define POSTERN_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds of CPU, user and system, of all its threads; 0 where there is no
 * such process. */
uint64_t process_cpu_ns(pid_t pid);

/* Resident memory in KiB, as in VmRSS of /proc/PID/status; 0 where unknown. */
uint64_t process_rss_kib(pid_t pid);

#endif
