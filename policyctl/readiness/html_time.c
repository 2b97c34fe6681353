/* SPDX-License-Identifier: MIT */
/* The plots of a readiness report: mail, logins, and each check that met anything. */
#include "lib/login_event.h"
#include "policyctl/readiness/html.h"
#include "policyctl/readiness/html_plot.h"

enum { TALL = 150, SMALL = 64, LABELS = 7, LABELS_SMALL = 4 };

/* A figure of a moment, and how it is drawn. `which` is a check or a security. */
struct drawn {
    const char *name, *style;
    uint64_t (*figure)(const struct moment *, unsigned which);
    unsigned which;
};

static uint64_t accepted(const struct moment *m, unsigned which)
{
    (void)which;
    return m->accepted;
}

static uint64_t refused(const struct moment *m, unsigned which)
{
    (void)which;
    return m->refused;
}

static uint64_t logins(const struct moment *m, unsigned which)
{
    return m->logins[which];
}

static uint64_t check_delivered(const struct moment *m, unsigned which)
{
    return m->check[which].delivered;
}

/* A transaction is observed before its message arrives, perhaps in another hour. */
static uint64_t check_attempts(const struct moment *m, unsigned which)
{
    return m->check[which].observed > m->check[which].delivered
               ? m->check[which].observed - m->check[which].delivered
               : 0;
}

static uint64_t check_refused(const struct moment *m, unsigned which)
{
    return m->check[which].refused;
}

static const struct drawn mail[] = {
    { "accepted", "s-accepted", accepted, 0 },
    { "refused", "s-refused", refused, 0 },
};

static const struct drawn by_security[] = {
    { "without encryption", "s-clear", logins, LOGIN_NONE },
    { "secured, Postfix does not say how", "s-secured", logins, LOGIN_SECURED },
    { "this host or a trusted network", "s-trusted", logins, LOGIN_TRUSTED },
    { "implicit TLS", "s-implicit", logins, LOGIN_IMPLICIT },
    { "STARTTLS", "s-starttls", logins, LOGIN_STARTTLS },
};

static const struct drawn of_check[] = {
    { "accepted, would be refused", "s-lost", check_delivered, 0 },
    { "did not arrive anyway", "s-attempt", check_attempts, 0 },
    { "refused", "s-refused", check_refused, 0 },
};

static void lay_out(const struct readiness *r, struct plot *p)
{
    int64_t begin = r->moments > 0 && r->moment[0].start > r->since ? r->moment[0].start : r->since;

    p->step_s = plot_step(r->until - begin, r->step_s);
    p->begin = begin - begin % p->step_s;
    p->steps = (size_t)((r->until - p->begin) / p->step_s) + 1;
    if (p->steps > PLOT_STEPS_MAX) { /* the last of them */
        p->begin += (int64_t)(p->steps - PLOT_STEPS_MAX) * p->step_s;
        p->steps = PLOT_STEPS_MAX;
    }
}

static bool add_up(const struct readiness *r, const struct drawn *drawn, size_t count, unsigned which,
                   struct plot *p)
{
    bool any = false;

    lay_out(r, p);
    p->count = count;
    for (size_t s = 0; s < count; s++) {
        p->series[s].name = drawn[s].name;
        p->series[s].style = drawn[s].style;
        for (size_t i = 0; i < r->moments; i++) {
            uint64_t figure = drawn[s].figure(&r->moment[i], which + drawn[s].which);
            int64_t step = (r->moment[i].start - p->begin) / p->step_s;
            if (step >= 0 && step < (int64_t)p->steps)
                p->series[s].count[step] += figure;
            any |= figure > 0;
        }
    }
    return any;
}

/* Nothing where there is nothing to see. */
static void draw(const struct readiness *r, const char *id, const char *title, const struct drawn *drawn,
                 size_t count, unsigned which, unsigned height, FILE *out)
{
    struct plot p = {
        .id = id, .title = title, .height = height, .labels = height == SMALL ? LABELS_SMALL : LABELS
    };

    if (add_up(r, drawn, count, which, &p))
        plot_print(&p, out);
}

static void check_plot(const struct html *h, unsigned id)
{
    char name[40];

    snprintf(name, sizeof name, "plot-%s", check_infos[id].name);
    draw(h->report, name, check_infos[id].name, of_check, sizeof of_check / sizeof *of_check, id, SMALL,
         h->out);
}

void html_time(const struct html *h)
{
    const struct readiness *r = h->report;

    fputs("<section aria-labelledby=\"time\">\n<h2 id=\"time\">Over time</h2>\n", h->out);
    if (r->moments == 0)
        fputs("<p>Nothing was counted yet.</p>\n", h->out);
    fputs("<div class=\"plots\">\n", h->out);
    draw(r, "plot-mail", "Messages", mail, sizeof mail / sizeof *mail, 0, TALL, h->out);
    draw(r, "plot-logins", "Logins by security", by_security, sizeof by_security / sizeof *by_security, 0,
         TALL, h->out);
    fputs("</div>\n<div class=\"plots small\">\n", h->out);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (html_shows(h, id))
            check_plot(h, id);
    fputs("</div>\n", h->out);
    html_days(h);
    fputs("</section>\n", h->out);
}
