#include "service/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/self/stat behind the name, which may hold anything (proc(5)). */
enum { STAT_START = 22, STAT_VIRTUAL = 23, STAT_RESIDENT = 24, STAT_AFTER_NAME = 3 };

static double seconds(clockid_t id)
{
    struct timespec ts = {0};
    (void)clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_text(const char *file, char *text, size_t cap)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, cap - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
}

static double stat_field(int nth)
{
    char text[1024];
    read_text("/proc/self/stat", text, sizeof text);
    const char *at = strrchr(text, ')');
    for (int i = STAT_AFTER_NAME - 1; at && i < nth; i++)
        at = strchr(at + 1, ' ');
    return at ? strtod(at, NULL) : 0;
}

static double cpu(const void *user)
{
    (void)user;
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static double virtual_memory(const void *user)
{
    (void)user;
    return stat_field(STAT_VIRTUAL);
}

static double resident_memory(const void *user)
{
    (void)user;
    return stat_field(STAT_RESIDENT) * (double)sysconf(_SC_PAGESIZE);
}

/* Sanitizers have an allocator of their own, of which the C library knows nothing. The name is
 * theirs: NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

double sl_process_anonymous(void)
{
    char text[256], *at = text;
    read_text("/proc/self/statm", text, sizeof text);
    (void)strtod(at, &at); /* all, in RAM or not */
    double resident = strtod(at, &at), files = strtod(at, &at);
    return (resident - files) * (double)sysconf(_SC_PAGESIZE);
}

/* The C library would count what is free, chunk by chunk, and hold the lock that a worker may need:
 * with two thousand viewers for 4 ms. */
static double heap(const void *user)
{
    (void)user;
    return __sanitizer_get_current_allocated_bytes
               ? (double)__sanitizer_get_current_allocated_bytes()
               : sl_process_anonymous();
}

/* The wall clock may have been set since: what it says now is what others see. */
static double start_time(const void *user)
{
    (void)user;
    double up =
        seconds(CLOCK_BOOTTIME) - stat_field(STAT_START) / (double)sysconf(_SC_CLK_TCK);
    return seconds(CLOCK_REALTIME) - up;
}

static double open_fds(const void *user)
{
    (void)user;
    DIR *dir = opendir("/proc/self/fd");
    double n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);
    return n > 3 ? n - 3 : 0; /* itself and its parent; and this directory, open */
}

static double limit(__rlimit_resource_t of)
{
    struct rlimit l = {0};
    (void)getrlimit(of, &l);
    return (double)l.rlim_cur;
}

static double max_fds(const void *user)
{
    (void)user;
    return limit(RLIMIT_NOFILE);
}

static double max_memory(const void *user)
{
    (void)user;
    return limit(RLIMIT_AS);
}

#define ROW(name, help, kind, fn)                                                        \
    {                                                                                    \
        {{name, help, kind, 0}, {"rtcd_" name, help, kind, 0}}, fn                       \
    }
static const struct {
    struct metric of[2]; /* alone, and with rtcd's prefix */
    double (*fn)(const void *user);
} rows[] = {
    ROW("process_cpu_seconds_total", "CPU time spent.", METRIC_COUNTER, cpu),
    ROW("process_max_fds", "Descriptors that may be open.", METRIC_GAUGE, max_fds),
    ROW("process_open_fds", "Open descriptors.", METRIC_GAUGE, open_fds),
    ROW("process_resident_memory_bytes", "Memory in RAM.", METRIC_GAUGE, resident_memory),
    ROW("process_start_time_seconds", "Start, since the Unix epoch.", METRIC_GAUGE,
        start_time),
    ROW("process_virtual_memory_bytes", "Virtual memory.", METRIC_GAUGE, virtual_memory),
    ROW("process_virtual_memory_max_bytes", "Virtual memory that there may be.",
        METRIC_GAUGE, max_memory),
};

enum err sl_process_add(struct metrics *m, bool as_rtcd)
{
    static const struct metric heap_of = {
        "sluice_heap_bytes", "Memory in RAM that is no file's: heap and stacks.",
        METRIC_GAUGE, 0};
    enum err e = as_rtcd ? E_OK : sl_metrics_add_fn(m, &heap_of, NULL, heap, NULL);
    for (size_t i = 0; !e && i < sizeof rows / sizeof rows[0]; i++)
        e = sl_metrics_add_fn(m, &rows[i].of[as_rtcd], NULL, rows[i].fn, NULL);
    return e;
}
