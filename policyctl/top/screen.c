/* SPDX-License-Identifier: MIT */
#include "policyctl/top/screen.h"

#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policyctl/change.h"

enum { REFRESH_MS = 1000, NUMBER_WIDTH = 8, HEAD_LINES = 3, FOOT_LINES = 2, ANSWER_MAX = 300 };

struct screen {
    const struct ctl *ctl;
    struct top *top;
    struct error error;   /* why there are no new rows; "" where there are */
    size_t chosen, first; /* rows: the one marked, and the first that is shown */
};

/* ---- drawing ---- */

static int key_width(void)
{
    int width = COLS - TOP_NUMBERS * NUMBER_WIDTH;

    return width > 12 ? width : 12;
}

/* A name that is too long is cut at its end. */
static void put_key(int y, const char *text)
{
    mvaddnstr(y, 0, text, key_width() - 1);
}

static void draw_head(const struct screen *s)
{
    static const char *const titles[TOP_NUMBERS] = { "MSGS", "RCPTS", "REFUSED", "MSGS", "RCPTS", "REFUSED" };
    time_t now = time(NULL);
    struct tm tm;
    char clock[16] = "";

    if (localtime_r(&now, &tm))
        strftime(clock, sizeof clock, "%H:%M:%S", &tm);
    mvprintw(0, 0, "%s  %s  who %s most, by %s", s->ctl->config->hostname, clock,
             s->top->refused ? "is refused" : "sends", top_kinds[s->top->by].name);
    mvprintw(1, key_width(), "%*s%*s", 3 * NUMBER_WIDTH, "LAST MINUTE", 3 * NUMBER_WIDTH, "LAST HOUR");
    attron(A_BOLD);
    put_key(2, top_kinds[s->top->by].title);
    for (int i = 0; i < TOP_NUMBERS; i++)
        mvprintw(2, key_width() + i * NUMBER_WIDTH, "%*s", NUMBER_WIDTH, titles[i]);
    attroff(A_BOLD);
}

static void draw_row(const struct screen *s, size_t i, int y)
{
    const struct top_row *row = &s->top->row[i];

    if (i == s->chosen)
        attron(A_REVERSE);
    mvhline(y, 0, ' ', COLS);
    put_key(y, row->key);
    for (int n = 0; n < TOP_NUMBERS; n++)
        mvprintw(y, key_width() + n * NUMBER_WIDTH, "%*.1f", NUMBER_WIDTH, row->number[n]);
    attroff(A_REVERSE);
}

static void draw_foot(const struct screen *s)
{
    int y = LINES - FOOT_LINES;

    if (*s->error.text)
        mvaddnstr(y, 0, s->error.text, COLS - 1);
    else if (s->top->count == 0)
        mvaddnstr(y, 0, s->top->refused ? "nobody was refused lately" : "nobody sent anything lately",
                  COLS - 1);
    attron(A_DIM);
    mvaddnstr(y + 1, 0, "a account d domain c client h helo k check  s sent r refused  ", COLS - 1);
    addnstr(s->top->by == TOP_ACCOUNT ? "S suspend  " : s->top->by == TOP_CLIENT ? "D deny  " : "", COLS - 1);
    addstr("q quit");
    attroff(A_DIM);
}

static size_t lines_for_rows(void)
{
    return LINES > HEAD_LINES + FOOT_LINES ? (size_t)(LINES - HEAD_LINES - FOOT_LINES) : 0;
}

static void draw(struct screen *s)
{
    size_t room = lines_for_rows();

    if (s->chosen >= s->top->count)
        s->chosen = s->top->count > 0 ? s->top->count - 1 : 0;
    if (s->chosen < s->first)
        s->first = s->chosen;
    if (room > 0 && s->chosen >= s->first + room)
        s->first = s->chosen - room + 1;
    erase();
    draw_head(s);
    for (size_t i = 0; i < room && s->first + i < s->top->count; i++)
        draw_row(s, s->first + i, HEAD_LINES + (int)i);
    draw_foot(s);
    refresh();
}

/* ---- doing ---- */

/* On the ordinary screen, where policyctl's lines belong. False: nothing was said. */
static bool ask_line(const char *question, const char *who, char answer_r[static ANSWER_MAX])
{
    char *end;

    printf("%s %s: why? (nothing: leave it) ", question, who);
    fflush(stdout);
    if (!fgets(answer_r, ANSWER_MAX, stdin))
        return false;
    end = strchr(answer_r, '\n');
    if (end)
        *end = '\0';
    return span_trim(span_of(answer_r)).len > 0;
}

static void submit(const struct screen *s, const struct change *c, const char *done)
{
    char line[ANSWER_MAX];

    if (change_submit(s->ctl, c, 1) == STATUS_DONE)
        printf("%s\n", done);
    printf("Enter: back ");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        clearerr(stdin);
}

static void act(struct screen *s, int key)
{
    char who[TOP_KEY_MAX], why[ANSWER_MAX];

    if (s->top->count == 0)
        return;
    memcpy(who, s->top->row[s->chosen].key, sizeof who);
    def_prog_mode();
    endwin();
    if (key == 'S' && ask_line("Suspend", who, why))
        submit(s,
               &(struct change){ .kind = CHANGE_ACCOUNT_SUSPEND,
                                 .field = { [FIELD_ADDRESS] = who, [FIELD_REASON] = why } },
               "It is suspended, in every service; policyctl account release ends that.");
    if (key == 'D' && ask_line("Deny", who, why))
        submit(s,
               &(struct change){
                   .kind = CHANGE_LIST_ADD,
                   .field = { [FIELD_ACTION] = "deny", [FIELD_CLIENT] = who, [FIELD_NOTE] = why } },
               "It is refused from now on; policyctl list remove ends that.");
    reset_prog_mode();
    refresh();
}

static void show_kind(struct screen *s, enum top_by by)
{
    s->top->by = by;
    s->top->count = s->chosen = s->first = 0;
}

/* Whether to go on. */
static bool take_key(struct screen *s, int key)
{
    bool is_account = s->top->by == TOP_ACCOUNT, is_client = s->top->by == TOP_CLIENT;

    if (key == 'q')
        return false;
    if (key == KEY_UP && s->chosen > 0)
        s->chosen--;
    else if (key == KEY_DOWN)
        s->chosen++;
    else if (key == 's' || key == 'r')
        s->top->refused = key == 'r';
    else if ((key == 'S' && is_account) || (key == 'D' && is_client))
        act(s, key);
    for (int by = 0; by < TOP_KINDS; by++)
        if (key == top_kinds[by].key)
            show_kind(s, (enum top_by)by);
    return true;
}

/* Whoever was marked stays so, wherever the row has gone: it is what S will suspend. */
static void read_rows(struct screen *s)
{
    struct top *t = s->top;
    char who[TOP_KEY_MAX] = "";

    if (s->chosen < t->count)
        memcpy(who, t->row[s->chosen].key, sizeof who);
    s->error.text[0] = '\0';
    if (top_read(s->ctl, t, &s->error) != OK)
        t->count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->row[i].key, who) == 0)
            s->chosen = i;
}

enum status screen_run(const struct ctl *ctl, struct top *top)
{
    struct screen s = { .ctl = ctl, .top = top };
    int key;

    setlocale(LC_CTYPE, "");
    if (!initscr())
        return fail(STATUS_FAILED, "this terminal cannot be used: try --once");
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    timeout(REFRESH_MS);
    do {
        read_rows(&s);
        draw(&s);
        key = getch();
    } while (take_key(&s, key));
    endwin();
    return STATUS_DONE;
}
