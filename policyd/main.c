/* SPDX-License-Identifier: MIT */
/*
 * policyd: options, sockets, privileges, signals, and the event loop.  Layer 8.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "lib/lock.h"
#include "policyd/clock.h"
#include "policyd/daemon.h"
#include "policyd/log.h"
#include "policyd/login_service.h"
#include "policyd/record.h"
#include "policyd/metrics_service.h"
#include "policyd/notify.h"
#include "policyd/sandbox.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, SOCKETS_MAX = 64 };

#define THREAD_ALIVE_NS UINT64_C(30000000000)

static const char usage[] = "usage: policyd [-c FILE] [-f] [-t | -T]\n"
                            "  -c FILE  configuration (" SYSCONFDIR "/postern/policyd.conf)\n"
                            "  -f       stay in the foreground\n"
                            "  -t       check the configuration and exit\n"
                            "  -T       print the configuration in effect and exit\n"
                            "  -V       print the version and exit\n";

struct options {
    const char *config;
    bool foreground, test, dump;
};

/* A listening socket and what it serves. */
struct opened {
    int fd;
    const struct service *service; /* NULL: metrics */
};

struct sockets {
    struct opened item[SOCKETS_MAX];
    size_t count;
    int observe; /* the datagrams */
};

static bool stopping;

/* ---- options ---- */

static struct options parse_options(int argc, char **argv)
{
    struct options o = { .config = SYSCONFDIR "/postern/policyd.conf" };
    int c;

    while ((c = getopt(argc, argv, "c:ftThV")) != -1)
        switch (c) {
        case 'c':
            o.config = optarg;
            break;
        case 'f':
            o.foreground = true;
            break;
        case 't':
            o.test = true;
            break;
        case 'T':
            o.dump = true;
            break;
        case 'V':
            puts("policyd (Postern) " PACKAGE_VERSION);
            exit(0);
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(EXIT_USAGE);
        }
    if (optind < argc) {
        fprintf(stderr, "policyd: what is '%s'?\n%s", argv[optind], usage);
        exit(EXIT_USAGE);
    }
    return o;
}

/* ---- sockets ---- */

static int group_id(const char *name)
{
    struct group *gr = *name ? getgrnam(name) : NULL;

    return gr ? (int)gr->gr_gid : -1;
}

/* Only root, and a member of the group, may give a socket to it. */
static enum result find_group(const char *option, const char *name, int *gid_r, struct error *e)
{
    *gid_r = geteuid() == 0 ? group_id(name) : -1;
    if (geteuid() == 0 && *name && *gid_r < 0)
        return error_set(e, BAD, "%s: there is no group '%s': name one in policyd.conf", option, name);
    return OK;
}

static enum result add_socket(struct sockets *s, const char *spec, int gid, const struct service *service,
                              struct error *e)
{
    if (s->count == SOCKETS_MAX)
        return error_set(e, LIMIT, "listen: more than %d sockets", SOCKETS_MAX);
    s->item[s->count].service = service;
    enum result r = server_socket(spec, gid, &s->item[s->count].fd, e);
    if (r == OK)
        s->count++;
    return r;
}

static enum result open_list(struct sockets *s, const struct string_list *list, int gid,
                             const struct service *service, struct error *e)
{
    enum result r = OK;

    for (size_t i = 0; r == OK && i < list->count; i++)
        r = add_socket(s, list->item[i], gid, service, e);
    return r;
}

/* Sockets that systemd holds, so that a restart turns nobody away; those it does not
 * hold are opened as configured. Returns bits: policy 1, socketmap 2, control 4, observe 8. */
static unsigned inherit_sockets(struct sockets *s)
{
    unsigned held = 0;
#ifdef HAVE_SYSTEMD
    static const struct service *const services[] = { &policy_service, &socketmap_service, &control_service };
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);

    for (int i = 0; i < count; i++) {
        for (unsigned k = 0; names && k < 3; k++)
            if (strcmp(names[i], services[k]->name) == 0 && s->count < SOCKETS_MAX) {
                s->item[s->count++] = (struct opened){ SD_LISTEN_FDS_START + i, services[k] };
                held |= 1u << k;
            }
        if (names && strcmp(names[i], "observe") == 0 && !(held & 8)) {
            s->observe = SD_LISTEN_FDS_START + i;
            held |= 8;
        }
        if (names)
            free(names[i]);
    }
    free(names);
#else
    (void)s;
#endif
    return held;
}

static enum result open_sockets(struct sockets *s, const struct config *c, struct error *e)
{
    unsigned held = inherit_sockets(s);
    char spec[256] = "unix:";
    int postfix_gid, control_gid;
    enum result r = find_group("socket_group", c->socket_group, &postfix_gid, e);

    if (r == OK)
        r = find_group("control_group", c->control_group, &control_gid, e);
    if (r == OK && !(held & 1))
        r = open_list(s, &c->listen, postfix_gid, &policy_service, e);
    if (r == OK && !(held & 2))
        r = open_list(s, &c->socketmap_listen, postfix_gid, &socketmap_service, e);
    if (r == OK)
        r = open_list(s, &c->metrics_listen, control_gid, NULL, e);
    if (r == OK && !(held & 4)) {
        r = str_copy(span_of(c->control_socket), spec + 5, sizeof spec - 5);
        r = r == OK ? add_socket(s, spec, control_gid, &control_service, e)
                    : error_set(e, BAD, "control_socket: the path is too long");
    }
    if (r == OK && !(held & 8))
        r = login_socket(c, &s->observe, e);
    login_reporter(c->observe_user);
    return r;
}

static enum result serve_sockets(const struct sockets *s, struct error *e)
{
    enum result r = OK;

    for (size_t i = 0; r == OK && i < s->count; i++)
        r = s->item[i].service ? server_listen(the_daemon.server, s->item[i].fd, s->item[i].service, e)
                               : metrics_listen(s->item[i].fd, e);
    return r == OK ? login_listen(s->observe, e) : r;
}

/* ---- privileges ---- */

static enum result drop_privileges(const char *user, struct error *e)
{
    struct passwd *pw;

    if (geteuid() != 0 || *user == '\0' || strcmp(user, "root") == 0)
        return OK;
    pw = getpwnam(user);
    if (!pw)
        return error_set(e, BAD, "user: there is no '%s': adduser --system --group %s, or name another", user,
                         user);
    if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return error_set(e, BAD, "user %s: %s", user, strerror(errno));
    if (setuid(0) == 0)
        return error_set(e, BAD, "user %s: root's rights could not be dropped", user);
#ifdef SANITIZED
    prctl(PR_SET_DUMPABLE, 1); /* the leak sanitizer looks into it at its end */
#else
    prctl(PR_SET_DUMPABLE, 0);
#endif
    return OK;
}

/* ---- in the background: the parent stays until the daemon is ready, or has failed ---- */

static int start_background(void)
{
    int ready[2];
    pid_t pid;
    char byte;

    if (pipe2(ready, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        perror("policyd: fork");
        exit(EXIT_FAILED);
    }
    if (pid == 0) {
        close(ready[0]);
        setsid();
        return ready[1];
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) == 1)
        _exit(0);
    _exit(EXIT_FAILED);
}

static void tell_ready(int ready, const struct config *c)
{
    if (ready >= 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0 && strcmp(c->log, "stderr") != 0)
            dup2(null, STDERR_FILENO);
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            dup2(null, STDOUT_FILENO);
            close(null);
        }
        if (write(ready, "", 1) != 1)
            stopping = true;
        close(ready);
    }
    notify_ready();
}

/* ---- running ---- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct error e;

    (void)what, (void)arg;
    if (number == SIGHUP) {
        log_reopen();
        (void)!daemon_reload(&e);
    } else
        stopping = true;
}

static enum result watch_signals(struct event *events[3], struct error *e)
{
    static const int numbers[3] = { SIGHUP, SIGTERM, SIGINT };

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        events[i] = evsignal_new(the_daemon.base, numbers[i], on_signal, NULL);
        if (!events[i] || event_add(events[i], NULL) != 0)
            return error_set(e, TRY_AGAIN, "signals: %s", strerror(errno));
    }
    return OK;
}

static bool is_recent(uint64_t seen_ns)
{
    uint64_t now = clock_monotonic_ns();

    return now < seen_ns || now - seen_ns < THREAD_ALIVE_NS;
}

/* Both come round every few seconds, busy or not. */
static bool is_alive(void)
{
    return is_recent(writer_stats(the_daemon.writer).seen_ns) && is_recent(counters_seen_ns(the_daemon.counters));
}

static enum result run(const struct options *o, struct sockets *sockets, struct error *e)
{
    struct daemon *d = &the_daemon;
    struct event *signals[3] = { NULL };
    int lock = -1, ready = o->foreground ? -1 : start_background();
    enum result r;

    load_files_open("/proc", &d->load_files);
    r = open_sockets(sockets, d->config, e);
    if (r == OK)
        r = drop_privileges(d->config->user, e);
    if (r == OK)
        r = lock_wait(d->config->accounts_db, &lock, e);
    if (r == OK && d->config->sandbox)
        r = sandbox_files(d->config, e);
    if (r == OK && !(d->base = event_base_new()))
        r = error_set(e, TRY_AGAIN, "no event loop");
    if (r == OK)
        r = watch_signals(signals, e);
    if (r == OK)
        r = daemon_open(e);
    if (r == OK) {
        events_on_release(the_daemon.events, record_release);
        r = serve_sockets(sockets, e);
    }
    if (r == OK)
        r = log_open(d->config->log, e);
    if (r == OK)
        r = notify_watch(d->base, is_alive, e);
    if (r == OK && d->config->sandbox)
        r = sandbox_calls(e);
    if (r == OK) {
        log_format(LOG_LEVEL_INFO, "policyd %s started", PACKAGE_VERSION);
        tell_ready(ready, d->config);
        while (!stopping && event_base_loop(d->base, EVLOOP_ONCE) == 0)
            daemon_turn();
        notify_stopping();
        log_format(LOG_LEVEL_INFO, "policyd stops");
    }
    notify_close();
    login_close();
    metrics_close();
    daemon_close();
    for (int i = 0; i < 3; i++)
        if (signals[i])
            event_free(signals[i]);
    if (d->base)
        event_base_free(d->base);
    lock_release(&lock);
    log_close();
    return r;
}

int main(int argc, char **argv)
{
    static struct sockets sockets;
    struct options o = parse_options(argc, argv);
    struct error e = { "" };
    enum result r;

    umask(0027);
    r = config_load(o.config, &the_daemon.config, &e);
    if (r == OK && o.dump)
        config_dump(the_daemon.config, stdout);
    else if (r == OK && o.test)
        printf("%s: good\n", o.config);
    else if (r == OK)
        r = run(&o, &sockets, &e);
    config_free(&the_daemon.config);
    if (r != OK)
        fprintf(stderr, "policyd: %s\n", e.text);
    return r == OK ? 0 : EXIT_FAILED;
}
