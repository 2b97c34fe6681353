/* SPDX-License-Identifier: MIT */
#include "policyd/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/log.h"

enum {
    SLOTS = AGGREGATE_MAX * 2,
    IDLE_MS = 250,
    TICK_MS = 10,  /* while there is something to write */
    PER_TICK = 10, /* a handful: the writer is not to take the processor from replies for long */
    TRIM_S = 60,
    HOUR_S = 3600,
    KEY_MAX = 4096
};

/* What tells rows apart: the kind, then the fields that are set, each as its number, its
 * text and a NUL. */
struct key {
    uint64_t hash;
    struct strbuf b;
    char text[KEY_MAX];
};

/* A change, with its texts in one allocation. */
struct pending {
    uint64_t hash;
    size_t key_len;
    enum aggregate_of of;
    struct sums sums;
    struct change change;
    char number[4][STR_NUMBER_MAX]; /* the sums, written at last */
    char text[];                    /* the key, then the sample */
};

struct aggregate {
    struct writer *writer;
    struct event *timer;
    int64_t keep_s;
    int64_t (*now)(void);
    uint64_t lost, lost_written;
    int64_t trimmed;
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

static void put(struct strbuf *b, char octet, const char *text)
{
    strbuf_addc(b, octet);
    strbuf_add(b, (struct span){ text, strlen(text) + 1 });
}

/* LIMIT: longer than any row's. */
static enum result make_key(const struct change *c, struct key *key_r)
{
    strbuf_init(&key_r->b, key_r->text, sizeof key_r->text);
    put(&key_r->b, (char)c->kind, "");
    for (unsigned f = 0; f < FIELD_COUNT; f++)
        if (c->field[f] && is_key((enum field)f))
            put(&key_r->b, (char)f, c->field[f]);
    key_r->hash = str_key_hash((struct span){ key_r->text, key_r->b.len });
    return key_r->b.cut ? LIMIT : OK;
}

static bool is_its(const struct pending *p, const struct key *k)
{
    return p->hash == k->hash && p->key_len == k->b.len && memcmp(p->text, k->text, k->b.len) == 0;
}

static void add(struct sums *to, const struct sums *s)
{
    to->number += s->number;
    to->delivered += s->delivered;
    to->recipients += s->recipients;
    to->bytes += s->bytes;
}

/* Its fields are in the key. */
static struct pending *new_row(const struct key *k, const char *sample)
{
    size_t size = sample ? strlen(sample) + 1 : 0;
    struct pending *p = calloc(1, sizeof *p + k->b.len + size);

    if (!p)
        return NULL;
    p->hash = k->hash;
    p->key_len = k->b.len;
    memcpy(p->text, k->text, k->b.len);
    p->change.kind = (enum change_kind)p->text[0];
    for (char *field = p->text + 2; field < p->text + k->b.len; field += strlen(field + 1) + 2)
        p->change.field[(unsigned char)field[0]] = field + 1;
    if (sample)
        p->change.field[FIELD_SAMPLE] = memcpy(p->text + k->b.len, sample, size);
    return p;
}

static bool has_room(const struct aggregate *a, enum aggregate_of of)
{
    return a->count < AGGREGATE_MAX && (of != AGGREGATE_STRANGERS || a->strangers < AGGREGATE_STRANGERS_MAX);
}

KEPT_BEGIN /* the row in its slot; free_job(), aggregate_close() */
void aggregate_add(struct aggregate *a, enum aggregate_of of, const struct change *c,
                   const struct sums *sums)
{
    struct key key;
    size_t i;

    if (make_key(c, &key) != OK) {
        a->lost++;
        return;
    }
    for (i = key.hash % SLOTS; a->slot[i]; i = i + 1 < SLOTS ? i + 1 : 0)
        if (is_its(a->slot[i], &key)) {
            add(&a->slot[i]->sums, sums);
            return;
        }
    if (has_room(a, of))
        a->slot[i] = new_row(&key, c->field[FIELD_SAMPLE]);
    if (!a->slot[i]) {
        a->lost++;
        return;
    }
    a->slot[i]->of = of;
    a->slot[i]->sums = *sums;
    a->count++;
    a->strangers += of == AGGREGATE_STRANGERS;
}
KEPT_END

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

    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++)
        p->change.field[fields[i]] = str_number_text(sum[i], p->number[i]);
    j->row[j->job.sets] = p;
    j->job.set[j->job.sets++] = (struct change_set){ .change = &p->change, .count = 1 };
}

/* Hands up to PER_TICK of them to the writer. A slot that is freed may hide another of the same key behind it: then
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

static void submit_trim(struct aggregate *a)
{
    struct change c = { .kind = CHANGE_STATE_TRIM };
    char start[STR_NUMBER_MAX];
    struct row_job *j = new_job(1);
    struct pending *p;
    struct key key;
    int64_t since = a->now() - a->keep_s;

    c.field[FIELD_START] = str_number_text(since > 0 ? (uint64_t)since : 0, start);
    p = j && make_key(&c, &key) == OK ? new_row(&key, NULL) : NULL;
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
    char start[STR_NUMBER_MAX];
    int64_t now = a->now();
    struct change c = { .kind = CHANGE_TALLY };

    if (sums.number == 0 || !has_room(a, AGGREGATE_OWN))
        return;
    a->lost_written = a->lost;
    c.field[FIELD_START] = str_number_text((uint64_t)(now - now % HOUR_S), start);
    c.field[FIELD_OUTCOME] = "lost";
    aggregate_add(a, AGGREGATE_OWN, &c, &sums);
}

static enum result start_timer(struct aggregate *a)
{
    struct timeval tv = { 0, (a->count > 0 ? TICK_MS : IDLE_MS) * 1000 };

    return event_add(a->timer, &tv) == 0 ? OK : TRY_AGAIN;
}

static void trim_sometimes(struct aggregate *a)
{
    int64_t now = a->now();

    if (now - a->trimmed < TRIM_S && now >= a->trimmed)
        return;
    a->trimmed = now;
    submit_trim(a);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct aggregate *a = arg;

    (void)fd, (void)what;
    submit(a);
    tally_lost(a);
    trim_sometimes(a);
    (void)!start_timer(a); /* an event that was added before: it needs no memory */
}

enum result aggregate_open(struct event_base *base, struct writer *writer, int64_t (*now)(void),
                           struct aggregate **aggregate_r)
{
    struct aggregate *a = calloc(1, sizeof *a);

    if (!a)
        return TRY_AGAIN;
    a->writer = writer;
    a->now = now;
    a->trimmed = now();
    a->timer = event_new(base, -1, 0, on_timer, a);
    if (!a->timer || start_timer(a) != OK) {
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
