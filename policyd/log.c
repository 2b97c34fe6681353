/* SPDX-License-Identifier: MIT */
#include "policyd/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum target { TARGET_STDERR, TARGET_SYSLOG, TARGET_FILE };
enum { BUFFER_MAX = 65536 };

static struct {
    enum target target;
    int fd;
    char path[PATH_MAX];
    char text[BUFFER_MAX]; /* whole lines, each with its line feed */
    struct strbuf buffer;
    uint64_t dropped, reported;
    time_t stamped;
    char stamp[32];
} the_log = { .target = TARGET_STDERR, .fd = STDERR_FILENO };

static int open_syslog(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof un) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
}

enum result log_open(const char *target, struct error *e)
{
    enum target kind = strcmp(target, "stderr") == 0   ? TARGET_STDERR
                       : strcmp(target, "syslog") == 0 ? TARGET_SYSLOG
                                                       : TARGET_FILE;
    int fd = kind == TARGET_STDERR   ? STDERR_FILENO
             : kind == TARGET_SYSLOG ? open_syslog()
                                     : open_file(target);

    if (fd < 0 && kind == TARGET_FILE)
        return error_set(e, BAD, "log %s: %s: check the path and its directory's mode", target,
                         strerror(errno));
    log_flush();
    if (the_log.fd > STDERR_FILENO)
        close(the_log.fd);
    the_log.target = kind; /* a syslog that is not there yet is tried again with each flush */
    the_log.fd = fd;
    if (str_copy(span_of(target), the_log.path, sizeof the_log.path) != OK)
        return error_set(e, BAD, "log %.80s...: the path is too long", target);
    return OK;
}

void log_reopen(void)
{
    int fd;

    log_flush();
    if (the_log.target != TARGET_FILE || (fd = open_file(the_log.path)) < 0)
        return;
    close(the_log.fd);
    the_log.fd = fd;
}

static const char *level_word(enum log_level level)
{
    return level == LOG_LEVEL_ALARM ? "alarm: " : level == LOG_LEVEL_WARNING ? "warning: " : "";
}

/* Local time as RFC 3339 has it, made once a second. */
static const char *time_stamp(void)
{
    time_t now = time(NULL);
    struct tm tm;

    if (now != the_log.stamped && localtime_r(&now, &tm)) {
        strftime(the_log.stamp, sizeof the_log.stamp, "%Y-%m-%dT%H:%M:%S%z", &tm);
        the_log.stamped = now;
    }
    return the_log.stamp;
}

void log_line(enum log_level level, struct span line)
{
    struct strbuf *b = &the_log.buffer;

    if (!b->ptr)
        strbuf_init(b, the_log.text, sizeof the_log.text);
    if (line.len > LOG_LINE_MAX)
        line.len = LOG_LINE_MAX;
    if (b->size - b->len < line.len + 128)
        log_flush();
    if (the_log.target == TARGET_SYSLOG)
        strbuf_addf(b, "<%d>policyd[%ld]: ",
                    LOG_MAIL | (level == LOG_LEVEL_ALARM     ? LOG_CRIT
                                : level == LOG_LEVEL_WARNING ? LOG_WARNING
                                                             : LOG_INFO),
                    (long)getpid());
    else {
        strbuf_adds(b, time_stamp());
        strbuf_adds(b, " policyd: ");
    }
    strbuf_adds(b, level_word(level));
    strbuf_add(b, line);
    strbuf_addc(b, '\n');
}

void log_format(enum log_level level, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0)
        return;
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    log_line(level, span_of(line));
}

static uint64_t count_lines(const char *p, const char *end)
{
    uint64_t lines = 0;

    for (; p < end; p++)
        lines += *p == '\n';
    return lines;
}

/* A pipe or terminal may be shared, so it is not set to non-blocking: it is asked. */
static bool writable(void)
{
    struct pollfd p = { .fd = the_log.fd, .events = POLLOUT };

    return the_log.target == TARGET_FILE || (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT));
}

static void write_stream(const char *p, const char *end)
{
    while (p < end) {
        size_t len = (size_t)(end - p);
        if (the_log.target == TARGET_STDERR && len > PIPE_BUF) { /* as much as never blocks */
            const char *cut = memrchr(p, '\n', PIPE_BUF);
            len = cut ? (size_t)(cut - p) + 1 : PIPE_BUF;
        }
        ssize_t n = writable() ? write(the_log.fd, p, len) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            the_log.dropped += count_lines(p, end);
            return;
        }
        p += n;
    }
}

static void write_datagrams(const char *p, const char *end)
{
    if (the_log.fd < 0)
        the_log.fd = open_syslog();
    for (const char *eol; p < end; p = eol + 1) {
        eol = memchr(p, '\n', (size_t)(end - p));
        if (the_log.fd >= 0 && send(the_log.fd, p, (size_t)(eol - p), MSG_NOSIGNAL) >= 0)
            continue;
        the_log.dropped++;
        if (the_log.fd >= 0 && errno != EAGAIN && errno != ENOBUFS) { /* its reader was restarted */
            close(the_log.fd);
            the_log.fd = open_syslog();
        }
    }
}

void log_flush(void)
{
    struct strbuf *b = &the_log.buffer;
    uint64_t before = the_log.dropped;

    if (!b->ptr || b->len == 0)
        return;
    if (the_log.target == TARGET_SYSLOG)
        write_datagrams(b->ptr, b->ptr + b->len);
    else
        write_stream(b->ptr, b->ptr + b->len);
    strbuf_init(b, the_log.text, sizeof the_log.text);
    if (the_log.dropped == before && before > the_log.reported) {
        log_format(LOG_LEVEL_WARNING, "%llu log lines were dropped: nobody took them",
                   (unsigned long long)(before - the_log.reported));
        the_log.reported = before;
    }
}

void log_last_words(const char *line)
{
    bool file = the_log.target != TARGET_SYSLOG;
    char text[512];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    if (file) {
        strbuf_adds(&b, the_log.stamp);
        strbuf_adds(&b, " policyd: alarm: ");
    } else
        strbuf_adds(&b, "<18>policyd: alarm: "); /* LOG_MAIL | LOG_CRIT */
    strbuf_adds(&b, line);
    if (file)
        strbuf_addc(&b, '\n');
    if ((file ? write(the_log.fd, b.ptr, b.len)
              : send(the_log.fd, b.ptr, b.len, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0)
        return; /* there is no other place to say it */
}

uint64_t log_dropped(void)
{
    return the_log.dropped;
}

void log_close(void)
{
    log_flush();
    log_flush();
    if (the_log.fd > STDERR_FILENO)
        close(the_log.fd);
    the_log.fd = STDERR_FILENO;
    the_log.target = TARGET_STDERR;
}
