/* SPDX-License-Identifier: MIT */
#include "policyctl/host/loaded.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0: there is none. */
static long master_pid(const char *base_dir)
{
    char path[PATH_MAX], line[32] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/master.pid", base_dir);
    f = fopen(path, "re");
    if (!f)
        return 0;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return read ? strtol(line, NULL, 10) : 0;
}

bool dovecot_runs(const char *base_dir)
{
    long pid = master_pid(base_dir);

    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* "PID (auth) S PPID ...": whether it is an authentication process of this master. */
static bool is_auth_of(const char *pid, long master)
{
    char path[64], line[256] = "", *end;

    snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    end = strrchr(line, ')');
    return read && end && strstr(line, "(auth)") && strlen(end) > 4 && strtol(end + 4, NULL, 10) == master;
}

static enum loaded maps(const char *pid, const char *library)
{
    char path[64], line[PATH_MAX + 128];
    enum loaded loaded = LOADED_UNKNOWN;

    snprintf(path, sizeof path, "/proc/%.16s/maps", pid);
    FILE *f = fopen(path, "re");
    while (f && loaded != LOADED_YES && fgets(line, sizeof line, f))
        loaded = strstr(line, library) ? LOADED_YES : LOADED_NO;
    if (f)
        fclose(f);
    return loaded;
}

enum loaded dovecot_loaded(const char *base_dir, const char *library)
{
    enum loaded loaded = LOADED_UNKNOWN;
    long master = master_pid(base_dir);
    DIR *proc = master > 0 ? opendir("/proc") : NULL;
    struct dirent *entry;

    while (proc && loaded != LOADED_YES && (entry = readdir(proc)) != NULL) {
        if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) || !is_auth_of(entry->d_name, master))
            continue;
        enum loaded one = maps(entry->d_name, library);
        loaded = one > loaded ? one : loaded;
    }
    if (proc)
        closedir(proc);
    return loaded;
}
