#include "memory/process.h"

#include <stdio.h>
#include <string.h>

#include "memory/lines.h"

static bool read_file(char *text, size_t cap, const char *proc, u32 pid, const char *file)
{
    char path[512];
    int n = snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, file);
    return n > 0 && (size_t)n < sizeof(path) && lines_read(text, cap, path);
}

bool process_anon(u64 *bytes, const char *proc, u32 pid)
{
    char text[8192];
    if (!read_file(text, sizeof(text), proc, pid, "status"))
        return false;
    *bytes = lines_number(str_of(text), "RssAnon:");
    return lines_number(str_of(text), "VmRSS:") != 0;
}

bool process_read(struct process *p, const char *proc, u32 pid)
{
    char text[8192];
    *p = (struct process){.pid = pid};
    if (!read_file(text, sizeof(text), proc, pid, "status"))
        return false;
    struct str status = str_of(text), name = status;
    p->nthread = (u32)lines_number(status, "Threads:");
    p->anon_bytes = lines_number(status, "RssAnon:");
    p->shmem_bytes = lines_number(status, "RssShmem:");
    p->file_bytes = lines_number(status, "RssFile:");
    p->page_table_bytes = lines_number(status, "VmPTE:");
    str_cut(&name, '\t');
    name = str_cut(&name, '\n');
    snprintf(p->name, sizeof(p->name), "%.*s", STR_ARG(name));
    return true;
}

void process_divide(struct process *p, const char *proc)
{
    char text[4096];
    u64 anon;
    if ((p->anon_bytes == 0 && p->shmem_bytes == 0) ||
        !read_file(text, sizeof(text), proc, p->pid, "smaps_rollup") ||
        !lines_find(&anon, str_of(text), "Pss_Anon:"))
        return; // not ours to look at, or a kernel before 5.1: too much is better than nothing
    p->anon_bytes = anon;
    p->shmem_bytes = lines_number(str_of(text), "Pss_Shmem:");
    p->file_bytes = lines_number(str_of(text), "Pss_File:");
}
