/* SPDX-License-Identifier: MIT */
#include "policyd/observations.h"

#include <stdlib.h>
#include <string.h>

#include "policyd/log.h"

enum { SLOTS = OBSERVATIONS_MAX * 2, TICK_MS = 250, PER_TICK = 512, TRIM_EVERY = 240 };

struct observation {
    uint64_t hash;
    uint64_t count;
    enum check_id check;
    char *subject, *cause, *sample; /* one allocation, at subject */
};

struct observations {
    struct writer *writer;
    struct event *timer;
    uint64_t lost;
    unsigned ticks;
    size_t count, next;             /* next: the slot where the next write goes on */
    struct observation slot[SLOTS]; /* open addressing; count 0: free */
};

/* A job of observe changes, and the texts they point to. */
struct observe_job {
    struct job job;
    struct change *change;
    char (*number)[24];
    struct observation *taken;
    size_t count;
};

static uint64_t hash_text(uint64_t h, const char *text)
{
    do
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    while (*text++);
    return h;
}

static bool same(const struct observation *o, uint64_t hash, enum check_id id, const struct finding *f)
{
    return o->hash == hash && o->check == id && strcmp(o->subject, f->subject) == 0 &&
           strcmp(o->cause, f->cause) == 0;
}

static bool fill(struct observation *o, uint64_t hash, enum check_id id, const struct finding *f)
{
    size_t subject = strlen(f->subject) + 1, cause = strlen(f->cause) + 1, sample = strlen(f->reply) + 1;
    char *text = malloc(subject + cause + sample);

    if (!text)
        return false;
    *o = (struct observation){ hash, 1, id, text, text + subject, text + subject + cause };
    memcpy(o->subject, f->subject, subject);
    memcpy(o->cause, f->cause, cause);
    memcpy(o->sample, f->reply, sample);
    return true;
}

void observations_add(struct observations *o, enum check_id id, const struct finding *f)
{
    uint64_t hash = hash_text(hash_text(14695981039346656037u + id, f->subject), f->cause);
    size_t i = hash % SLOTS;

    for (; o->slot[i].count > 0; i = i + 1 < SLOTS ? i + 1 : 0)
        if (same(&o->slot[i], hash, id, f)) {
            o->slot[i].count++;
            return;
        }
    if (o->count < OBSERVATIONS_MAX && fill(&o->slot[i], hash, id, f))
        o->count++;
    else
        o->lost++;
}

static void free_job(struct observe_job *j)
{
    for (size_t i = 0; i < j->count; i++)
        free(j->taken[i].subject);
    free(j->taken);
    free(j->number);
    free(j->change);
    free(j->job.set);
    free(j);
}

static void on_done(struct job *job)
{
    struct observe_job *j = (struct observe_job *)job;

    for (size_t i = 0; i < job->sets; i++)
        if (job->set[i].result != OK) {
            log_format(LOG_LEVEL_ALARM, "observations not written: %s", job->set[i].error.text);
            break;
        }
    free_job(j);
}

static struct observe_job *new_job(size_t count)
{
    struct observe_job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->job.database = DATABASE_STATE;
    j->job.done = on_done;
    j->change = calloc(count, sizeof *j->change);
    j->number = calloc(count, sizeof *j->number);
    j->taken = calloc(count, sizeof *j->taken);
    j->job.set = calloc(count, sizeof *j->job.set);
    if (j->change && j->number && j->taken && j->job.set)
        return j;
    free_job(j);
    return NULL;
}

static void number_text(char array[24], uint64_t number)
{
    struct strbuf b;

    strbuf_init(&b, array, 24);
    strbuf_addu(&b, number);
}

/* A set each, so that one the database refuses takes no other with it. */
static void add_change(struct observe_job *j, const struct observation *o)
{
    size_t i = j->count++;
    struct change *c = &j->change[i];

    j->taken[i] = *o;
    number_text(j->number[i], o->count);
    c->kind = CHANGE_OBSERVE;
    c->field[FIELD_CHECK] = check_infos[o->check].name;
    c->field[FIELD_SUBJECT] = o->subject;
    c->field[FIELD_CAUSE] = o->cause;
    c->field[FIELD_SAMPLE] = o->sample;
    c->field[FIELD_MODE] = "observe";
    c->field[FIELD_DELIVERED] = "0";
    c->field[FIELD_NUMBER] = j->number[i];
    j->job.set[j->job.sets++] = (struct change_set){ .change = c, .count = 1 };
}

static void submit_trim(struct observations *o)
{
    struct observe_job *j = new_job(1);

    if (!j)
        return;
    number_text(j->number[0], OBSERVATION_ROWS_MAX);
    j->change[0].kind = CHANGE_STATE_TRIM;
    j->change[0].field[FIELD_START] = "0";
    j->change[0].field[FIELD_NUMBER] = j->number[0];
    j->job.set[j->job.sets++] = (struct change_set){ .change = j->change, .count = 1 };
    writer_submit(o->writer, &j->job);
}

/* Hands up to PER_TICK of them to the writer, so that no crowd of them takes the processor
 * from replies. A slot that is freed may hide another of the same key behind it: then
 * that is written twice, and summed up in the database. */
static void submit(struct observations *o)
{
    struct observe_job *j = o->count > 0 ? new_job(o->count < PER_TICK ? o->count : PER_TICK) : NULL;

    if (!j)
        return; /* none, or no memory: tried again with the next tick */
    for (size_t i = 0; i < SLOTS && o->count > 0 && j->count < PER_TICK; i++) {
        struct observation *s = &o->slot[o->next];
        o->next = o->next + 1 < SLOTS ? o->next + 1 : 0;
        if (s->count == 0)
            continue;
        add_change(j, s);
        s->count = 0;
        o->count--;
    }
    writer_submit(o->writer, &j->job);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct observations *o = arg;

    (void)fd, (void)what;
    submit(o);
    if (++o->ticks % TRIM_EVERY == 0)
        submit_trim(o);
}

enum result observations_open(struct event_base *base, struct writer *writer, struct observations **o_r)
{
    struct observations *o = calloc(1, sizeof *o);
    struct timeval tv = { 0, TICK_MS * 1000 };

    if (!o)
        return TRY_AGAIN;
    o->writer = writer;
    o->timer = event_new(base, -1, EV_PERSIST, on_timer, o);
    if (!o->timer || event_add(o->timer, &tv) != 0) {
        free(o);
        return TRY_AGAIN;
    }
    *o_r = o;
    return OK;
}

void observations_close(struct observations **observations)
{
    struct observations *o = *observations;

    if (!o)
        return;
    for (size_t left = o->count + 1; o->count > 0 && o->count < left; submit(o))
        left = o->count;
    for (size_t i = 0; i < SLOTS; i++)
        if (o->slot[i].count > 0)
            free(o->slot[i].subject);
    event_free(o->timer);
    free(o);
    *observations = NULL;
}

uint64_t observations_lost(const struct observations *o)
{
    return o->lost;
}
