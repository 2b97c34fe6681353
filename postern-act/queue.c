/* SPDX-License-Identifier: MIT */
#include "postern-act/queue.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

enum { GROW = 256 };

/* What postsuper(1) takes for one, and nothing that could be an option or a path. */
static bool is_queue_id(const char *id)
{
    size_t length = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    return length > 0 && length < QUEUE_ID_SIZE && id[length] == '\0';
}

static enum result add(struct queue_ids *ids, const char *id)
{
    if (ids->count == QUEUE_MESSAGES_MAX) {
        ids->cut = true;
        return OK;
    }
    if (ids->count % GROW == 0) {
        void *bigger = realloc(ids->id, (ids->count + GROW) * sizeof *ids->id);
        if (!bigger)
            return TRY_AGAIN;
        ids->id = bigger;
    }
    memcpy(ids->id[ids->count++], id, strlen(id) + 1);
    return OK;
}

/* Takes the next line off, without its end. */
static bool next_line(struct span *rest, struct span *line_r)
{
    const char *feed;

    if (rest->len == 0)
        return false;
    feed = memchr(rest->ptr, '\n', rest->len);
    *line_r = (struct span){ rest->ptr, feed ? (size_t)(feed - rest->ptr) : rest->len };
    *rest =
        (struct span){ rest->ptr + line_r->len + (feed != NULL), rest->len - line_r->len - (feed != NULL) };
    return true;
}

static enum result list_line(struct span line, struct queue_ids *ids, struct error *e)
{
    json_t *entry = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(entry, "queue_id"));
    const char *queue = json_string_value(json_object_get(entry, "queue_name"));
    enum result r = OK;

    if (!id || !queue || !is_queue_id(id))
        r = error_set(e, BAD, "no entry of a queue: %.*s", (int)(line.len < 64 ? line.len : 64), line.ptr);
    else if (strcmp(queue, "hold") != 0 && add(ids, id) != OK)
        r = error_set(e, TRY_AGAIN, "out of memory");
    json_decref(entry);
    return r;
}

enum result queue_list(struct span json_lines, struct queue_ids *ids, struct error *e)
{
    struct span line;
    enum result r = OK;

    while (r == OK && next_line(&json_lines, &line))
        if (line.len > 0)
            r = list_line(line, ids, e);
    return r;
}

/* "*** ENVELOPE RECORDS deferred/3/3F2A ***": the last part of the path behind `what`; an
 * empty id where that is none. */
static bool heading(struct span line, struct span what, char id_r[static QUEUE_ID_SIZE])
{
    static const struct span behind = SPAN_INIT(" ***");
    struct span path;
    const char *slash;

    if (line.len < what.len + behind.len || memcmp(line.ptr, what.ptr, what.len) != 0 ||
        memcmp(line.ptr + line.len - behind.len, behind.ptr, behind.len) != 0)
        return false;
    path = (struct span){ line.ptr + what.len, line.len - what.len - behind.len };
    slash = memrchr(path.ptr, '/', path.len);
    if (slash)
        path = (struct span){ slash + 1, path.len - (size_t)(slash + 1 - path.ptr) };
    if (str_copy(path, id_r, QUEUE_ID_SIZE) != OK || !is_queue_id(id_r))
        id_r[0] = '\0';
    return true;
}

/* The login as Postfix was told it, compared as the account table writes it. */
static bool is_login(struct span line, const char *account)
{
    static const struct span name = SPAN_INIT("named_attribute: sasl_username=");
    char login[ADDRESS_MAX + 1];
    struct address address;

    if (line.len <= name.len || memcmp(line.ptr, name.ptr, name.len) != 0 ||
        str_copy((struct span){ line.ptr + name.len, line.len - name.len }, login, sizeof login) != OK)
        return false;
    return strcmp(login, account) == 0 ||
           (address_check(login, false, &address, NULL) == OK && strcmp(address.text, account) == 0);
}

size_t queue_take_own(struct span envelopes, const char *account, struct queue_ids *own)
{
    char id[QUEUE_ID_SIZE] = "", end[QUEUE_ID_SIZE];
    struct span line;
    size_t told = 0;
    bool is_own = false;

    while (next_line(&envelopes, &line)) {
        if (heading(line, SPAN("*** ENVELOPE RECORDS "), id))
            is_own = false;
        else if (heading(line, SPAN("*** MESSAGE FILE END "), end)) {
            told++;
            if (is_own && *id && strcmp(id, end) == 0 && add(own, id) != OK)
                own->cut = true;
        } else
            is_own = is_own || is_login(line, account);
    }
    return told;
}

void queue_ids_free(struct queue_ids *ids)
{
    free(ids->id);
    *ids = (struct queue_ids){ 0 };
}
