/* SPDX-License-Identifier: MIT */
/* Check by check, and habit by habit: who, and what to tell them. */
#include "policyctl/readiness/html_text.h"
#include "policyctl/readiness/html_words.h"

/* ---- checks ---- */

static void standings(const struct html *h, const struct check_report *c)
{
    static const char *const words[STANDINGS] = {
        [STANDING_BREAKS] = "would break",
        [STANDING_REFUSED] = "refused already",
        [STANDING_EXCEPTED] = "excepted",
        [STANDING_SETTLED] = "would pass by now",
        [STANDING_ATTEMPT] = "tried, without any mail that arrived",
    };

    fputs("<ul class=\"short\">\n", h->out);
    for (unsigned s = 0; s < STANDINGS; s++)
        if (c->standing[s] > 0) {
            fputs("<li>", h->out);
            html_badge(h->out, standing_name((enum standing)s));
            fputs(" <b>", h->out);
            html_count(h->out, c->standing[s]);
            fprintf(h->out, "</b> %s</li>\n", words[s]);
        }
    fputs("</ul>\n", h->out);
}

static void check_part(const struct html *h, const struct check_report *c)
{
    const struct check_info *info = &check_infos[c->id];
    char caption[64];

    snprintf(caption, sizeof caption, "Who meets %s", info->name);
    fprintf(h->out,
            "<section class=\"check\" aria-labelledby=\"check-%s\">\n<h3 id=\"check-%s\">%s</h3>\n"
            "<p class=\"lead\">Refuses %s. Mode: %s.</p>\n",
            info->name, info->name, info->name, info->help, mode_name(c->mode));
    standings(h, c);
    html_subjects(h, caption, c->subject, c->subjects, true);
    html_remedies(h, advice_check(c->id), c->subject, c->standing[STANDING_BREAKS]);
    fputs("</section>\n", h->out);
}

void html_checks(const struct html *h)
{
    bool any = false;

    fputs("<section aria-labelledby=\"checks\">\n<h2 id=\"checks\">By check</h2>\n", h->out);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (html_shows(h, id) && h->report->check[id].subjects > 0) {
            check_part(h, &h->report->check[id]);
            any = true;
        }
    fputs(any ? "</section>\n" : "<p>Nobody met any check.</p>\n</section>\n", h->out);
}

/* ---- habits ---- */

static const struct {
    const char *title, *lead;
} habits[HABITS] = {
    [HABIT_BARE_NAME] = { "Logs in without a domain", "The user name lacks its domain; it was completed." },
    [HABIT_OLD_NAME] = { "Asks for the old server name", "The name is to go, and programs still use it." },
    [HABIT_EXPOSED] = { "Password seen in clear", "It crossed the network unencrypted: have it replaced." },
};

static void habit_part(const struct html *h, enum habit_id id)
{
    const struct habit *habit = &h->report->habit[id];
    const char *name = habit_name(id);

    fprintf(h->out,
            "<section class=\"check\" aria-labelledby=\"habit-%s\">\n<h3 id=\"habit-%s\">%s</h3>\n"
            "<p class=\"lead\">%s</p>\n",
            name, name, habits[id].title, habits[id].lead);
    if (id == HABIT_OLD_NAME) {
        fputs("<p>Asked for: ", h->out);
        html_name(h->out, h->report->old_name);
        fputs("</p>\n", h->out);
    }
    if (id == HABIT_OLD_NAME && h->report->smtp_name_unknown)
        fputs(
            "<p class=\"notice\">Of those that send it is not known: Postfix tells the name from 3.12.</p>\n",
            h->out);
    fputs("<p><b>", h->out);
    html_count(h->out, habit->subjects);
    fprintf(h->out, "</b> account%s</p>\n", habit->subjects == 1 ? "" : "s");
    html_subjects(h, habits[id].title, habit->subject, habit->subjects, false);
    html_remedies(h, advice_habit(id), habit->subject, habit->subjects);
    fputs("</section>\n", h->out);
}

void html_habits(const struct html *h)
{
    bool any = false;

    fputs("<section aria-labelledby=\"habits\">\n<h2 id=\"habits\">Old habits</h2>\n", h->out);
    for (unsigned id = 0; id < HABITS; id++)
        if (id == HABIT_OLD_NAME ? *h->report->old_name != '\0' : h->report->habit[id].subjects > 0) {
            habit_part(h, (enum habit_id)id);
            any = true;
        }
    fputs(any ? "</section>\n" : "<p>None were seen.</p>\n</section>\n", h->out);
}
