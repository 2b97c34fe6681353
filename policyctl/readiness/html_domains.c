/* SPDX-License-Identifier: MIT */
/* A section for each domain, in the words of policyctl letter: it can go to its owner as it is. */
#include "policyctl/readiness/html_text.h"
#include "policyctl/readiness/html_words.h"

static const char *domain_of(const struct point *p)
{
    const char *at = strrchr(p->subject->name, '@');

    return at ? at + 1 : "";
}

static size_t end_of_domain(const struct html *h, size_t begin)
{
    size_t end = begin + 1;

    while (end < h->points && strcmp(domain_of(&h->point[begin]), domain_of(&h->point[end])) == 0)
        end++;
    return end;
}

static size_t count_names(const struct html *h, size_t begin, size_t end)
{
    size_t names = 1;

    for (size_t i = begin + 1; i < end; i++)
        names += strcmp(h->point[i].subject->name, h->point[i - 1].subject->name) != 0;
    return names;
}

/* ---- which domains there are ---- */

static void directory(const struct html *h)
{
    html_table_open(h->out, "Domains with accounts that are to change something");
    fputs("<thead><tr><th scope=\"col\">Domain</th><th scope=\"col\" class=\"number\">Accounts concerned</th>"
          "<th scope=\"col\" class=\"number\">Points</th></tr></thead>\n<tbody>\n",
          h->out);
    for (size_t i = 0, end, number = 1; i < h->points; i = end, number++) {
        end = end_of_domain(h, i);
        fprintf(h->out, "<tr><th scope=\"row\"><a href=\"#domain-%zu\">", number);
        html_name(h->out, domain_of(&h->point[i]));
        size_t names = count_names(h, i, end);
        fprintf(h->out, "</a></th><td class=\"number\" data-sort=\"%zu\">", names);
        html_count(h->out, names);
        fprintf(h->out, "</td><td class=\"number\" data-sort=\"%zu\">", end - i);
        html_count(h->out, end - i);
        fputs("</td></tr>\n", h->out);
    }
    fputs("</tbody>\n", h->out);
    html_table_close(h->out);
}

/* ---- one domain ---- */

static void account_part(const struct html *h, size_t begin, size_t end, struct advice *a)
{
    a->values.of[WORD_ACCOUNT] = h->point[begin].subject->name;
    fputs("<div class=\"account\">\n<h4>", h->out);
    html_words_line(h, SECTION_DOMAIN_ACCOUNT, &a->values);
    fputs("</h4>\n", h->out);
    for (size_t i = begin; i < end; i++)
        html_point(h, &h->point[i], a);
    fputs("</div>\n", h->out);
}

static void domain_part(const struct html *h, size_t begin, size_t end, size_t number)
{
    struct advice a;

    advice_init(&a, h->ctl, h->report);
    a.values.of[WORD_DOMAIN] = domain_of(&h->point[begin]);
    fprintf(h->out, "<section class=\"domain\" aria-labelledby=\"domain-%zu\"%s>\n<h3 id=\"domain-%zu\">",
            number, html_words_language(h), number);
    html_words_line(h, SECTION_DOMAIN_SUBJECT, &a.values);
    fputs("</h3>\n", h->out);
    html_words(h, SECTION_DOMAIN_OPENING, &a.values);
    for (size_t i = begin, next; i < end; i = next) {
        for (next = i + 1; next < end && strcmp(h->point[i].subject->name, h->point[next].subject->name) == 0;
             next++)
            continue;
        account_part(h, i, next, &a);
    }
    html_words(h, SECTION_DOMAIN_CLOSING, &a.values);
    fputs("</section>\n", h->out);
}

void html_domains(const struct html *h)
{
    fputs("<section aria-labelledby=\"domains\">\n<h2 id=\"domains\">By domain</h2>\n", h->out);
    if (h->points == 0) {
        fputs("<p>Nothing is known that any account would have to change.</p>\n</section>\n", h->out);
        return;
    }
    fputs("<p class=\"lead\">Each section below is for the domain's owner, and prints on a page of its "
          "own.</p>\n",
          h->out);
    directory(h);
    for (size_t i = 0, end, number = 1; i < h->points; i = end, number++) {
        end = end_of_domain(h, i);
        domain_part(h, i, end, number);
    }
    fputs("</section>\n", h->out);
}

const char *html_words_language(const struct html *h)
{
    return *h->ctl->config->letter.template_file ? " lang=\"\"" : "";
}
