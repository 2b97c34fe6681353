/* SPDX-License-Identifier: MIT */
#include "policyctl/readiness/html_plot.h"

#include <stdbool.h>
#include <time.h>

#include "policyctl/readiness/html_text.h"

enum { HOUR_S = 3600, DAY_S = 86400, ROOM_ABOVE = 8, ROOM_BELOW = 20 };

/* A single message beside thousands is still seen; no hairline stays between two bars. */
static const double height_min = 1.5, overlap = 0.04;

uint64_t plot_scale(uint64_t highest)
{
    uint64_t ten = 1;

    while (ten <= UINT64_MAX / 100 && highest > 10 * ten)
        ten *= 10;
    for (uint64_t scale = 2 * ten; scale < 10 * ten; scale += 2 * ten)
        if (highest <= scale)
            return scale;
    return 10 * ten;
}

unsigned plot_step(int64_t span_s, unsigned step_s)
{
    static const unsigned steps[] = { 2 * HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S,      2 * DAY_S,
                                      7 * DAY_S,  14 * DAY_S, 28 * DAY_S, 91 * DAY_S,  364 * DAY_S };

    for (size_t i = 0; i < sizeof steps / sizeof *steps && span_s > (int64_t)step_s * PLOT_STEPS_MAX; i++)
        if (steps[i] > step_s)
            step_s = steps[i];
    return step_s;
}

/* ---- figures ---- */

static uint64_t sum_of_series(const struct plot *p, size_t series)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < p->steps; i++)
        sum += p->series[series].count[i];
    return sum;
}

static uint64_t sum_of_step(const struct plot *p, size_t step)
{
    uint64_t sum = 0;

    for (size_t s = 0; s < p->count; s++)
        sum += p->series[s].count[step];
    return sum;
}

static uint64_t highest(const struct plot *p)
{
    uint64_t most = 0;

    for (size_t i = 0; i < p->steps; i++)
        if (sum_of_step(p, i) > most)
            most = sum_of_step(p, i);
    return most;
}

static double place(const struct plot *p, size_t step)
{
    return 100.0 * (double)step / (double)p->steps;
}

/* A day of a domain is one of UTC; hours are told in local time. */
static struct tm calendar(const struct plot *p, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (!(p->step_s >= DAY_S ? gmtime_r(&t, &tm) : localtime_r(&t, &tm)))
        tm = (struct tm){ .tm_mday = 1 };
    return tm;
}

static int64_t seconds_of(const struct plot *p, struct tm *tm)
{
    tm->tm_isdst = -1;
    return p->step_s >= DAY_S ? timegm(tm) : mktime(tm);
}

enum label { LABEL_HOUR, LABEL_DAY, LABEL_STEP };

static void date_label(const struct plot *p, int64_t seconds, enum label label, FILE *out)
{
    struct tm tm = calendar(p, seconds);
    char text[32] = "";

    if (label == LABEL_HOUR)
        strftime(text, sizeof text, "%H:%M", &tm);
    else if (label == LABEL_DAY)
        strftime(text, sizeof text, "%e %b", &tm);
    else if (p->step_s >= DAY_S)
        strftime(text, sizeof text, "%a %e %b %Y", &tm);
    else
        strftime(text, sizeof text, "%a %e %b %H:%M", &tm);
    fputs(text, out);
}

/* ---- along the time ---- */

static int days_between_labels(int64_t span_s, unsigned labels)
{
    static const int choices[] = { 1, 2, 3, 7, 14, 28, 91, 182 };
    size_t i = 0;

    while (i < sizeof choices / sizeof *choices - 1 && span_s / DAY_S / choices[i] > labels)
        i++;
    return choices[i];
}

/* At midnights, or where there is hardly one, every six hours. */
static void time_labels(const struct plot *p, FILE *out)
{
    int64_t span = (int64_t)p->step_s * (int64_t)p->steps;
    bool by_hour = span <= 2 * DAY_S && p->step_s < DAY_S;
    int days = days_between_labels(span, p->labels);
    struct tm tm = calendar(p, p->begin);

    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    for (int64_t at = seconds_of(p, &tm); at < p->begin + span; at = seconds_of(p, &tm)) {
        double x = 100.0 * (double)(at - p->begin) / (double)span;
        if (by_hour)
            tm.tm_hour += 6;
        else
            tm.tm_mday += days;
        if (at < p->begin || x > 94)
            continue;
        fprintf(out, "<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%u\"/>", x, x,
                ROOM_ABOVE, ROOM_ABOVE + p->height + 5);
        fprintf(out, "<text x=\"%.2f%%\" dx=\"3\" y=\"%u\">", x, ROOM_ABOVE + p->height + 14);
        date_label(p, at, by_hour ? LABEL_HOUR : LABEL_DAY, out);
        fputs("</text>\n", out);
    }
}

/* ---- upwards ---- */

static void scale_lines(const struct plot *p, uint64_t scale, FILE *out)
{
    for (unsigned half = 0; half <= 2; half++) {
        unsigned y = ROOM_ABOVE + p->height - p->height * half / 2;
        fprintf(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%u\" y2=\"%u\"/>", half ? "grid" : "base",
                y, y);
        if (half == 0)
            continue;
        fprintf(out, "<text class=\"scale\" x=\"-6\" y=\"%u\">", y + 4);
        html_count(out, scale * half / 2);
        fputs("</text>\n", out);
    }
}

static void bars(const struct plot *p, uint64_t scale, FILE *out)
{
    double bottom[PLOT_STEPS_MAX];

    for (size_t i = 0; i < p->steps; i++)
        bottom[i] = ROOM_ABOVE + p->height;
    for (size_t s = 0; s < p->count; s++) {
        fprintf(out, "<g class=\"%s\">\n", p->series[s].style);
        for (size_t i = 0; i < p->steps; i++) {
            double height = (double)p->series[s].count[i] * p->height / (double)scale;
            if (p->series[s].count[i] == 0)
                continue;
            if (height < height_min)
                height = height_min;
            bottom[i] -= height;
            fprintf(out, "<rect x=\"%.2f%%\" y=\"%.1f\" width=\"%.2f%%\" height=\"%.1f\"/>\n", place(p, i),
                    bottom[i], place(p, i + 1) - place(p, i) + overlap, height);
        }
        fputs("</g>\n", out);
    }
}

/* What a pointer is told of each step: no script is needed for it. */
static void hints(const struct plot *p, FILE *out)
{
    fputs("<g class=\"hint\">\n", out);
    for (size_t i = 0; i < p->steps; i++) {
        if (sum_of_step(p, i) == 0)
            continue;
        fprintf(out, "<rect x=\"%.2f%%\" y=\"0\" width=\"%.2f%%\" height=\"%u\"><title>", place(p, i),
                place(p, i + 1) - place(p, i), ROOM_ABOVE + p->height);
        date_label(p, p->begin + (int64_t)i * p->step_s, LABEL_STEP, out);
        for (size_t s = 0; s < p->count; s++)
            if (p->series[s].count[i] > 0) {
                fputs("\n", out);
                html_count(out, p->series[s].count[i]);
                fputs(" ", out);
                html_text(out, p->series[s].name);
            }
        fputs("</title></rect>\n", out);
    }
    fputs("</g>\n", out);
}

/* ---- the figure ---- */

static const char *step_name(unsigned step_s)
{
    static const struct {
        unsigned step_s;
        const char *name;
    } names[] = { { HOUR_S, "hour" }, { DAY_S, "day" }, { 7 * DAY_S, "week" } };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].step_s == step_s)
            return names[i].name;
    return NULL;
}

static void step_text(unsigned step_s, FILE *out)
{
    const char *name = step_name(step_s);

    if (name)
        fprintf(out, "by the %s", name);
    else if (step_s < DAY_S)
        fprintf(out, "every %u hours", step_s / HOUR_S);
    else
        fprintf(out, "every %u days", step_s / DAY_S);
}

static void legend(const struct plot *p, FILE *out)
{
    fputs("<ul class=\"legend\">\n", out);
    for (size_t s = 0; s < p->count; s++) {
        if (sum_of_series(p, s) == 0)
            continue;
        fprintf(
            out,
            "<li><svg class=\"key %s\" aria-hidden=\"true\"><rect width=\"100%%\" height=\"100%%\"/></svg>",
            p->series[s].style);
        html_text(out, p->series[s].name);
        fputs(" <b>", out);
        html_count(out, sum_of_series(p, s));
        fputs("</b></li>\n", out);
    }
    fputs("</ul>\n", out);
}

void plot_print(const struct plot *p, FILE *out)
{
    uint64_t scale = plot_scale(highest(p));

    fprintf(out, "<figure class=\"plot\">\n<figcaption id=\"%s\"><b>", p->id);
    html_text(out, p->title);
    fputs("</b> <span>", out);
    step_text(p->step_s, out);
    fputs("</span></figcaption>\n", out);
    legend(p, out);
    fprintf(out, "<svg role=\"img\" aria-labelledby=\"%s\" width=\"100%%\" height=\"%u\">\n", p->id,
            ROOM_ABOVE + p->height + ROOM_BELOW);
    time_labels(p, out);
    bars(p, scale, out);
    scale_lines(p, scale, out);
    hints(p, out);
    fputs("</svg>\n</figure>\n", out);
}
