/* SPDX-License-Identifier: MIT */
/*
 * Judges the signals by traffic: no account that is nobody's prey is stopped, and every
 * thief is, within 50 messages and 200 recipients.  The presets of weights and thresholds
 * were set with the known shapes and seeds below 100; judged are the other shapes, with
 * other seeds.  `test_signals SEED` prints the figures of the manual.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/signals.h"
#include "traffic.h"

enum { SCORE = 100, MESSAGES_MOST = 50, RECIPIENTS_MOST = 200, SEEDS = 10, JUDGED_SEED = 101 };

static struct traffic traffic;
static struct signal_config presets[SIGNAL_COUNT];

/* What became of one account's traffic where all that scores is held. */
struct outcome {
    unsigned owner_held;           /* messages of the owner, before there was a thief */
    unsigned messages, recipients; /* of the thief, that went out */
    unsigned highest;              /* score of the owner's own messages before */
    char why[300];                 /* that one's signals */
};

/* A part of a name, as Postfix's instance has it: what counts up stands last. */
static struct span name(uint32_t a, uint32_t b, char text_r[static 64])
{
    int n = snprintf(text_r, 64, "%x.%x", a, b);

    return (struct span){ text_r, (size_t)n };
}

static struct network client_of(uint32_t address)
{
    return (struct network){ .bytes = { (unsigned char)(address >> 24), (unsigned char)(address >> 16),
                                        (unsigned char)(address >> 8), (unsigned char)address },
                             .bits = 32 };
}

static void judge_owner(const struct traffic_event *e, const struct signals *s, struct outcome *o)
{
    struct strbuf text;

    o->owner_held += s->score >= SCORE;
    if (s->score <= o->highest)
        return;
    o->highest = s->score;
    strbuf_init(&text, o->why, sizeof o->why);
    strbuf_addf(&text, "%u on day %d: ", s->score, (int)((e->at - traffic_start) / DAY));
    signals_text(s, &text);
}

static void judge(struct behaviour *b, const struct traffic_event *e, bool stolen, struct outcome *o)
{
    struct signals s;

    signals_measure(b, presets, e->at, &s);
    if (s.score >= SCORE * 3 / 4)
        behaviour_suspect(b, s.score >= SCORE, e->at);
    if (e->thief && s.score < SCORE) {
        o->messages++;
        o->recipients += e->number;
    }
    if (!stolen)
        judge_owner(e, &s, o);
}

static void tell(struct behaviour *b, const struct traffic_event *e)
{
    struct network client = client_of(e->client);
    char instance[64], number[64];
    struct span transaction = name(e->connection, e->transaction, instance);

    switch (e->kind) {
    case TRAFFIC_LOGIN:
        behaviour_login(b, &client, e->at);
        break;
    case TRAFFIC_RECIPIENT:
        behaviour_recipient(b, transaction, name(e->number, 0, number), e->at);
        break;
    case TRAFFIC_REFUSED_SENDER:
        behaviour_refused_sender(b, name(e->number, 0, number), e->at);
        break;
    case TRAFFIC_MESSAGE:
        behaviour_message(b, transaction, &client, e->number, e->at);
        break;
    }
}

static void run(struct outcome *o)
{
    static struct behaviour b;
    bool stolen = false;

    memset(&b, 0, sizeof b);
    *o = (struct outcome){ 0 };
    for (size_t i = 0; i < traffic.count; i++) {
        const struct traffic_event *e = &traffic.event[i];
        stolen |= e->thief;
        tell(&b, e);
        if (e->kind == TRAFFIC_MESSAGE)
            judge(&b, e, stolen, o);
    }
}

static void read_presets(void)
{
    for (unsigned i = 0; i < SIGNAL_COUNT; i++)
        presets[i] = (struct signal_config){ (unsigned)strtoul(signal_infos[i].weight, NULL, 10),
                                             (unsigned)strtoul(signal_infos[i].threshold, NULL, 10) };
}

START_TEST(no_normal_account_is_held)
{
    struct outcome o;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        traffic_normal(&traffic, (unsigned)_i, (JUDGED_SEED + seed) * 1000);
        run(&o);
        ck_assert_msg(o.owner_held == 0, "%s, seed %u: %u messages held, %s", traffic.name, (unsigned)seed,
                      o.owner_held, o.why);
    }
}
END_TEST

START_TEST(every_thief_is_stopped)
{
    struct outcome o;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        traffic_thief(&traffic, (unsigned)_i, (JUDGED_SEED + seed) * 1000);
        run(&o);
        ck_assert_msg(o.owner_held == 0, "%s, seed %u: the owner before: %s", traffic.name, (unsigned)seed,
                      o.why);
        ck_assert_msg(o.messages <= MESSAGES_MOST && o.recipients <= RECIPIENTS_MOST,
                      "%s, seed %u: %u messages, %u recipients went out", traffic.name, (unsigned)seed,
                      o.messages, o.recipients);
    }
}
END_TEST

/* ---- figures ---- */

static void print_normal(unsigned kind, uint64_t seed0)
{
    unsigned held = 0, highest = 0;
    char why[sizeof(struct outcome)] = "";
    struct outcome o;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        traffic_normal(&traffic, kind, (seed0 + seed) * 1000);
        run(&o);
        held += o.owner_held > 0;
        if (o.highest > highest) {
            highest = o.highest;
            memcpy(why, o.why, sizeof o.why);
        }
    }
    printf("%-45s %u of %d held, highest score %s\n", traffic.name, held, SEEDS, *why ? why : "0");
}

static void print_thief(unsigned shape, uint64_t seed0)
{
    unsigned messages = 0, recipients = 0, missed = 0;
    struct outcome o;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        traffic_thief(&traffic, shape, (seed0 + seed) * 1000);
        run(&o);
        messages = o.messages > messages ? o.messages : messages;
        recipients = o.recipients > recipients ? o.recipients : recipients;
        missed += o.messages > MESSAGES_MOST || o.recipients > RECIPIENTS_MOST;
    }
    printf("%-45s %s: at most %u messages, %u recipients; %u of %d missed\n", traffic.name,
           shape < THIEF_SHAPES_KNOWN ? "known" : "judged", messages, recipients, missed, SEEDS);
}

static void print_figures(uint64_t seed0)
{
    for (unsigned kind = 0; kind < NORMAL_KINDS; kind++)
        print_normal(kind, seed0);
    for (unsigned shape = 0; shape < THIEF_SHAPES; shape++)
        print_thief(shape, seed0);
}

static Suite *signals_suite(void)
{
    Suite *suite = suite_create("signals by traffic");
    TCase *tc = tcase_create("traffic");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, no_normal_account_is_held, 0, NORMAL_KINDS);
    tcase_add_loop_test(tc, every_thief_is_stopped, THIEF_SHAPES_KNOWN, THIEF_SHAPES);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(int argc, char **argv)
{
    int failed = 0;

    read_presets();
    if (argc > 1)
        print_figures(strtoul(argv[1], NULL, 10));
    else {
        SRunner *runner = srunner_create(signals_suite());
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
    }
    traffic_free(&traffic);
    return failed == 0 ? 0 : 1;
}
