/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

uint64_t process_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

uint64_t process_rss_kib(pid_t pid)
{
    char path[64], line[128];
    uint64_t kib = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    if (!(file = fopen(path, "r")))
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %" SCNu64, &kib) == 1)
            break;
    fclose(file);
    return kib;
}
