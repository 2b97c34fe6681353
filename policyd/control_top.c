/* SPDX-License-Identifier: MIT */
#include "policyd/control_top.h"

#include "policyd/busiest.h"
#include "policyd/clock.h"
#include "policyd/daemon.h"
#include "policyd/protocol.h"

struct question {
    enum busiest_by by;
    enum busiest_order order;
    size_t rows;
};

static enum result take_by(struct span value, struct question *q)
{
    for (unsigned by = 0; by < BUSIEST_KINDS; by++)
        if (span_equal(value, span_of(busiest_names[by]))) {
            q->by = (enum busiest_by)by;
            return OK;
        }
    return BAD;
}

static enum result take_order(struct span value, struct question *q)
{
    q->order = span_equal(value, SPAN("refused")) ? ORDER_REFUSED : ORDER_SENT;
    return q->order == ORDER_REFUSED || span_equal(value, SPAN("sent")) ? OK : BAD;
}

static enum result take_rows(struct span value, struct question *q)
{
    uint64_t rows;
    enum result r = str_number(value, 1, CONTROL_TOP_ROWS, &rows);

    if (r == OK)
        q->rows = (size_t)rows;
    return r;
}

static enum result parse(struct span lines, struct question *q, struct error *e)
{
    static const struct {
        const char *name, *values;
        enum result (*take)(struct span value, struct question *);
    } fields[] = {
        { "by", "account, domain, client, helo or check", take_by },
        { "order", "sent or refused", take_order },
        { "rows", "a number from 1 to 100", take_rows },
    };
    struct span name, value;

    while (protocol_line(&lines, &name, &value) == OK)
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (span_equal(name, span_of(fields[i].name)) && fields[i].take(value, q) != OK)
                return error_set(e, BAD, "%s is %s", fields[i].name, fields[i].values);
    return OK;
}

enum result control_top(struct span lines, struct strbuf *out, struct error *e)
{
    static struct busiest_row rows[CONTROL_TOP_ROWS];
    struct question q = { BY_ACCOUNT, ORDER_SENT, CONTROL_TOP_ROWS };
    enum result r = parse(lines, &q, e);
    size_t count;

    if (r != OK)
        return r;
    count = busiest_list(the_daemon.busiest, q.by, q.order, clock_monotonic_ns() / 1000000, rows, q.rows);
    for (size_t i = 0; i < count; i++) {
        const struct busy *minute = &rows[i].busy[SPAN_MINUTE], *hour = &rows[i].busy[SPAN_HOUR];
        strbuf_addf(out, "row=%.1f %.1f %.1f %.1f %.1f %.1f ", minute->sent, minute->recipients,
                    minute->refused, hour->sent, hour->recipients, hour->refused);
        strbuf_add_clean(out, span_of(rows[i].key));
        strbuf_addc(out, '\n');
    }
    return OK;
}
