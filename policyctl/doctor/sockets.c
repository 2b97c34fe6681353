/* SPDX-License-Identifier: MIT */
/* policyd itself: whether it runs, answers at each of its sockets, and lets in who has to ask. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/control.h"
#include "policyctl/doctor/doctor.h"
#include "policyctl/doctor/rights.h"
#include "policyctl/host/shell.h"
#include "policyctl/host/socket.h"
#include "policyd/netstring.h"

static const struct rule away = { "policyd_away", LEVEL_PROBLEM,
                                  "Postfix takes default_action for every question, and look-ups fail for now." };
static const struct rule hung = { "policyd_hung", LEVEL_PROBLEM,
                                  "Postfix waits for every answer until it gives up, and each client with it." };
static const struct rule other_config = {
    "policyd_config", LEVEL_PROBLEM,
    "What is examined here is not what the running policyd goes by."
};
static const struct rule stale_config = { "config_stale", LEVEL_WARNING,
                                          "The running policyd goes by what the file said before." };
static const struct rule silent = {
    "socket_silent", LEVEL_PROBLEM,
    "policyd runs without that socket, or it was set in policyd.conf after policyd was started: Postfix gets no answer."
};
static const struct rule reports_silent = { "socket_silent", LEVEL_WARNING,
                                            "Dovecot's logins are not told to policyd: nothing is known of how "
                                            "accounts connect." };
static const struct rule shut = { "socket_rights", LEVEL_PROBLEM,
                                  "Who has to ask there is not let in: it is as if policyd were away." };
static const struct rule reports_shut = { "socket_rights", LEVEL_WARNING,
                                          "Dovecot's logins are not told to policyd: nothing is known of how accounts "
                                          "connect." };
static const struct rule wide_open = { "socket_open", LEVEL_WARNING,
                                       "Every user of this host may ask there: who exists, and who may send as whom." };
static const struct rule control_open = { "socket_open", LEVEL_PROBLEM,
                                          "Every user of this host may change accounts, passwords and modes." };
static const struct rule unreadable_config = {
    "config_rights", LEVEL_WARNING, "policyd runs as that user: it cannot read its configuration again (reload)."
};

/* ---- remedies ---- */

static bool has_systemd(void)
{
    return access("/run/systemd/system", F_OK) == 0;
}

static void remedy_start(const struct doctor *d, struct strbuf *b)
{
    if (has_systemd()) {
        strbuf_adds(b, "systemctl start policyd");
        return;
    }
    shell_word(b, SPAN("policyd"));
    shell_word(b, SPAN("-c"));
    shell_word(b, span_of(d->ctl->config->path));
}

/* The lock names the process. signal: "" or "-KILL ", which costs no more than what was observed last. */
static void remedy_restart(const struct doctor *d, const char *signal, struct strbuf *b)
{
    char path[PATH_MAX], pid[16] = "";

    if (has_systemd()) {
        strbuf_addf(b, "%ssystemctl restart policyd", *signal ? "systemctl kill -s KILL policyd; " : "");
        return;
    }
    snprintf(path, sizeof path, "%s.lock", d->ctl->config->accounts_db);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, pid, sizeof pid - 1) : 0;
    if (fd >= 0)
        close(fd);
    pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    if (*pid)
        strbuf_addf(b, "kill %s%s && sleep 1 &&", signal, pid);
    remedy_start(d, b);
}

/* ---- sockets ---- */

static void examine_answer(struct doctor *d, const char *option, const char *address, struct span question,
                           const char *expected)
{
    unsigned wait_ms = d->ctl->config->limits.deadline_ms + 1000;
    char answer[SOCKET_ANSWER_MAX], remedy[PATH_MAX + 64];
    struct strbuf b;
    struct error e;
    enum result r = socket_ask(address, question, wait_ms, answer, &e);

    if (r == OK && strstr(answer, expected))
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    remedy_restart(d, "", &b);
    doctor_say(d, &silent, option, remedy, "%s: %s", address, r == OK ? "another program answers there" : e.text);
}

/* A group is let in at what stands in its way: to a socket by reading and writing, into a directory by searching. */
static void remedy_let_in(const char *group, const char *blocker, bool is_socket, struct strbuf *b)
{
    if (*group) {
        shell_word(b, SPAN("chgrp"));
        shell_word(b, span_of(group));
        shell_word(b, span_of(blocker));
        shell_operator(b, "&&");
    }
    shell_word(b, SPAN("chmod"));
    shell_word(b, span_of(is_socket ? "g+rw" : "g+x"));
    shell_word(b, span_of(blocker));
}

static void examine_entry(struct doctor *d, const struct rule *rule, const char *option, const char *path,
                          const char *user, const char *group, unsigned bits)
{
    char blocker[PATH_MAX], remedy[PATH_MAX * 2 + 64];
    struct identity identity;
    struct strbuf b;

    if (identity_of(user, &identity) != OK || identity_may(&identity, path, bits, blocker, sizeof blocker))
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    remedy_let_in(group, blocker, strcmp(blocker, path) == 0, &b);
    doctor_say(d, rule, option, remedy, "%s does not let user %s in", blocker, user);
}

static void examine_openness(struct doctor *d, const struct rule *rule, const char *option, const char *path)
{
    char remedy[PATH_MAX + 32];
    struct strbuf b;
    struct stat st;

    if (stat(path, &st) != 0 || (st.st_mode & 0002) == 0)
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    shell_word(&b, SPAN("chmod"));
    shell_word(&b, SPAN("o-rwx"));
    shell_word(&b, span_of(path));
    doctor_say(d, rule, option, remedy, "%s has mode %04o", path, (unsigned)st.st_mode & 07777);
}

/* smtpd connects as mail_owner, by default this user. */
static void examine_listener(struct doctor *d, const char *option, const char *address, struct span question,
                             const char *expected)
{
    const char *path = strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;

    examine_answer(d, option, address, question, expected);
    if (!path || access(path, F_OK) != 0)
        return;
    examine_entry(d, &shut, option, path, "postfix", d->ctl->config->socket_group, 6);
    examine_openness(d, &wide_open, option, path);
}

/* His primary group, which the daemon gives the socket to. */
static const char *group_of(const char *user)
{
    struct passwd *pw = getpwnam(user);
    struct group *gr = pw ? getgrgid(pw->pw_gid) : NULL;

    return gr ? gr->gr_name : "";
}

static void examine_reports(struct doctor *d)
{
    const struct config *c = d->ctl->config;
    char remedy[PATH_MAX + 64];
    struct strbuf b;

    if (access(c->observe_socket, F_OK) == 0) {
        examine_entry(d, &reports_shut, "observe_socket", c->observe_socket, c->observe_user,
                      group_of(c->observe_user), 2);
    } else {
        strbuf_init(&b, remedy, sizeof remedy);
        remedy_restart(d, "", &b);
        doctor_say(d, &reports_silent, "observe_socket", remedy, "%s: %s", c->observe_socket, strerror(errno));
    }
}

static void examine_listeners(struct doctor *d)
{
    const struct config *c = d->ctl->config;
    char question[64];
    struct strbuf b;

    for (size_t i = 0; i < c->listen.count; i++)
        examine_listener(d, "listen", c->listen.item[i],
                         SPAN("request=smtpd_access_policy\nprotocol_state=CONNECT\n\n"), "action=");
    strbuf_init(&b, question, sizeof question);
    netstring_add(&b, SPAN("virtual_mailbox_domains doctor.invalid"));
    for (size_t i = 0; i < c->socketmap_listen.count; i++)
        examine_listener(d, "socketmap_listen", c->socketmap_listen.item[i], (struct span){ question, b.len },
                         "NOTFOUND ");
    examine_reports(d);
    examine_openness(d, &control_open, "control_socket", c->control_socket);
}

/* ---- the daemon ---- */

/* The value of a line of policyd's status. */
static bool status_value(const char *reply, const char *name, char *value_r, size_t size)
{
    size_t length = strlen(name);

    for (const char *p = reply, *end; (end = strchr(p, '\n')) != NULL; p = end + 1)
        if (strncmp(p, name, length) == 0 && p[length] == '=')
            return str_copy((struct span){ p + length + 1, (size_t)(end - p) - length - 1 }, value_r, size) == OK;
    return false;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static void remedy_policyctl(const char *config, const char *command, char remedy_r[static PATH_MAX + 64])
{
    struct strbuf b;

    strbuf_init(&b, remedy_r, PATH_MAX + 64);
    shell_word(&b, SPAN("policyctl"));
    shell_word(&b, SPAN("-c"));
    shell_word(&b, span_of(config));
    shell_word(&b, span_of(command));
}

static void examine_age(struct doctor *d, const char *reply)
{
    const char *path = d->ctl->config->path;
    char number[24], remedy[PATH_MAX + 64];
    uint64_t read;
    struct stat st;

    if (!status_value(reply, "configuration_read", number, sizeof number) ||
        str_number(span_of(number), 0, INT64_MAX, &read) != OK || stat(path, &st) != 0 || st.st_mtime <= (time_t)read)
        return;
    remedy_policyctl(path, "reload", remedy);
    doctor_say(d, &stale_config, "", remedy, "%s was changed after policyd read it", path);
}

static void examine_status(struct doctor *d, const char *reply)
{
    char path[PATH_MAX], remedy[PATH_MAX + 64], version[64], text[96];

    if (status_value(reply, "version", version, sizeof version)) {
        snprintf(text, sizeof text, "version %s", version);
        doctor_saw(d, text);
    }
    if (!status_value(reply, "configuration", path, sizeof path) || is_same_file(path, d->ctl->config->path)) {
        examine_age(d, reply);
        return;
    }
    remedy_policyctl(path, "doctor", remedy);
    doctor_say(d, &other_config, "", remedy, "policyd goes by %s", path);
}

/* False: it does not run, or does not say. */
static bool examine_daemon(struct doctor *d)
{
    static char reply[CONTROL_REPLY_MAX];
    char remedy[PATH_MAX + 64];
    struct strbuf b;
    struct error e;
    int fd;
    enum result r = control_connect(d->ctl->config->control_socket, &fd, &e);

    if (r == OK) {
        r = control_ask(fd, SPAN("command=status\n\n"), reply, &e);
        close(fd);
    }
    if (r == OK) {
        examine_status(d, reply);
    } else if (r == BAD) {
        doctor_unknown(d, "", "%s", e.text);
    } else {
        strbuf_init(&b, remedy, sizeof remedy);
        if (r == NOT_FOUND)
            remedy_start(d, &b);
        else
            remedy_restart(d, "-KILL ", &b);
        doctor_say(d, r == NOT_FOUND ? &away : &hung, "", remedy, "%s", e.text);
    }
    return r == OK;
}

static void examine_config(struct doctor *d)
{
    const struct config *c = d->ctl->config;
    char path[PATH_MAX], blocker[PATH_MAX], remedy[PATH_MAX + 32];
    struct identity identity;
    struct strbuf b;

    if (!realpath(c->path, path) || *c->user == '\0' || identity_of(c->user, &identity) != OK ||
        identity_may(&identity, path, 4, blocker, sizeof blocker))
        return;
    strbuf_init(&b, remedy, sizeof remedy);
    shell_word(&b, SPAN("chmod"));
    shell_word(&b, span_of(strcmp(blocker, path) == 0 ? "a+r" : "a+x"));
    shell_word(&b, span_of(blocker));
    doctor_say(d, &unreadable_config, "", remedy, "%s does not let user %s read %s", blocker, c->user, c->path);
}

void examine_policyd(struct doctor *d)
{
    examine_config(d);
    if (examine_daemon(d))
        examine_listeners(d);
}
