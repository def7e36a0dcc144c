// What a process has mapped for code, and its threads; read from /proc.
#ifndef TESTS_UNWIND_MAPS_H
#define TESTS_UNWIND_MAPS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"

enum { MOST_MAPS = 4096, MOST_PATH = 256 };

struct map {
    u64 start, limit, offset;
    char path[MOST_PATH];
};

struct maps {
    struct map map[MOST_MAPS];
    u32 nmap;
    u64 hash; // of those that are of files
};

static const struct map *maps_find(const struct maps *m, u64 pc)
{
    for (u32 i = 0; i < m->nmap; i++) {
        if (pc >= m->map[i].start && pc < m->map[i].limit)
            return &m->map[i];
    }
    return NULL;
}

// Whether the line is of code; fills in a map.
static bool map_parse(struct map *m, const char *line)
{
    unsigned long long start, limit, offset;
    char flags[8];
    int at = 0;
    if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %n", &start, &limit, flags, &offset, &at) < 4)
        return false;
    *m = (struct map){.start = start, .limit = limit, .offset = offset};
    snprintf(m->path, sizeof(m->path), "%s", at ? line + at : "");
    m->path[strcspn(m->path, "\n")] = 0;
    return flags[2] == 'x';
}

// Whether the files among them are others than they were.
static bool maps_read(struct maps *m, int pid)
{
    char name[64], line[1024];
    u64 hash = 1;
    snprintf(name, sizeof(name), "/proc/%d/maps", pid);
    FILE *f = fopen(name, "re");
    m->nmap = 0;
    while (f && m->nmap < MOST_MAPS && fgets(line, sizeof(line), f)) {
        struct map *map = &m->map[m->nmap];
        if (!map_parse(map, line))
            continue;
        m->nmap++;
        if (map->path[0] == '/')
            hash = (hash ^ map->start ^ map->offset) * 0x9e3779b97f4a7c15;
    }
    if (f)
        fclose(f);
    bool is_new = hash != m->hash;
    m->hash = hash;
    return is_new;
}

// Its threads; with runs those alone that run, if any does.
static u32 maps_tasks(int pid, int *task, u32 most, bool runs)
{
    char name[128], line[512];
    u32 n = 0;
    snprintf(name, sizeof(name), "/proc/%d/task", pid);
    DIR *folder = opendir(name);
    for (struct dirent *d; folder && n < most && (d = readdir(folder));) {
        if (d->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "/proc/%d/task/%.20s/stat", pid, d->d_name);
        FILE *f = fopen(name, "re");
        const char *state = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
        if (state && (!runs || state[2] == 'R'))
            task[n++] = (int)strtol(d->d_name, NULL, 10);
        if (f)
            fclose(f);
    }
    if (folder)
        closedir(folder);
    return n || !runs ? n : maps_tasks(pid, task, most, false);
}

#endif
