/* SPDX-License-Identifier: MIT */
#include "policyd/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/log.h"

enum { SLOTS = AGGREGATE_MAX * 2, TICK_MS = 250, PER_TICK = 512, TRIM_EVERY = 240, HOUR_S = 3600, NUMBER_MAX = 24 };

/* A change, with its texts in one allocation. */
struct pending {
    uint64_t hash;
    enum aggregate_of of;
    struct sums sums;
    struct change change;
    char number[4][NUMBER_MAX]; /* the sums, written at last */
    char text[];
};

struct aggregate {
    struct writer *writer;
    struct event *timer;
    int64_t keep_s;
    int64_t (*now)(void);
    uint64_t lost, lost_written;
    unsigned ticks;
    size_t count, strangers, next; /* next: the slot where the next write goes on */
    struct pending *slot[SLOTS];   /* open addressing */
};

struct row_job {
    struct job job;
    struct pending **row; /* as many as the job has sets */
};

static bool is_key(enum field f)
{
    return f != FIELD_SAMPLE && f != FIELD_NUMBER && f != FIELD_DELIVERED && f != FIELD_RECIPIENTS && f != FIELD_BYTES;
}

static uint64_t hash_of(const struct change *c)
{
    uint64_t h = STR_HASH_START + (unsigned)c->kind;

    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (c->field[f] && is_key((enum field)f))
            h = str_hash(str_hash(h, (struct span){ &(char){ (char)f }, 1 }), span_of(c->field[f]));
    return h ^ h >> 32;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct change *a, const struct change *b)
{
    if (a->kind != b->kind)
        return false;
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (is_key((enum field)f) && !same_text(a->field[f], b->field[f]))
            return false;
    return true;
}

static void add(struct sums *to, const struct sums *s)
{
    to->number += s->number;
    to->delivered += s->delivered;
    to->recipients += s->recipients;
    to->bytes += s->bytes;
}

static struct pending *copy(const struct change *c)
{
    struct pending *p = calloc(1, sizeof *p + change_texts_size(c));

    if (p)
        p->change = change_copy(c, p->text);
    return p;
}

static bool has_room(const struct aggregate *a, enum aggregate_of of)
{
    return a->count < AGGREGATE_MAX && (of != AGGREGATE_STRANGERS || a->strangers < AGGREGATE_STRANGERS_MAX);
}

void aggregate_add(struct aggregate *a, enum aggregate_of of, const struct change *c, const struct sums *sums)
{
    uint64_t hash = hash_of(c);
    size_t i = hash % SLOTS;

    for (; a->slot[i]; i = i + 1 < SLOTS ? i + 1 : 0)
        if (a->slot[i]->hash == hash && same(&a->slot[i]->change, c)) {
            add(&a->slot[i]->sums, sums);
            return;
        }
    if (has_room(a, of))
        a->slot[i] = copy(c);
    if (!a->slot[i]) {
        a->lost++;
        return;
    }
    a->slot[i]->hash = hash;
    a->slot[i]->of = of;
    a->slot[i]->sums = *sums;
    a->count++;
    a->strangers += of == AGGREGATE_STRANGERS;
}

/* ---- writing ---- */

static void free_job(struct row_job *j)
{
    for (size_t i = 0; i < j->job.sets; i++)
        free(j->row[i]);
    free(j->row);
    free(j->job.set);
    free(j);
}

static void on_done(struct job *job)
{
    for (size_t i = 0; i < job->sets; i++)
        if (job->set[i].result != OK) {
            log_format(LOG_LEVEL_ALARM, "observations not written: %s", job->set[i].error.text);
            break;
        }
    free_job((struct row_job *)job);
}

static struct row_job *new_job(size_t count)
{
    struct row_job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->job.database = DATABASE_STATE;
    j->job.done = on_done;
    j->row = calloc(count, sizeof *j->row);
    j->job.set = calloc(count, sizeof *j->job.set);
    if (j->row && j->job.set)
        return j;
    free_job(j);
    return NULL;
}

/* A set each, so that one the database refuses takes no other with it. The job has the
 * row from now on. */
static void add_set(struct row_job *j, struct pending *p)
{
    static const enum field fields[] = { FIELD_NUMBER, FIELD_DELIVERED, FIELD_RECIPIENTS, FIELD_BYTES };
    const uint64_t sum[] = { p->sums.number, p->sums.delivered, p->sums.recipients, p->sums.bytes };
    struct strbuf b;

    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++) {
        strbuf_init(&b, p->number[i], NUMBER_MAX);
        strbuf_addu(&b, sum[i]);
        p->change.field[fields[i]] = p->number[i];
    }
    j->row[j->job.sets] = p;
    j->job.set[j->job.sets++] = (struct change_set){ .change = &p->change, .count = 1 };
}

/* Hands up to PER_TICK of them to the writer, so that no crowd of them takes the processor
 * from replies. A slot that is freed may hide another of the same key behind it: then
 * that is written twice, and summed up in the database. */
KEPT_BEGIN /* the job by the writer; on_done() */
static void submit(struct aggregate *a)
{
    struct row_job *j = a->count > 0 ? new_job(a->count < PER_TICK ? a->count : PER_TICK) : NULL;

    if (!j)
        return; /* none, or no memory: tried again with the next tick */
    for (size_t i = 0; i < SLOTS && a->count > 0 && j->job.sets < PER_TICK; i++) {
        struct pending *p = a->slot[a->next];
        a->slot[a->next] = NULL;
        a->next = a->next + 1 < SLOTS ? a->next + 1 : 0;
        if (!p)
            continue;
        add_set(j, p);
        a->count--;
        a->strangers -= p->of == AGGREGATE_STRANGERS;
    }
    writer_submit(a->writer, &j->job);
}
KEPT_END

static const char *number_text(int64_t number, char text_r[static NUMBER_MAX])
{
    struct strbuf b;

    strbuf_init(&b, text_r, NUMBER_MAX);
    strbuf_addu(&b, number > 0 ? (uint64_t)number : 0);
    return text_r;
}

static void submit_trim(struct aggregate *a)
{
    struct change c = { .kind = CHANGE_STATE_TRIM };
    char start[NUMBER_MAX];
    struct row_job *j = new_job(1);
    struct pending *p;

    c.field[FIELD_START] = number_text(a->now() - a->keep_s, start);
    p = j ? copy(&c) : NULL;
    if (!p) {
        if (j)
            free_job(j);
        return;
    }
    p->sums.number = OBSERVATION_ROWS_MAX;
    add_set(j, p);
    writer_submit(a->writer, &j->job);
}

/* A report has to know that it does not know all. */
static void tally_lost(struct aggregate *a)
{
    struct sums sums = { .number = a->lost - a->lost_written };
    char start[NUMBER_MAX];
    int64_t now = a->now();
    struct change c = { .kind = CHANGE_TALLY };

    if (sums.number == 0 || !has_room(a, AGGREGATE_OWN))
        return;
    a->lost_written = a->lost;
    c.field[FIELD_START] = number_text(now - now % HOUR_S, start);
    c.field[FIELD_OUTCOME] = "lost";
    aggregate_add(a, AGGREGATE_OWN, &c, &sums);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct aggregate *a = arg;

    (void)fd, (void)what;
    submit(a);
    tally_lost(a);
    if (++a->ticks % TRIM_EVERY == 0)
        submit_trim(a);
}

enum result aggregate_open(struct event_base *base, struct writer *writer, int64_t (*now)(void),
                           struct aggregate **aggregate_r)
{
    struct aggregate *a = calloc(1, sizeof *a);
    struct timeval tv = { 0, TICK_MS * 1000 };

    if (!a)
        return TRY_AGAIN;
    a->writer = writer;
    a->now = now;
    a->timer = event_new(base, -1, EV_PERSIST, on_timer, a);
    if (!a->timer || event_add(a->timer, &tv) != 0) {
        free(a);
        return TRY_AGAIN;
    }
    *aggregate_r = a;
    return OK;
}

void aggregate_keep(struct aggregate *a, unsigned days)
{
    a->keep_s = (int64_t)days * 86400;
}

void aggregate_flush(struct aggregate *a)
{
    for (size_t left = a->count + 1; a->count > 0 && a->count < left; submit(a))
        left = a->count;
}

void aggregate_close(struct aggregate **aggregate)
{
    struct aggregate *a = *aggregate;

    if (!a)
        return;
    tally_lost(a);
    aggregate_flush(a);
    for (size_t i = 0; i < SLOTS; i++)
        free(a->slot[i]);
    event_free(a->timer);
    free(a);
    *aggregate = NULL;
}

uint64_t aggregate_lost(const struct aggregate *a)
{
    return a->lost;
}
