#include "service/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static double value_of(const struct metrics *m, const char *name)
{
    size_t n = 0;
    char line[128];
    char *text = sl_metrics_text(m, &n);
    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *at = text ? strstr(text, line) : NULL;
    CHECK(at != NULL);
    double v = at ? strtod(at + strlen(line), NULL) : -1;
    free(text);
    return v;
}

TEST(process_knows_itself)
{
    struct metrics *m = sl_metrics_new();
    CHECK_INT(sl_process_add(m, false), E_OK);
    CHECK_INT(sl_process_add(m, true), E_OK);
    double fds = value_of(m, "process_open_fds");
    int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(value_of(m, "rtcd_process_open_fds") == fds + 1);
    (void)close(one);
    CHECK(value_of(m, "process_open_fds") == fds);
    CHECK(fds >= 3 && value_of(m, "process_max_fds") >= fds);

    double cpu = value_of(m, "process_cpu_seconds_total");
    for (volatile int i = 0; i < 20000000; i++)
        ;
    CHECK(value_of(m, "rtcd_process_cpu_seconds_total") > cpu);

    /* Started just now, and not a boot or an epoch ago. */
    double age = (double)time(NULL) - value_of(m, "process_start_time_seconds");
    CHECK(age > -2 && age < 120);
    double resident = value_of(m, "process_resident_memory_bytes");
    CHECK(resident > 1 << 20);
    CHECK(value_of(m, "process_virtual_memory_bytes") >= resident);
    CHECK(value_of(m, "process_virtual_memory_max_bytes") > 0);

    enum { TAKEN = 10 << 20 };
    double heap = value_of(m, "sluice_heap_bytes");
    char *volatile taken = malloc(TAKEN); /* volatile: it is not optimised away */
    CHECK(taken != NULL && value_of(m, "sluice_heap_bytes") >= heap + TAKEN);
    free(taken);
    CHECK(value_of(m, "sluice_heap_bytes") < heap + TAKEN);
    sl_metrics_free(m);
}

/* The kernel counts for each core, and adds that up now and then. */
TEST(process_counts_memory_that_is_no_files)
{
    enum { TAKEN = 64 << 20, SLACK = 16 << 20 };
    double before = sl_process_anonymous();
    CHECK(before > 1 << 16);
    void *p =
        mmap(NULL, TAKEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK(sl_process_anonymous() < before + SLACK); /* not touched yet */
    memset(p, 1, TAKEN);
    CHECK(sl_process_anonymous() > before + TAKEN - SLACK);
    CHECK(sl_process_anonymous() < before + TAKEN + SLACK);
    (void)munmap(p, TAKEN);
    CHECK(sl_process_anonymous() < before + SLACK);
}
