/* SPDX-License-Identifier: MIT */
#include "policyd/load_watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/store.h"
#include "policyd/check.h"
#include "policyd/log.h"

/* The loop's lag is the worst of several probes: one alone mostly misses a loop that is busy
 * for half of the time. */
enum { PROBE_MS = 250, PROBES = 4, PATH_SIZE = 4096, TEXT_SIZE = 512, NS_PER_MS = 1000000, BUSY_MS = 200 };

struct load_watch {
    struct load_watch_config config;
    const struct config *options;
    struct events *events;
    struct event *timer;
    struct load load;
    unsigned probes; /* of this sample */
    uint64_t due_ns; /* when the timer was to fire */
    uint64_t lag_ns; /* the worst of the probes */
};

/* ---- what the kernel tells ---- */

static int open_below(const char *proc, const char *name)
{
    char path[PATH_SIZE];
    struct strbuf b;

    strbuf_init(&b, path, sizeof path);
    strbuf_addf(&b, "%s/%s", proc, name);
    return b.cut ? -1 : open(path, O_RDONLY | O_CLOEXEC);
}

void load_files_open(const char *proc, struct load_files *files_r)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    *files_r = (struct load_files){ { open_below(proc, "pressure/cpu"), open_below(proc, "pressure/io") },
                                    open_below(proc, "loadavg"),
                                    cores > 0 ? (unsigned)cores : 1 };
}

void load_files_close(struct load_files *f)
{
    int *fds[] = { &f->pressure[0], &f->pressure[1], &f->loadavg };

    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static bool read_text(int fd, char text_r[static TEXT_SIZE])
{
    ssize_t len = fd >= 0 ? pread(fd, text_r, TEXT_SIZE - 1, 0) : -1;

    text_r[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* "some avg10=5.94 avg60=26.36 avg300=35.95 total=265342533" */
static double read_pressure(int fd)
{
    static const char before[] = "some avg10=";
    char text[TEXT_SIZE];

    if (!read_text(fd, text) || strncmp(text, before, sizeof before - 1) != 0)
        return -1;
    return strtod(text + sizeof before - 1, NULL);
}

/* "4.29 4.78 2.59 6/92 11454": six of ninety-two can run, this one among them. */
static double read_run_queue(int fd, unsigned cores)
{
    char text[TEXT_SIZE], *field = text;

    if (!read_text(fd, text))
        return -1;
    for (int i = 0; i < 3 && field; i++)
        if ((field = strchr(field, ' ')) != NULL)
            field++;
    if (!field || !strchr(field, '/'))
        return -1;
    double running = strtod(field, NULL);
    return running > 1 ? (running - 1) / cores : 0;
}

void load_files_read(const struct load_files *f, struct load_sample *sample)
{
    sample->value[LOAD_CPU] = read_pressure(f->pressure[0]);
    sample->value[LOAD_IO] = read_pressure(f->pressure[1]);
    sample->value[LOAD_RUN_QUEUE] = read_run_queue(f->loadavg, f->cores);
}

/* ---- telling ---- */

static void tell_check(const struct load_watch *w, enum check_id id, bool is_shed, const char *cause,
                       const char *by)
{
    events_add(w->events,
               &(struct event_report){ .kind = is_shed ? EVENT_CHECK_SHED : EVENT_CHECK_RESTORED,
                                       .subject = check_infos[id].name,
                                       .reason = cause,
                                       .by = by },
               w->config.now());
}

static void tell(const struct load_watch *w, const struct load_change *c, const char *by)
{
    char names[TEXT_SIZE];
    bool rises = c->to > c->from;
    struct strbuf b;

    strbuf_init(&b, names, sizeof names);
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        enum check_id id = (enum check_id)i;
        if (check_is_shed(id, c->from) == check_is_shed(id, c->to))
            continue;
        strbuf_addf(&b, "%s%s", b.len > 0 ? ", " : "", check_infos[id].name);
        tell_check(w, id, rises, c->cause, by);
    }
    log_format(LOG_LEVEL_WARNING, "load: level %u, %s %s: %s", c->to, names, rises ? "not run" : "run again",
               c->cause);
}

/* ---- what an earlier policyd left ---- */

struct left {
    bool shed[CHECK_COUNT];
};

/* time, kind, subject */
static bool left_fn(const struct row *row, void *context)
{
    struct left *left = context;
    enum event_kind kind;
    enum check_id id;

    if (event_kind_parse(row->column[1], &kind) == OK && check_parse(span_of(row->column[2]), &id) == OK)
        left->shed[id] = kind == EVENT_CHECK_SHED;
    return true;
}

/* Levels do not outlive a restart, and readiness goes by the events. */
static void end_what_was_left(const struct load_watch *w)
{
    struct store_params p = { .path = w->config.state_db,
                              .database = DATABASE_STATE,
                              .access = STORE_READ,
                              .busy_timeout_ms = BUSY_MS };
    struct left left = { { false } };
    struct store *store;
    struct error e;

    if (store_open(&p, &store, &e) != OK)
        return;
    enum result r = store_query(store, QUERY_SHED_EVENTS, NULL, 0, left_fn, &left);
    store_close(&store);
    for (unsigned id = 0; r == OK && id < CHECK_COUNT; id++)
        if (left.shed[id])
            tell_check(w, (enum check_id)id, false, "policyd was started anew", "load");
}

/* ---- sampling ---- */

struct load_limits load_watch_limits(const struct load_watch *w)
{
    const struct config *c = w->options;

    return (struct load_limits){ .limit = { [LOAD_CPU] = c->load.cpu_pressure,
                                            [LOAD_IO] = c->load.io_pressure,
                                            [LOAD_RUN_QUEUE] = c->load.run_queue,
                                            [LOAD_LAG] = c->load.lag_ms,
                                            [LOAD_LOOKUPS] = c->load.lookups,
                                            [LOAD_STRESS] = c->load.stress ? LOAD_STRESS_LIMIT : 0 },
                                 .hold_ms = (uint64_t)c->load.hold_s * 1000 };
}

static struct load_time time_now(const struct load_watch *w)
{
    return (struct load_time){ w->config.monotonic_ns() / NS_PER_MS, w->config.now() };
}

static void take_sample(struct load_watch *w)
{
    struct load_limits limits = load_watch_limits(w);
    uint64_t lag_ms = w->lag_ns / NS_PER_MS;
    struct load_sample sample = { .value = { [LOAD_LAG] = (double)lag_ms,
                                             [LOAD_LOOKUPS] = (double)w->config.lookups() } };
    const struct load_change *c;

    load_files_read(w->config.files, &sample);
    c = load_take(&w->load, &limits, &sample, time_now(w));
    if (c)
        tell(w, c, "load");
}

static void start_timer(struct load_watch *w)
{
    struct timeval tv = { 0, PROBE_MS * 1000 };

    w->due_ns = w->config.monotonic_ns() + (uint64_t)PROBE_MS * NS_PER_MS;
    event_add(w->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct load_watch *w = arg;
    uint64_t now = w->config.monotonic_ns(), lag = now > w->due_ns ? now - w->due_ns : 0;

    (void)fd, (void)what;
    if (lag > w->lag_ns)
        w->lag_ns = lag;
    if (++w->probes == PROBES) {
        take_sample(w);
        w->probes = 0;
        w->lag_ns = 0;
    }
    start_timer(w);
}

/* ---- opening and closing ---- */

enum result load_watch_open(struct event_base *base, struct events *events, const struct config *options,
                            const struct load_watch_config *config, struct load_watch **watch_r)
{
    struct load_watch *w = calloc(1, sizeof *w);

    if (!w)
        return TRY_AGAIN;
    w->config = *config;
    w->options = options;
    w->events = events;
    load_init(&w->load, time_now(w));
    w->timer = event_new(base, -1, 0, on_timer, w);
    if (!w->timer) {
        free(w);
        return TRY_AGAIN;
    }
    end_what_was_left(w);
    start_timer(w);
    *watch_r = w;
    return OK;
}

void load_watch_close(struct load_watch **watch)
{
    struct load_watch *w = *watch;

    if (!w)
        return;
    event_free(w->timer);
    free(w);
    *watch = NULL;
}

void load_watch_reload(struct load_watch *w, const struct config *options)
{
    w->options = options;
}

void load_watch_stressed(struct load_watch *w)
{
    load_stressed(&w->load);
}

void load_watch_set_mode(struct load_watch *w, enum load_mode mode, const char *by)
{
    const struct load_change *c = load_set_mode(&w->load, mode, time_now(w));

    if (c)
        tell(w, c, by);
}

const struct load *load_watch_load(const struct load_watch *w)
{
    return &w->load;
}
