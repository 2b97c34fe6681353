/* SPDX-License-Identifier: MIT */
/*
 * Hands a fuzz target each file of its corpus once, without libFuzzer: so that every
 * compiler can, and make check does.  Arguments are files to take instead.
 */
#include <dirent.h>
#include <stdio.h>

#include "t/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static bool take_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    size_t size = f && data ? fread(data, 1, INPUT_MAX, f) : 0;
    bool taken = f && data && !ferror(f) && feof(f);

    if (taken)
        LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "%s: cannot be read\n", path);
    free(data);
    if (f)
        fclose(f);
    return taken;
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int take_corpus(void)
{
    struct dirent **entry = NULL;
    int count = scandir(CORPUS, &entry, is_file, alphasort), failed = count <= 0;
    char path[4096];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", CORPUS, entry[i]->d_name);
        failed += !take_file(path);
        free(entry[i]);
    }
    free(entry);
    printf("%d inputs from %s\n", count, CORPUS);
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc == 1)
        return take_corpus();
    for (int i = 1; i < argc; i++)
        failed += !take_file(argv[i]);
    return failed == 0 ? 0 : 1;
}
