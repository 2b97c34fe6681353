/* SPDX-License-Identifier: MIT */
#include "policyd/control_load.h"

#include "policyd/check.h"
#include "policyd/daemon.h"
#include "policyd/protocol.h"

enum { BY_MAX = 256 };

static void add_readings(struct strbuf *out, const struct load *load)
{
    struct load_limits limits = load_watch_limits(the_daemon.load_watch);

    for (unsigned i = 0; i < LOAD_READINGS; i++) {
        strbuf_addf(out, "load_reading=%s ", load_reading_names[i]);
        if (load->sample.value[i] < 0)
            strbuf_addc(out, '-');
        else
            strbuf_addf(out, "%.2f", load->sample.value[i]);
        strbuf_addf(out, " %g\n", limits.limit[i]);
    }
}

void control_load_status(struct strbuf *out)
{
    const struct load *load = load_watch_load(the_daemon.load_watch);
    const struct load_change *c = load_history(load, 0);

    strbuf_addf(out, "load_level=%u\nload_mode=%s\nload_since=%lld\nload_cause=%s\n", load->level,
                load_mode_names[load->mode], (long long)load->since, c ? c->cause : "policyd was started");
    add_readings(out, load);
    for (unsigned id = 0; id < CHECK_COUNT; id++)
        if (check_is_shed((enum check_id)id, load->level))
            strbuf_addf(out, "load_shed=%s\n", check_infos[id].name);
    for (size_t i = 0; (c = load_history(load, i)) != NULL; i++)
        strbuf_addf(out, "load_change=%lld %u %u %s\n", (long long)c->date, c->from, c->to, c->cause);
}

enum result control_shed(struct span lines, struct error *e)
{
    enum load_mode mode = LOAD_MODES;
    char by[BY_MAX] = "";
    struct span name, value;
    struct strbuf b;

    while (protocol_line(&lines, &name, &value) == OK) {
        if (span_equal(name, SPAN("mode")) && load_mode_parse(value, &mode) != OK)
            return error_set(e, BAD, "mode is on, off or auto");
        if (span_equal(name, SPAN("by"))) {
            strbuf_init(&b, by, sizeof by);
            strbuf_add_clean(&b, value);
        }
    }
    if (mode == LOAD_MODES)
        return error_set(e, BAD, "mode is missing");
    load_watch_set_mode(the_daemon.load_watch, mode, by);
    return OK;
}
