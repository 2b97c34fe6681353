/* SPDX-License-Identifier: MIT */
/* postern-act: what postqueue and postcat say, and programs with a deadline. */
#include "postern-act/queue.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postern-act/child.h"

#define ENTRY(queue, id)                                                                                     \
    "{\"queue_name\": \"" queue "\", \"queue_id\": \"" id "\", \"sender\": \"\", \"recipients\": []}\n"

static const char *shown(const struct queue_ids *ids)
{
    static char text[1024];
    struct strbuf b;

    strbuf_init(&b, text, sizeof text);
    for (size_t i = 0; i < ids->count; i++)
        strbuf_addf(&b, "%s%s", i > 0 ? " " : "", ids->id[i]);
    return text;
}

START_TEST(what_lies_in_the_queue)
{
    struct queue_ids ids = { 0 };
    struct error e = { "" };

    ck_assert_int_eq(queue_list(SPAN(""), &ids, &e), OK);
    ck_assert_int_eq(
        queue_list(SPAN(ENTRY("deferred", "3F2A") ENTRY("hold", "4B1C") "\n" ENTRY("active", "4Zx8Lb2pQz0")),
                   &ids, &e),
        OK);
    ck_assert_str_eq(shown(&ids), "3F2A 4Zx8Lb2pQz0");
    queue_ids_free(&ids);
}
END_TEST

static const char *const no_queues[] = {
    "{\n",
    "[]\n",
    "{}\n",
    "{\"queue_id\": \"3F2A\"}\n",
    ENTRY("deferred", ""),
    ENTRY("deferred", "-d"),
    ENTRY("deferred", "ALL ALL"),
    ENTRY("deferred", "../x"),
    "{\"queue_name\": \"x\", \"queue_id\": 7}\n",
    ENTRY("deferred", "0123456789012345678901234567890123456789"),
    "{\"queue_name\": \"x\", \"queue_id\": \"A\", \"queue_id\": \"B\"}\n",
};

START_TEST(no_queue)
{
    struct queue_ids ids = { 0 };
    struct error e = { "" };

    ck_assert_int_eq(queue_list(span_of(no_queues[_i]), &ids, &e), BAD);
    ck_assert_str_ne(e.text, "");
    ck_assert_uint_eq(ids.count, 0);
    queue_ids_free(&ids);
}
END_TEST

START_TEST(as_many_as_are_looked_at)
{
    struct queue_ids ids = { 0 };
    struct error e;
    char line[128];

    for (unsigned i = 0; i <= QUEUE_MESSAGES_MAX; i++) {
        ck_assert(!ids.cut);
        snprintf(line, sizeof line, "{\"queue_name\": \"deferred\", \"queue_id\": \"%08X\"}", i);
        ck_assert_int_eq(queue_list(span_of(line), &ids, &e), OK);
    }
    ck_assert(ids.cut && ids.count == QUEUE_MESSAGES_MAX);
    queue_ids_free(&ids);
}
END_TEST

#define END(id)                                                                                              \
    "*** MESSAGE CONTENTS " id " ***\n*** HEADER EXTRACTED " id " ***\n*** MESSAGE FILE END " id " ***\n"

/* The account's own by its login: the first, not the second nor the third, the fourth, none with an
 * odd ID, and not the last, which was not told to its end. */
static const char
    envelopes[] = "*** ENVELOPE RECORDS deferred/3/3F2A ***\nsender: other@x.example\n"
                  "named_attribute: sasl_username=user@x.example\n" END(
                      "deferred/3/3F2A") "*** ENVELOPE RECORDS active/4B1C ***\nsender: user@x.example\n"
                                         "named_attribute: sasl_username=other@x.example\n" END("active/4B1C") "*** ENVELOPE RECORDS deferred/5/5D0E ***\nsender: user@x.example\nrecipient: sasl_username=user@x.example\n" END(
                                             "deferred/5/5D0E") "*** ENVELOPE RECORDS hold/6A "
                                                                "***\nnamed_attribute: "
                                                                "sasl_username=User@X.example\n"
                                                                "named_attribute: "
                                                                "sasl_username=user@x.example\n" END(
                                                                    "hold/6A") "*** ENVELOPE RECORDS "
                                                                               "deferred/7/7F -d "
                                                                               "***\nnamed_attribute: "
                                                                               "sasl_username=user@x."
                                                                               "example\n" END("deferred/7/"
                                                                                               "7F -d") "*** "
                                                                                                        "ENVE"
                                                                                                        "LOPE"
                                                                                                        " REC"
                                                                                                        "ORDS"
                                                                                                        " def"
                                                                                                        "erre"
                                                                                                        "d/8/"
                                                                                                        "8F "
                                                                                                        "***"
                                                                                                        "\nna"
                                                                                                        "med_"
                                                                                                        "attr"
                                                                                                        "ibut"
                                                                                                        "e: "
                                                                                                        "sasl"
                                                                                                        "_use"
                                                                                                        "rnam"
                                                                                                        "e="
                                                                                                        "user"
                                                                                                        "@x."
                                                                                                        "exam"
                                                                                                        "ple"
                                                                                                        "\n" END("deferred/8/8E") "*** ENVELOPE RECORDS deferred/9/9F ***\nnamed_attribute: sasl_username=user@x.example\n";

START_TEST(whose_they_are)
{
    struct queue_ids own = { 0 };

    ck_assert_uint_eq(queue_take_own(span_of(envelopes), "user@x.example", &own), 6);
    ck_assert_str_eq(shown(&own), "3F2A 6A");
    queue_ids_free(&own);
    ck_assert_uint_eq(queue_take_own(SPAN(""), "user@x.example", &own), 0);
    ck_assert_uint_eq(own.count, 0);
}
END_TEST

/* ---- programs ---- */

struct seen {
    unsigned ended;
    enum child_end end;
    char output[64], why[200];
};

static void on_ended(const struct child_result *r, void *context)
{
    struct seen *s = context;

    s->ended++;
    s->end = r->end;
    ck_assert_int_eq(str_copy(r->output, s->output, sizeof s->output), OK);
    if (r->end != CHILD_DONE)
        ck_assert_int_eq(str_copy(span_of(r->why), s->why, sizeof s->why), OK);
}

/* script: of /bin/sh. */
static struct seen run(const char *script, const char *input, unsigned deadline_s)
{
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    struct event_base *base = event_base_new();
    struct children *children = NULL;
    struct seen seen = { 0 };
    struct child_spec spec = { .argv = argv,
                               .input = span_of(input),
                               .wants_output = true,
                               .deadline_s = deadline_s,
                               .ended = on_ended,
                               .context = &seen };
    struct error e = { "" };

    ck_assert_int_eq(children_open(base, &children), OK);
    ck_assert_msg(child_start(children, &spec, &e) == OK, "%s", e.text);
    ck_assert_uint_eq(children_running(children), 1);
    while (seen.ended == 0)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_uint_eq(children_running(children), 0);
    children_close(&children);
    event_base_free(base);
    return seen;
}

START_TEST(a_program)
{
    struct seen s = run("cat; echo $LC_ALL", "input", 10);

    ck_assert_int_eq(s.end, CHILD_DONE);
    ck_assert_str_eq(s.output, "inputC\n");
    s = run("exit 75", "", 10);
    ck_assert_int_eq(s.end, CHILD_FAILED);
    ck_assert_str_eq(s.why, "exit status 75");
    s = run("kill -15 $$", "", 10);
    ck_assert_int_eq(s.end, CHILD_FAILED);
    ck_assert_str_eq(s.why, "ended by signal 15");
}
END_TEST

/* With what it started: else the pipe of the grandchild would hold the test up. */
START_TEST(a_program_that_hangs)
{
    struct seen s = run("trap '' TERM; sleep 100 | cat", "", 1);

    ck_assert_int_eq(s.end, CHILD_KILLED);
    ck_assert_str_eq(s.why, "not done within 1 s");
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
    const char *const argv[] = { "/nowhere/program", NULL };
    struct event_base *base = event_base_new();
    struct children *children = NULL;
    const struct child_spec spec = { .argv = argv, .deadline_s = 1, .ended = on_ended };
    struct error e = { "" };

    ck_assert_int_eq(children_open(base, &children), OK);
    ck_assert_int_eq(child_start(children, &spec, &e), TRY_AGAIN);
    ck_assert_str_eq(e.text, "/nowhere/program: No such file or directory");
    ck_assert_uint_eq(children_running(children), 0);
    children_close(&children);
    event_base_free(base);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("act_queue"), *apart = tcase_create("apart");
    Suite *suite = suite_create("act_queue");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_add_test(t, what_lies_in_the_queue);
    tcase_add_loop_test(t, no_queue, 0, (int)(sizeof no_queues / sizeof *no_queues));
    tcase_add_test(t, as_many_as_are_looked_at);
    tcase_add_test(t, whose_they_are);
    tcase_add_test(t, a_program);
    tcase_add_test(t, a_program_that_hangs);
    suite_add_tcase(suite, apart);
    tcase_set_tags(apart, "no_valgrind");
    tcase_add_test(apart, a_program_that_is_not_there);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
