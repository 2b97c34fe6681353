/* SPDX-License-Identifier: MIT */
/*
 * policyd/writer: jobs go over to its thread and come back done, a failing one alone
 * fails, a file that is replaced is opened anew.
 */
#include "policyd/writer.h"

#include <check.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "policyd/log.h"
#include "t/unit/change_line.h"
#include "t/unit/store_fixture.h"

enum { TURNS_MAX = 10000 };

/* A job of one set of one change. */
struct one {
    struct job job;
    struct change_set set;
    struct change_line line;
    unsigned done;
};

static struct event_base *base;
static struct writer *writer;
static unsigned changed, done_before_changed;
static uint64_t held_alarm_ns;

static void on_changed(void *context)
{
    ck_assert_ptr_eq(context, &changed);
    changed++;
}

static void on_done(struct job *job)
{
    struct one *o = (struct one *)job;

    o->done++;
    done_before_changed += changed == 0;
}

static void init_one(struct one *o, enum database database, const char *line)
{
    struct error e;

    memset(o, 0, sizeof *o);
    ck_assert_msg(change_line_parse(span_of(line), &o->line, &e) == OK, "%s", e.text);
    o->set = (struct change_set){ .change = &o->line.change, .count = 1, .result = BAD };
    o->job = (struct job){ .database = database, .set = &o->set, .sets = 1, .done = on_done };
}

static void open_writer(void)
{
    struct writer_config config = { store_path("accounts.db"), store_path("state.db"), on_changed, &changed,
                                    held_alarm_ns };
    struct error e = { "" };

    ck_assert_msg(writer_open(base, &config, &writer, &e) == OK, "%s", e.text);
}

static void set_up(void)
{
    struct error e;
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);

    store_close(&s);
    ck_assert_int_eq(log_open(store_path("log"), &e), OK);
    changed = done_before_changed = 0;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    open_writer();
}

static void tear_down(void)
{
    writer_close(&writer);
    ck_assert_ptr_null(writer);
    writer_close(&writer);
    event_base_free(base);
    log_close();
}

/* A turn ends when the writer has handed something back. */
static void wait_for(const struct one *o)
{
    writer_commit(writer);
    for (unsigned turns = 0; o->done == 0; turns++) {
        ck_assert_uint_lt(turns, TURNS_MAX);
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    }
    ck_assert_uint_eq(o->done, 1);
}

static enum result run(enum database database, const char *line)
{
    static struct one o;

    init_one(&o, database, line);
    writer_submit(writer, &o.job);
    wait_for(&o);
    if (o.set.result != OK)
        fprintf(stderr, "%s: %s\n", line, o.set.error.text);
    return o.set.result;
}

static const char *domains(void)
{
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    const char *rows = store_rows(s, QUERY_DOMAINS, NULL, 0);

    store_close(&s);
    return rows;
}

START_TEST(committed_and_handed_back)
{
    ck_assert_int_eq(run(DATABASE_ACCOUNTS, "domain-add domain=a.example kind=mailbox"), OK);
    ck_assert_str_eq(domains(), "a.example|mailbox|-|0|0");
    ck_assert_uint_eq(changed, 1);
    ck_assert_uint_eq(done_before_changed, 0);
    ck_assert_int_eq(run(DATABASE_STATE, "observe check=access subject=s cause=c mode=observe number=1 delivered=0 sample=x"), OK);
    ck_assert_uint_eq(changed, 1); /* only accounts count */
    struct writer_stats stats = writer_stats(writer);
    ck_assert_uint_eq(stats.transactions, 2);
    ck_assert_uint_eq(stats.sets, 2);
    ck_assert_uint_eq(stats.failures, 0);
}
END_TEST

START_TEST(nothing_happens_before_the_commit)
{
    static struct one first, second;

    init_one(&first, DATABASE_ACCOUNTS, "domain-add domain=a.example kind=mailbox");
    init_one(&second, DATABASE_ACCOUNTS, "domain-add domain=b.example kind=mailbox");
    writer_commit(writer); /* of nothing */
    writer_submit(writer, &first.job);
    writer_submit(writer, &second.job);
    ck_assert_str_eq(domains(), "");
    wait_for(&second);
    ck_assert_uint_eq(first.done, 1);
    ck_assert_uint_eq(writer_stats(writer).transactions, 1); /* both at once */
}
END_TEST

START_TEST(one_that_fails_fails_alone)
{
    enum { JOBS = 3000 };
    static struct one jobs[JOBS];
    unsigned good = 0;
    char line[80];

    for (int i = 0; i < JOBS; i++) {
        bool bad = i % 3 == 1;
        snprintf(line, sizeof line, "domain-add domain=d%d.example kind=%s", i, bad ? "alias target=none.example" : "relay");
        init_one(&jobs[i], DATABASE_ACCOUNTS, line);
        writer_submit(writer, &jobs[i].job);
    }
    wait_for(&jobs[JOBS - 1]);
    for (int i = 0; i < JOBS; i++) {
        ck_assert_uint_eq(jobs[i].done, 1);
        ck_assert_int_eq(jobs[i].set.result, i % 3 == 1 ? NOT_FOUND : OK);
        good += jobs[i].set.result == OK;
    }
    ck_assert_uint_eq(good, JOBS / 3 * 2);
    ck_assert_uint_eq(writer_stats(writer).failures, 0);
}
END_TEST

/* Jobs of both databases, mixed: those of each stay in their order. */
START_TEST(two_databases)
{
    static struct one jobs[100];

    for (int i = 0; i < 100; i++) {
        if (i % 2)
            init_one(&jobs[i], DATABASE_STATE, "observe check=access subject=s cause=c mode=observe number=1 delivered=0 sample=x");
        else
            init_one(&jobs[i], DATABASE_ACCOUNTS, i % 4 ? "domain-remove domain=a.example"
                                                        : "domain-add domain=a.example kind=relay");
        writer_submit(writer, &jobs[i].job);
    }
    wait_for(&jobs[98]);
    wait_for(&jobs[99]);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(jobs[i].set.result, OK);
    struct store *s = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    ck_assert_ptr_nonnull(strstr(store_rows(s, QUERY_OBSERVATIONS, &(const char *){ "0" }, 1), "s|access|c|||observe|host|50|"));
    store_close(&s);
}
END_TEST

/* ---- a file of changes ---- */

enum { FILE_CHANGES = 4000, FILE_STOPS_AT = 3000, WAIT_S = 60 };

/* Changes that the writer's thread reads: it goes on only when the loop has a count back that
 * was asked for after the first of them was read. */
struct file {
    struct change_source source;
    struct change_line line;
    unsigned next;
    sem_t begun, counted;
    bool waited_too_long;
};

static enum result file_next(struct change_source *source, bool first, struct change *change_r, struct error *e)
{
    struct file *f = (struct file *)source;
    struct timespec until;
    char text[80];

    if (first)
        sem_post(&f->begun);
    if (f->next == FILE_CHANGES)
        return NOT_FOUND;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    if (f->next == FILE_STOPS_AT && sem_timedwait(&f->counted, &until) != 0)
        f->waited_too_long = true;
    if (f->next < FILE_STOPS_AT && f->next % 64 == 0)
        usleep(1000); /* so that there is a while in which the count can come */
    snprintf(text, sizeof text, "list-add action=deny client=10.%u.%u.0/24", f->next / 256, f->next % 256);
    f->next++;
    if (change_line_parse(span_of(text), &f->line, e) != OK)
        return BAD;
    *change_r = f->line.change;
    return OK;
}

START_TEST(counts_do_not_wait_for_a_file_of_changes)
{
    static struct file f = { .source = { file_next } };
    static struct one count, import;
    struct store *s;

    ck_assert_int_eq(sem_init(&f.begun, 0, 0), 0);
    ck_assert_int_eq(sem_init(&f.counted, 0, 0), 0);
    init_one(&import, DATABASE_ACCOUNTS, "list-add action=deny client=192.0.2.1");
    import.set = (struct change_set){ .source = &f.source, .result = BAD };
    writer_submit(writer, &import.job);
    writer_commit(writer);
    ck_assert_int_eq(sem_wait(&f.begun), 0);
    init_one(&count, DATABASE_STATE, "tally start=0 scope=a.example outcome=accepted number=1");
    writer_submit(writer, &count.job);
    wait_for(&count);
    ck_assert_msg(count.set.result == OK, "%s", count.set.error.text);
    ck_assert_uint_eq(import.done, 0);
    sem_post(&f.counted);
    wait_for(&import);
    ck_assert_int_eq(import.set.result, OK);
    ck_assert(!f.waited_too_long);
    ck_assert_ptr_eq(import.set.source, &f.source);
    s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_READ);
    ck_assert_str_eq(store_rows(s, QUERY_LIST_SHAPES, NULL, 0), "c25");
    ck_assert_ptr_nonnull(strstr(store_rows(s, QUERY_ACCOUNT_COUNTS, NULL, 0), "|4000"));
    store_close(&s);
}
END_TEST

START_TEST(more_sets_than_one_transaction_takes)
{
    enum { MANY = 1025 };
    static struct change_set sets[MANY];
    static struct one o;

    init_one(&o, DATABASE_ACCOUNTS, "domain-add domain=a.example kind=relay");
    o.job.set = sets;
    o.job.sets = MANY - 1;
    writer_submit(writer, &o.job);
    wait_for(&o);
    ck_assert_int_eq(sets[0].result, OK);
    o.done = 0;
    o.job.sets = MANY;
    writer_submit(writer, &o.job);
    wait_for(&o);
    ck_assert_int_eq(sets[0].result, TRY_AGAIN);
    ck_assert_str_eq(sets[MANY - 1].error.text, "nothing was changed: too many changes at once");
}
END_TEST

static void replace_accounts(void)
{
    struct store *s = NULL;
    struct error e;

    ck_assert_int_eq(store_try(store_path("new.db"), DATABASE_ACCOUNTS, STORE_CREATE, &s, &e), OK);
    store_done(s, "domain-add domain=restored.example kind=relay");
    ck_assert_int_eq(store_checkpoint(s), OK);
    store_close(&s);
    unlink(store_path("accounts.db-wal"));
    unlink(store_path("accounts.db-shm"));
    unlink(store_path("new.db-wal"));
    unlink(store_path("new.db-shm"));
    ck_assert_int_eq(rename(store_path("new.db"), store_path("accounts.db")), 0);
}

/* What is acknowledged is in the file that is there. */
START_TEST(a_file_that_is_replaced)
{
    ck_assert_int_eq(run(DATABASE_ACCOUNTS, "domain-add domain=a.example kind=relay"), OK);
    replace_accounts();
    ck_assert_int_eq(run(DATABASE_ACCOUNTS, "domain-add domain=b.example kind=relay"), OK);
    ck_assert_str_eq(domains(), "b.example|relay|-|0|0\nrestored.example|relay|-|0|0");
}
END_TEST

START_TEST(a_file_that_is_removed)
{
    unlink(store_path("accounts.db"));
    ck_assert_int_eq(run(DATABASE_ACCOUNTS, "domain-add domain=a.example kind=relay"), TRY_AGAIN);
    ck_assert_int_ne(access(store_path("accounts.db"), F_OK), 0); /* no empty one is made */
    ck_assert_uint_ge(writer_stats(writer).failures, 1);
    struct store *s = store_opened("sqlite", DATABASE_ACCOUNTS, STORE_CREATE);
    store_close(&s);
    ck_assert_int_eq(run(DATABASE_ACCOUNTS, "domain-add domain=a.example kind=relay"), OK);
}
END_TEST

#define OBSERVE "observe check=access subject=s cause=c mode=observe number=1 delivered=0 sample=x"

static const char *logged(void)
{
    static char text[8192];
    FILE *f = fopen(store_path("log"), "r");

    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* So much that the log is written back right after it. */
static void write_much(void)
{
    enum { ROWS = 500, ROW_MAX = 512 };
    static struct one rows[ROWS];
    static unsigned number;
    char line[ROW_MAX + 128], sample[ROW_MAX - 128];

    memset(sample, 'x', sizeof sample);
    sample[sizeof sample - 1] = '\0';
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(line, sizeof line,
                 "observe check=access subject=s%u cause=c mode=observe number=1 delivered=0 sample=%s", number++, sample);
        init_one(&rows[i], DATABASE_STATE, line);
        writer_submit(writer, &rows[i].job);
    }
    wait_for(&rows[ROWS - 1]);
    ck_assert_int_eq(rows[ROWS - 1].set.result, OK);
}

static void wait_for_line(const char *line)
{
    const struct timeval tick = { 0, 20000 };
    time_t until = time(NULL) + WAIT_S;

    while (!strstr(logged(), line)) {
        ck_assert_msg(time(NULL) < until, "'%s' is not in '%s'", line, logged());
        write_much();
        ck_assert_int_eq(event_base_loopexit(base, &tick), 0);
        ck_assert_int_ge(event_base_loop(base, 0), 0);
        log_flush();
    }
}

/* The alarm after ten minutes, here at once; told once, and once when it is over. */
START_TEST(a_reader_that_stays)
{
    struct store *reader;

    writer_close(&writer);
    held_alarm_ns = 1;
    open_writer();
    held_alarm_ns = 0;
    ck_assert_int_eq(run(DATABASE_STATE, OBSERVE), OK);
    reader = store_opened("sqlite", DATABASE_STATE, STORE_READ);
    ck_assert_int_eq(store_begin(reader), OK);
    ck_assert_str_ne(store_rows(reader, QUERY_OBSERVATIONS, &(const char *){ "0" }, 1), "");
    wait_for_line("alarm: writer: ");
    ck_assert_ptr_nonnull(strstr(logged(), "state.db: its log was not written back as a whole for 0 minutes: a process that reads holds it"));
    ck_assert_uint_gt(writer_stats(writer).held_since_ns[DATABASE_STATE], 0);
    ck_assert_uint_eq(writer_stats(writer).held_since_ns[DATABASE_ACCOUNTS], 0);
    ck_assert_int_eq(run(DATABASE_STATE, OBSERVE), OK); /* nobody waits for it */
    store_end(reader);
    wait_for_line("state.db: its log is written back again");
    ck_assert_uint_eq(writer_stats(writer).held_since_ns[DATABASE_STATE], 0);
    ck_assert_ptr_null(strstr(strstr(logged(), "alarm: ") + 1, "alarm: "));
    store_close(&reader);
}
END_TEST

/* What waits is done before it stops. */
START_TEST(closing)
{
    static struct one jobs[50];

    for (int i = 0; i < 50; i++) {
        init_one(&jobs[i], DATABASE_STATE, "observe check=access subject=s cause=c mode=observe number=1 delivered=0 sample=x");
        writer_submit(writer, &jobs[i].job);
        if (i == 20)
            writer_commit(writer);
    }
    writer_close(&writer);
    for (int i = 0; i < 50; i++) {
        ck_assert_uint_eq(jobs[i].done, 1);
        ck_assert_int_eq(jobs[i].set.result, OK);
    }
}
END_TEST

START_TEST(databases_that_cannot_be_opened)
{
    struct writer_config config = { store_path("none.db"), store_path("state.db"), on_changed, &changed, 0 };
    struct writer *w = NULL;
    struct error e = { "" };

    ck_assert_int_eq(writer_open(base, &config, &w, &e), BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "none.db"));
    ck_assert_ptr_null(w);
    config = (struct writer_config){ store_path("accounts.db"), store_path("accounts.db"), on_changed, &changed, 0 };
    ck_assert_int_eq(writer_open(base, &config, &w, &e), BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "not Postern's state database"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("writer");
    Suite *suite = suite_create("writer");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, t);
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, store_fixture_open, store_fixture_close);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, committed_and_handed_back);
    tcase_add_test(t, nothing_happens_before_the_commit);
    tcase_add_test(t, one_that_fails_fails_alone);
    tcase_add_test(t, two_databases);
    tcase_add_test(t, counts_do_not_wait_for_a_file_of_changes);
    tcase_add_test(t, more_sets_than_one_transaction_takes);
    tcase_add_test(t, a_file_that_is_replaced);
    tcase_add_test(t, a_file_that_is_removed);
    tcase_add_test(t, a_reader_that_stays);
    tcase_add_test(t, closing);
    tcase_add_test(t, databases_that_cannot_be_opened);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
