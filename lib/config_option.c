/* SPDX-License-Identifier: MIT */
/*
 * The options table: a new option is a field in config.h and a row here (and in the
 * sample file and the manual, or their tests fail).  Layer 2.
 */
#include "config_option.h"

#define ROW(section, name, type, preset, field, help)                                                        \
    {                                                                                                        \
        { section, name, NULL, preset, 0, 0, help }, CONFIG_##type, offsetof(struct config, field)           \
    }
#define NUMBER(section, name, type, preset, min, max, field, help)                                           \
    {                                                                                                        \
        { section, name, NULL, preset, min, max, help }, CONFIG_##type, offsetof(struct config, field)       \
    }

/* The types' names are filled in by config_row; the reply texts of the checks come
 * behind these rows, from check_infos, and the signals', from signal_infos. */
static const struct config_row rows[] = {
    ROW("", "listen", LISTENERS, "unix:/var/spool/postfix/postern/policy", listen,
        "where the policy protocol is served"),
    ROW("", "socketmap_listen", LISTENERS, "unix:/var/spool/postfix/postern/maps", socketmap_listen,
        "where Postfix's look-ups are answered (socketmap_table(5))"),
    ROW("", "control_socket", SOCKET, "/run/postern/control", control_socket,
        "where policyctl reaches the daemon"),
    ROW("", "observe_socket", SOCKET, "/run/postern/observe", observe_socket,
        "where the Dovecot plugin reports logins"),
    ROW("", "metrics_listen", LOCAL_LISTENERS, "", metrics_listen,
        "where metrics are served to Prometheus; empty: nowhere"),
    ROW("", "accounts_db", PATH, "/var/lib/postern/accounts.db", accounts_db,
        "database of domains, accounts, aliases, grants, modes and lists"),
    ROW("", "state_db", PATH, "/var/lib/postern/state.db", state_db, "database of what was observed"),
    ROW("", "user", OWNER, "postern", user,
        "user to run as after binding, when started as root; empty: stay"),
    ROW("", "socket_group", OWNER, "postfix", socket_group,
        "group of the unix sockets of listen and socketmap_listen; empty: the process' own"),
    ROW("", "control_group", OWNER, "postern-admin", control_group,
        "group of control_socket; empty: the process' own"),
    ROW("", "observe_user", OWNER, "dovecot", observe_user,
        "user who may report logins besides root; its group has observe_socket"),
    ROW("", "sandbox", BOOL, "true", sandbox,
        "whether policyd gives up the files and system calls that it does not need"),
    ROW("", "log", LOG, "syslog", log, "syslog, stderr or a file"),
    ROW("", "hostname", HOST, "", hostname, "name of this host; empty: as gethostname(2) says"),
    ROW("", "trusted_networks", NETWORKS, "127.0.0.0/8 ::1", trusted_networks,
        "clients that HELO checks and sender_auth leave alone"),
    NUMBER("", "submission_ports", PORTS, "587 465", 1, 65535, submission_ports,
           "server ports where authentication is yet to come at HELO"),
    ROW("", "recipient_delimiter", DELIMITER, "+", recipient_delimiter,
        "characters that set an address extension off, as in postconf(5); empty: none"),
    ROW("", "default_domain", HOST, "", default_domain,
        "domain of logins without one; empty: they stay as they are"),
    ROW("", "help_url", URL, "", help_url, "page that replies to users point to; empty: none"),
    ROW("", "password_scheme", SCHEME, "yescrypt", password_scheme,
        "hash of new passwords: yescrypt or bcrypt (crypt(5))"),

    ROW("dns", "servers", SERVERS, "", dns.servers,
        "recursive name servers, ADDRESS or ADDRESS@PORT; none: those of /etc/resolv.conf"),
    NUMBER("dns", "timeout_ms", NUMBER, "2000", 100, 10000, dns.timeout_ms,
           "time for one look-up with its retries, in milliseconds"),
    NUMBER("dns", "lookups", NUMBER, "8", 1, 16, dns.lookups, "look-ups per request"),
    NUMBER("dns", "in_flight", NUMBER, "256", 1, 4096, dns.in_flight, "questions without answer yet"),
    NUMBER("dns", "cache_entries", NUMBER, "16384", 16, 1000000, dns.cache_entries,
           "answers kept for their TTL"),

    NUMBER("limits", "request_bytes", NUMBER, "65536", 2048, 1048576, limits.request_bytes,
           "octets of one request; a longer one closes the connection"),
    NUMBER("limits", "attributes", NUMBER, "256", 32, 1024, limits.attributes,
           "attributes of one request; more close the connection"),
    NUMBER("limits", "connections", NUMBER, "4096", 1, 65536, limits.connections,
           "open connections; one more closes the one that was idle longest"),
    NUMBER("limits", "deadline_ms", NUMBER, "5000", 100, 60000, limits.deadline_ms,
           "time until a request is answered, whatever is still missing, in milliseconds"),
    NUMBER("limits", "idle_timeout_s", NUMBER, "600", 300, 86400, limits.idle_timeout_s,
           "time without a request after which a connection is closed, in seconds"),
    NUMBER("limits", "keep_days", NUMBER, "90", 1, 3650, limits.keep_days,
           "time that an observation is kept after it was last seen, and an event, in days"),

    NUMBER("load", "cpu_pressure", NUMBER, "80", 0, 100, load.cpu_pressure,
           "percent of time in which tasks wait for a processor that is load; 0: does not count"),
    NUMBER("load", "io_pressure", NUMBER, "60", 0, 100, load.io_pressure, "likewise for the disk"),
    NUMBER("load", "run_queue", NUMBER, "8", 0, 1000, load.run_queue, "likewise tasks that could run, by processor"),
    NUMBER("load", "lag_ms", NUMBER, "250", 0, 60000, load.lag_ms,
           "likewise time by which policyd comes late to its work, in milliseconds"),
    NUMBER("load", "lookups", NUMBER, "192", 0, 4096, load.lookups, "likewise DNS look-ups in flight"),
    ROW("load", "stress", BOOL, "true", load.stress, "whether Postfix's stress=yes is load"),
    NUMBER("load", "hold_s", NUMBER, "60", 1, 3600, load.hold_s,
           "calm after which one more check is run again, in seconds"),

    ROW("dovecot", "home", HOME, "/var/vmail/{domain}/{local}", dovecot.home,
        "home directory that the userdb gives; {user}, {local}, {domain} are filled in"),
    ROW("dovecot", "mail", MAIL, "", dovecot.mail,
        "mail location that the userdb gives, with the same; empty: mail_location"),
    ROW("dovecot", "uid", OWNER, "", dovecot.uid, "user who owns the mail; empty: mail_uid"),
    ROW("dovecot", "gid", OWNER, "", dovecot.gid, "group of the mail; empty: mail_gid"),
    ROW("dovecot", "quota", QUOTA, "", dovecot.quota,
        "size that a mailbox may have, such as 2G; 0: unlimited; empty: Dovecot's own"),
    NUMBER("dovecot", "implicit_tls_ports", PORTS, "465 993 995", 1, 65535, dovecot.implicit_tls_ports,
           "server ports where TLS begins at once, without STARTTLS"),
    NUMBER("dovecot", "store_timeout_ms", NUMBER, "3000", 100, 10000, dovecot.store_timeout_ms,
           "time for which a login tries to read accounts_db, in milliseconds"),

    ROW("letter", "template", FILE, "", letter.template_file,
        "file of the words of policyctl's letters; empty: the English ones"),
    ROW("letter", "imap", SERVICE, "", letter.imap,
        "IMAP server that customers should set, NAME or NAME:PORT; empty: hostname"),
    ROW("letter", "pop3", SERVICE, "", letter.pop3, "likewise POP3"),
    ROW("letter", "smtp", SERVICE, "", letter.smtp, "likewise SMTP"),
    ROW("letter", "sieve", SERVICE, "", letter.sieve, "likewise ManageSieve"),

    ROW("act", "cursor", PATH, "/var/lib/postern-act/cursor", act.cursor,
        "file in which postern-act keeps its place"),
    ROW("act", "notice_to", ADDRESSES, "", act.notice_to, "who is told of events; none: nobody"),
    ROW("act", "notice_from", ADDRESS, "", act.notice_from, "sender of notices; empty: postmaster at hostname"),
    ROW("act", "notice_contact", BOOL, "false", act.notice_contact,
        "whether the contact of the account, or of its domain, is told too"),
    ROW("act", "notice_events", EVENTS,
        "account_suspended compromise limit_hit check_shed zone_off counters_degraded", act.notice_events,
        "events that are told of"),
    ROW("act", "template", FILE, "", act.template_file, "file of the words of notices; empty: the English ones"),
    NUMBER("act", "notices_per_hour", NUMBER, "60", 1, 1000, act.notices_per_hour, "notices within an hour"),
    NUMBER("act", "account_notices_per_hour", NUMBER, "4", 1, 1000, act.account_notices_per_hour,
           "notices of one account within an hour"),
    ROW("act", "kick", BOOL, "true", act.kick, "whether a suspension ends open IMAP, POP3 and ManageSieve sessions"),
    ROW("act", "queue", QUEUE, "none", act.queue,
        "what becomes of a suspended account's mail in Postfix's queue: none, list or hold"),
    ROW("act", "command", COMMANDS, "", act.command,
        "commands of one's own; members of the event in {braces} are filled in"),
    ROW("act", "command_events", EVENTS, "account_suspended account_released", act.command_events,
        "events for which they run"),
    NUMBER("act", "deadline_s", NUMBER, "30", 1, 600, act.deadline_s,
           "time that a program may take before it is killed, in seconds"),
    ROW("act", "sendmail", COMMAND, "/usr/sbin/sendmail", act.sendmail, "program that takes notices"),
    ROW("act", "doveadm", COMMAND, "/usr/bin/doveadm", act.doveadm, "doveadm(1)"),
    ROW("act", "postqueue", COMMAND, "/usr/sbin/postqueue", act.postqueue, "postqueue(1)"),
    ROW("act", "postcat", COMMAND, "/usr/sbin/postcat", act.postcat, "postcat(1)"),
    ROW("act", "postsuper", COMMAND, "/usr/sbin/postsuper", act.postsuper, "postsuper(1)"),

    ROW("account_status", "unknown_login", LOGIN, "pass", account_status.refuse_unknown_login,
        "what becomes of a login that has no row here: pass or refuse"),
    ROW("sender_login", "refuse_null_sender", BOOL, "false", sender_login.refuse_null_sender,
        "whether an authenticated client may not send with the null sender"),
    ROW("helo_local", "enforce", SUFFIXES, ".local .localdomain .localhost .invalid", helo_local.enforce,
        "suffixes that are refused where the check is enforced"),
    ROW("helo_local", "observe", SUFFIXES, ".lan .home .home.arpa .internal .intranet .corp .test .example",
        helo_local.observe, "suffixes that are recorded only; one that is in both lists is refused"),
    ROW("send_limit", "user", LIMITS, "messages=30/1m messages=200,recipients=500/1h messages=1000,recipients=2000/1d",
        send_limit.user, "what a user account may send where no row says otherwise"),
    ROW("send_limit", "relay", LIMITS, "messages=300/1m messages=5000,recipients=10000/1h messages=30000,recipients=60000/1d",
        send_limit.relay, "likewise a relay account"),
    ROW("send_limit", "client", LIMITS, "", send_limit.client,
        "likewise each client in trusted_networks that does not log in"),
    ROW("send_limit", "count_at", HOOK, "end-of-message", send_limit.at_rcpt,
        "where mail is counted: end-of-message, or rcpt, which sees recipients alone"),
    ROW("send_limit", "count_local", BOOL, "true", send_limit.count_local,
        "whether recipients in the domains of this host count"),
    NUMBER("compromise", "score", NUMBER, "100", 1, 1000, compromise.score,
           "points of all signals together from which on an account is taken for stolen"),
    ROW("helo_self", "names", HOSTS, "", helo_self.names,
        "further names and addresses of this host, besides hostname"),
    ROW("dnsbl", "zones", ZONES, "", dnsbl.zones, "[KIND:]ZONE[=FILTER][*WEIGHT], as postscreen_dnsbl_sites names them"),
    NUMBER("dnsbl", "threshold", NUMBER, "1", 1, 1000, dnsbl.threshold, "sum of weights from which on mail is refused"),
    NUMBER("dnsbl", "retry_s", NUMBER, "60", 5, 3600, dnsbl.retry_s, "seconds until a zone that was switched off is tried again"),
    NUMBER("greylist", "delay_s", NUMBER, "300", 1, 86400, greylist.delay_s,
           "time after which who comes again passes, in seconds"),
    NUMBER("greylist", "window_s", NUMBER, "172800", 60, 2592000, greylist.window_s,
           "time within which it has to come again, in seconds"),
    NUMBER("greylist", "lifetime_s", NUMBER, "3024000", 3600, 31536000, greylist.lifetime_s,
           "time for which it is known since its last message, in seconds"),
    NUMBER("greylist", "client_passes", NUMBER, "5", 0, 1000, greylist.client_passes,
           "senders that came again after which a client passes at once; 0: never"),
    NUMBER("greylist", "client_bits_v4", NUMBER, "24", 8, 32, greylist.bits_v4,
           "prefix length of an IPv4 client's network, which counts as one"),
    NUMBER("greylist", "client_bits_v6", NUMBER, "64", 16, 128, greylist.bits_v6, "likewise IPv6"),
};

enum { ROWS = sizeof rows / sizeof rows[0] };

size_t config_row_count(void)
{
    return ROWS + CHECK_COUNT + 2 * SIGNAL_COUNT;
}

static struct config_row text_row(size_t id)
{
    const struct check_info *check = &check_infos[id];
    struct config_option text = { check->name, "text", NULL, check->text, 0, 0, "reply text, behind the code" };

    return (struct config_row){ text, CONFIG_TEXT, offsetof(struct config, text) + id * sizeof(char *) };
}

/* Of each signal its weight, then its threshold. */
static struct config_row signal_row(size_t i)
{
    const struct signal_info *s = &signal_infos[i / 2];
    size_t offset = offsetof(struct config, compromise.signal) + i / 2 * sizeof(struct signal_config);
    const char *section = check_infos[CHECK_COMPROMISE].name;
    struct config_option weight = { section, s->weight_option, NULL, s->weight, 0, 1000, s->help };
    struct config_option threshold = { section, s->threshold_option, NULL, s->threshold, 1, 65535, s->help };

    return i % 2 == 0 ? (struct config_row){ weight, CONFIG_NUMBER, offset + offsetof(struct signal_config, weight) }
                      : (struct config_row){ threshold, CONFIG_NUMBER,
                                             offset + offsetof(struct signal_config, threshold) };
}

bool config_row(size_t i, struct config_row *row_r)
{
    if (i >= config_row_count())
        return false;
    if (i < ROWS)
        *row_r = rows[i];
    else if (i < ROWS + CHECK_COUNT)
        *row_r = text_row(i - ROWS);
    else
        *row_r = signal_row(i - ROWS - CHECK_COUNT);
    row_r->option.type = config_type_name(row_r->type);
    return true;
}

bool config_option(size_t i, struct config_option *option_r)
{
    struct config_row row;

    if (!config_row(i, &row))
        return false;
    *option_r = row.option;
    return true;
}

const char *config_section(size_t i)
{
    static const char *const general[] = { "", "dns", "limits", "load", "dovecot", "letter", "act" };
    enum { GENERAL = sizeof general / sizeof general[0] };

    if (i < GENERAL)
        return general[i];
    return i - GENERAL < CHECK_COUNT ? check_infos[i - GENERAL].name : NULL;
}

void config_row_name(const struct config_row *row, char name_r[static CONFIG_NAME_MAX])
{
    struct strbuf b;

    strbuf_init(&b, name_r, CONFIG_NAME_MAX);
    if (row->option.section[0])
        strbuf_addf(&b, "%s.", row->option.section);
    strbuf_adds(&b, row->option.name);
}

enum config_kind config_row_kind(const struct config_row *row)
{
    return config_type_kind(row->type);
}

bool config_row_is_list(const struct config_row *row)
{
    return config_row_kind(row) >= KIND_STRINGS;
}

void *config_slot(struct config *config, const struct config_row *row)
{
    return (char *)config + row->offset;
}

const void *config_slot_const(const struct config *config, const struct config_row *row)
{
    return (const char *)config + row->offset;
}
