/* SPDX-License-Identifier: MIT */
#include "postern-act/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/str.h"

#define HEAD "postern-act 1"

enum { LINE_SIZE = 1024, WORDS = 5 };

/* ---- reading ---- */

static enum result take_number(const char *word, int64_t *number_r)
{
    uint64_t number;

    if (str_number(span_of(word), 0, INT64_MAX, &number) != OK)
        return BAD;
    *number_r = (int64_t)number;
    return OK;
}

static enum result read_place(struct journal *j, char *const word[WORDS])
{
    return take_number(word[1], &j->id) == OK ? take_number(word[2], &j->time) : BAD;
}

static enum result read_step(struct journal *j, char *const word[WORDS])
{
    struct journal_step s = { 0 };
    int64_t tries;

    if (take_number(word[1], &s.event) != OK || str_copy(span_of(word[2]), s.name, sizeof s.name) != OK ||
        take_number(word[4], &tries) != OK)
        return BAD;
    s.started = strcmp(word[3], "started") == 0;
    s.tries = (unsigned)tries;
    return journal_add_step(j, &s);
}

static enum result read_sent(struct journal *j, char *const word[WORDS])
{
    int64_t at;
    const char *account = strcmp(word[2], "-") == 0 ? "" : word[2];

    if (take_number(word[1], &at) != OK || strlen(account) > ADDRESS_MAX || j->sents == SENT_MAX)
        return BAD;
    j->sent[j->sents].at = at;
    memcpy(j->sent[j->sents++].account, account, strlen(account) + 1);
    return OK;
}

static enum result read_held_back(struct journal *j, char *const word[WORDS])
{
    return str_number(span_of(word[1]), 0, INT64_MAX, &j->held_back);
}

static const struct {
    const char *name;
    size_t words;
    enum result (*read)(struct journal *, char *const word[WORDS]);
} lines[] = {
    { "place", 3, read_place },
    { "step", 5, read_step },
    { "sent", 3, read_sent },
    { "held-back", 2, read_held_back },
};

/* An account may hold a space (a quoted local part): the last word takes the rest. */
static enum result read_line(struct journal *j, char *line)
{
    char *word[WORDS] = { NULL };
    size_t count = 0;

    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (strncmp(line, lines[i].name, strlen(lines[i].name)) != 0)
            continue;
        while (line && count < lines[i].words - 1)
            word[count++] = strsep(&line, " ");
        if (line)
            word[count++] = line;
        return count == lines[i].words ? lines[i].read(j, word) : BAD;
    }
    return BAD;
}

static enum result read_lines(struct journal *j, FILE *f)
{
    char line[LINE_SIZE];

    if (!fgets(line, sizeof line, f) || strcmp(line, HEAD "\n") != 0)
        return BAD;
    while (fgets(line, sizeof line, f))
        if (read_line(j, line) != OK)
            return BAD;
    return ferror(f) ? BAD : OK;
}

static enum result read_file(struct journal *j, struct error *e)
{
    FILE *f = fopen(j->path, "re");
    enum result r;

    if (!f) {
        j->is_new = errno == ENOENT;
        return j->is_new ? OK : error_set(e, BAD, "%s: %s", j->path, strerror(errno));
    }
    r = read_lines(j, f);
    fclose(f);
    return r == OK
               ? OK
               : error_set(
                     e, BAD,
                     "%s: damaged, or of a newer version: without it, only what happens from now on counts",
                     j->path);
}

/* ---- opening ---- */

static enum result make_directory(const char *path, struct error *e)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (str_copy((struct span){ path, slash ? (size_t)(slash - path) : 0 }, directory, sizeof directory) !=
        OK)
        return error_set(e, BAD, "%.80s...: the path is too long", path);
    if (*directory && mkdir(directory, 0700) != 0 && errno != EEXIST)
        return error_set(e, BAD, "%s: cannot be made: %s", directory, strerror(errno));
    return OK;
}

static enum result take_lock(struct journal *j, struct error *e)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s.lock", j->path) >= (int)sizeof path)
        return error_set(e, BAD, "%.80s...: the path is too long", j->path);
    j->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->lock < 0)
        return error_set(e, BAD, "%s: %s", path, strerror(errno));
    if (flock(j->lock, LOCK_EX | LOCK_NB) != 0)
        return error_set(e, BAD, "%s: another postern-act runs", path);
    return OK;
}

enum result journal_open(const char *path, struct journal *j, struct error *e)
{
    enum result r;

    *j = (struct journal){ .path = strdup(path),
                           .lock = -1,
                           .step = calloc(JOURNAL_STEPS_MAX, sizeof *j->step),
                           .sent = calloc(SENT_MAX, sizeof *j->sent) };
    if (!j->path || !j->step || !j->sent)
        r = error_set(e, BAD, "out of memory");
    else
        r = make_directory(path, e);
    if (r == OK)
        r = take_lock(j, e);
    if (r == OK)
        r = read_file(j, e);
    if (r != OK)
        journal_close(j);
    return r;
}

void journal_close(struct journal *j)
{
    if (j->lock >= 0)
        close(j->lock);
    free(j->path);
    free(j->step);
    free(j->sent);
    *j = (struct journal){ .lock = -1 };
}

enum result journal_add_step(struct journal *j, const struct journal_step *s)
{
    if (j->steps == JOURNAL_STEPS_MAX)
        return LIMIT;
    j->step[j->steps++] = *s;
    return OK;
}

/* ---- writing ---- */

static bool write_lines(const struct journal *j, FILE *f)
{
    fprintf(f, HEAD "\nplace %lld %lld\n", (long long)j->id, (long long)j->time);
    for (size_t i = 0; i < j->steps; i++)
        fprintf(f, "step %lld %s %s %u\n", (long long)j->step[i].event, j->step[i].name,
                j->step[i].started ? "started" : "waits", j->step[i].tries);
    for (size_t i = 0; i < j->sents; i++)
        fprintf(f, "sent %lld %s\n", (long long)j->sent[i].at,
                *j->sent[i].account ? j->sent[i].account : "-");
    if (j->held_back > 0)
        fprintf(f, "held-back %llu\n", (unsigned long long)j->held_back);
    return fflush(f) == 0 && fsync(fileno(f)) == 0;
}

/* The name in the directory is to survive a power cut too. */
static bool sync_directory(const char *path)
{
    char directory[PATH_MAX];
    struct strbuf b;
    const char *slash = strrchr(path, '/');
    int fd;
    bool done;

    strbuf_init(&b, directory, sizeof directory);
    strbuf_add(&b, (struct span){ path, slash ? (size_t)(slash - path) + 1 : 0 });
    fd = open(b.len > 0 ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

enum result journal_write(const struct journal *j, struct error *e)
{
    char path[PATH_MAX];
    int fd;
    FILE *f;
    bool written;

    if (snprintf(path, sizeof path, "%s.new", j->path) >= (int)sizeof path)
        return error_set(e, TRY_AGAIN, "%.80s...: the path is too long", j->path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return error_set(e, TRY_AGAIN, "%s: %s", path, strerror(why));
    }
    written = write_lines(j, f);
    written = fclose(f) == 0 && written;
    if (!written || rename(path, j->path) != 0 || !sync_directory(j->path))
        return error_set(e, TRY_AGAIN, "%s: cannot be written: %s", j->path, strerror(errno));
    return OK;
}

/* ---- notices ---- */

static bool is_recent(const struct sent *s, int64_t now)
{
    return s->at <= now && now - s->at < HOUR_S;
}

bool journal_may_send(const struct journal *j, const char *account, int64_t now, unsigned per_hour,
                      unsigned account_per_hour)
{
    unsigned all = 0, own = 0;

    for (size_t i = 0; i < j->sents; i++)
        if (is_recent(&j->sent[i], now)) {
            all++;
            own += *account && strcmp(j->sent[i].account, account) == 0;
        }
    return all < per_hour && own < account_per_hour;
}

void journal_note_sent(struct journal *j, const char *account, int64_t now)
{
    size_t kept = 0;

    for (size_t i = 0; i < j->sents; i++)
        if (is_recent(&j->sent[i], now))
            j->sent[kept++] = j->sent[i];
    j->sents = kept;
    if (j->sents == SENT_MAX) /* not while the limit is at most that */
        memmove(j->sent, j->sent + 1, --j->sents * sizeof *j->sent);
    j->sent[j->sents].at = now;
    if (str_copy(span_of(account), j->sent[j->sents].account, ADDRESS_MAX + 1) == OK)
        j->sents++;
}

void journal_note_told(struct journal *j, uint64_t held_back)
{
    j->held_back -= held_back < j->held_back ? held_back : j->held_back;
}
