/* SPDX-License-Identifier: MIT */
#include "policyctl/doctor/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct rule writes = {
    "foreign_process", LEVEL_PROBLEM,
    "Only one process may write a database and its log: policyd. What another writes can be lost, lock policyd out, "
    "or, by the WAL-reset bug of SQLite before 3.51.3, damage the database."
};
static const struct rule reads = {
    "foreign_process", LEVEL_WARNING,
    "A reader that stays keeps the log (-wal) growing, and a copy made of the bare file is none: it lacks the log."
};

enum { DATABASES = 2 };

struct scan {
    struct doctor *d;
    const char *path[DATABASES];
    struct stat st[DATABASES];
    bool hidden; /* some process did not show its files */
};

/* The last part of the path of what it executes; "" where that is not told. */
static void program_of(const char *pid, char name_r[static 256])
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/%.16s/exe", pid);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    char *deleted = strstr(path, " (deleted)"); /* upgraded while it runs */
    if (deleted)
        *deleted = '\0';
    const char *slash = strrchr(path, '/');
    snprintf(name_r, 256, "%.255s", slash ? slash + 1 : path);
}

static bool is_ours(const char *pid)
{
    static const char *const ours[] = { "policyd", "policyctl", "auth" };
    char name[256];

    program_of(pid, name);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

/* "flags:\t0100002", octal, as open(2) took them. */
static bool may_write(const char *pid, const char *fd)
{
    char path[64], line[128];
    unsigned long flags = 0;

    snprintf(path, sizeof path, "/proc/%.16s/fdinfo/%.16s", pid, fd);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "flags:", 6) == 0)
            flags = strtoul(line + 6, NULL, 8);
    if (f)
        fclose(f);
    return (flags & O_ACCMODE) != O_RDONLY;
}

static void report(const struct scan *s, const char *pid, size_t database, bool writing)
{
    char name[256], remedy[32];

    program_of(pid, name);
    snprintf(remedy, sizeof remedy, "kill %.16s", pid);
    doctor_say(s->d, writing ? &writes : &reads, s->path[database], remedy, "open in process %s (%s)%s", pid, name,
               writing ? ", which may write" : "");
}

static void look_at_process(struct scan *s, const char *pid)
{
    bool open[DATABASES] = { false }, writing[DATABASES] = { false };
    char path[64 + NAME_MAX];
    struct dirent *entry;
    struct stat st;

    if (is_ours(pid))
        return;
    snprintf(path, sizeof path, "/proc/%.16s/fd", pid);
    DIR *directory = opendir(path);
    if (!directory) {
        s->hidden = s->hidden || errno == EACCES || errno == EPERM; /* not: it has just ended */
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "/proc/%.16s/fd/%s", pid, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &st) != 0)
            continue;
        for (size_t i = 0; i < DATABASES; i++)
            if (s->st[i].st_ino != 0 && st.st_dev == s->st[i].st_dev && st.st_ino == s->st[i].st_ino) {
                open[i] = true;
                writing[i] = writing[i] || may_write(pid, entry->d_name);
            }
    }
    closedir(directory);
    for (size_t i = 0; i < DATABASES; i++)
        if (open[i])
            report(s, pid, i, writing[i]);
}

void examine_processes(struct doctor *d)
{
    struct scan s = { .d = d, .path = { d->ctl->config->accounts_db, d->ctl->config->state_db } };
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    for (size_t i = 0; i < DATABASES; i++)
        if (stat(s.path[i], &s.st[i]) != 0)
            s.st[i].st_ino = 0;
    while (proc && (entry = readdir(proc)) != NULL)
        if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name))
            look_at_process(&s, entry->d_name);
    if (proc)
        closedir(proc);
    if (!proc || s.hidden)
        doctor_unknown(d, "", "whether other programs have the databases open: be root");
}
