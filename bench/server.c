#include "server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/web.h"

enum { START_MS = 5000 };

uint16_t server_free_port(const char *address, bool udp)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &sa.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&sa, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &n) != 0)
        sa.sin_port = 0;
    if (fd >= 0)
        (void)close(fd);
    return ntohs(sa.sin_port);
}

/* Media comes by UDP and by TCP to ports of one number. */
static uint16_t free_for_both(const char *address)
{
    for (int i = 0; i < 64; i++) {
        struct sockaddr_in sa = {.sin_family = AF_INET};
        uint16_t port = server_free_port(address, true);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        sa.sin_port = htons(port);
        bool is_free = inet_pton(AF_INET, address, &sa.sin_addr) == 1 && fd >= 0 &&
                       bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0;
        if (fd >= 0)
            (void)close(fd);
        if (is_free)
            return port;
    }
    return 0;
}

static bool asked(const char *url, const char *path, struct web_answer *ret,
                  struct web **web)
{
    *web = NULL;
    return sl_web_new(url, web) == E_OK &&
           sl_web_ask(*web, "GET", path, NULL, NULL, (struct span){0}, ret) == E_OK;
}

bool server_answers(const char *url, const char *path)
{
    struct web_answer a;
    struct web *web;
    bool answers = asked(url, path, &a, &web) && a.status == 200;
    sl_web_free(web);
    return answers;
}

/* ---- a process ---- */

bool server_prepare(struct server *s)
{
    *s = (struct server){.state = "/tmp/sluice-bench-XXXXXX"};
    if (mkdtemp(s->state))
        return true;
    perror(s->state);
    s->state[0] = '\0';
    return false;
}

bool server_file(const struct server *s, const char *name, const char *fmt, ...)
{
    char path[128];
    va_list ap;
    (void)snprintf(path, sizeof path, "%s/%s", s->state, name);
    FILE *f = fopen(path, "we");
    if (f) {
        va_start(ap, fmt);
        (void)vfprintf(f, fmt, ap);
        va_end(ap);
    }
    if (f && fclose(f) == 0)
        return true;
    perror(path);
    return false;
}

/* In the child, which ends with us. */
static void run(char *const *argv)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(null, STDOUT_FILENO);
    (void)execvp(argv[0], argv);
    _exit(127);
}

/* False: it is gone, and *pid 0, since its number may be another's; or it takes too long. */
static bool comes(struct server *s, pid_t *pid, bool (*ready)(const struct server *s))
{
    for (int ms = 0; ms < START_MS; ms += 20) {
        if (waitpid(*pid, NULL, WNOHANG) != 0) {
            *pid = 0;
            return false;
        }
        if (ready(s))
            return true;
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return false;
}

static bool forked(pid_t pid)
{
    if (pid < 0)
        perror("fork");
    return pid >= 0;
}

bool server_spawn(struct server *s, char *const *argv, int core,
                  bool (*ready)(const struct server *s))
{
    (void)cgroup_make(&s->group);
    s->pid = fork();
    if (s->pid == 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        cgroup_enter(&s->group);
        if (core >= 0) {
            CPU_SET((unsigned)core, &set);
            (void)sched_setaffinity(0, sizeof set, &set);
        }
        run(argv);
    }
    if (!forked(s->pid))
        return false;
    if (comes(s, &s->pid, ready))
        return true;
    (void)fprintf(stderr, "%s does not start\n", argv[0]);
    server_stop(s);
    return false;
}

bool server_front(struct server *s, char *const *argv,
                  bool (*ready)(const struct server *s))
{
    s->front = fork();
    if (s->front == 0)
        run(argv);
    if (forked(s->front) && comes(s, &s->front, ready))
        return true;
    (void)fprintf(stderr, "%s does not start\n", argv[0]);
    server_stop(s);
    return false;
}

static void end(pid_t *pid)
{
    if (*pid > 0) {
        (void)kill(*pid, SIGKILL);
        (void)waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

/* A directory, and what others have made in it. */
static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void server_stop(struct server *s)
{
    end(&s->front);
    end(&s->pid);
    if (s->state[0])
        (void)nftw(s->state, remove_one, 4, FTW_DEPTH | FTW_PHYS);
    cgroup_remove(&s->group);
}

/* ---- Sluice ---- */

static bool is_ready(const struct server *s)
{
    return server_answers(s->admin, "/health/ready");
}

/* All flags of the server that the benchmark uses are here. core: of all its threads, -1 for
 * any; pin: of its workers, "" for any. */
static bool start(struct server *s, const char *program, const char *address, int core,
                  unsigned workers, const char *pin)
{
    char text[7][96];
    uint16_t rtc = free_for_both(address), http = server_free_port(address, false),
             admin = server_free_port("127.0.0.1", false);
    if (!server_prepare(s))
        return false;
    (void)snprintf(s->url, sizeof s->url, "http://%s:%u", address, http);
    (void)snprintf(s->admin, sizeof s->admin, "http://127.0.0.1:%u", admin);
    (void)snprintf(text[0], sizeof text[0], "--store.directory=%s", s->state);
    (void)snprintf(text[1], sizeof text[1], "--rtc.port=%u", rtc);
    (void)snprintf(text[2], sizeof text[2], "--http.listen=%s:%u", address, http);
    (void)snprintf(text[3], sizeof text[3], "--admin.listen=127.0.0.1:%u", admin);
    (void)snprintf(text[4], sizeof text[4], "--rtc.listen=%s", address);
    (void)snprintf(text[5], sizeof text[5], "--rtc.workers=%u", workers);
    (void)snprintf(text[6], sizeof text[6], "--rtc.pin=%s", pin);
    char *argv[] = {(char *)(uintptr_t)program,
                    (char[]){"serve"},
                    text[0],
                    text[1],
                    text[2],
                    text[3],
                    text[4],
                    text[5],
                    (char[]){"--auth.required=false"},
                    (char[]){"--log.level=error"},
                    (char[]){"--limits.sessions_per_address=0"},
                    (char[]){"--limits.handshakes=100000"},
                    (char[]){"--limits.room_peers=20000"},
                    *pin ? text[6] : NULL,
                    NULL};
    return server_spawn(s, argv, core, is_ready);
}

bool server_start(struct server *s, const char *program, const char *address, int core)
{
    char pin[16] = "";
    if (core >= 0)
        (void)snprintf(pin, sizeof pin, "%d", core);
    return start(s, program, address, core, 1, pin);
}

bool server_start_two(struct server *s, const char *program)
{
    return start(s, program, "127.0.0.1", -1, 2, "0,1");
}

/* ---- what it uses ---- */

uint64_t server_cpu(const struct server *s)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(s->pid, &clock) == 0)
        (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Of all cores, in nanoseconds: the eighth number of the line "cpu" (proc(5)). */
static uint64_t stolen(void)
{
    char line[256] = "cpu", *at = line + strlen(line);
    uint64_t ticks = 0;
    FILE *f = fopen("/proc/stat", "re");
    if (f && fgets(line, sizeof line, f))
        for (int i = 0; i < 8; i++)
            ticks = strtoull(at, &at, 10);
    if (f)
        (void)fclose(f);
    return ticks * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t server_waited(const struct server *s)
{
    char name[300];
    uint64_t sum = stolen();
    (void)snprintf(name, sizeof name, "/proc/%d/task", s->pid);
    DIR *d = opendir(name);
    for (struct dirent *e; d && (e = readdir(d));) {
        char line[128], *at = line;
        (void)snprintf(name, sizeof name, "/proc/%d/task/%.200s/schedstat", s->pid,
                       e->d_name);
        FILE *f = fopen(name, "re");
        if (f && fgets(line, sizeof line, f)) {
            (void)strtoull(line, &at, 10);
            sum += strtoull(at, NULL, 10);
        }
        if (f)
            (void)fclose(f);
    }
    if (d)
        (void)closedir(d);
    return sum;
}

/* The number behind a word in a file of /proc, in its own unit. */
static uint64_t proc_number(const char *file, const char *word)
{
    char line[256];
    unsigned long long v = 0;
    FILE *f = fopen(file, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, word, strlen(word)) == 0) {
            v = strtoull(line + strlen(word), NULL, 10);
            break;
        }
    if (f)
        (void)fclose(f);
    return v;
}

uint64_t server_resident(const struct server *s)
{
    char file[64];
    (void)snprintf(file, sizeof file, "/proc/%d/status", s->pid);
    return proc_number(file, "VmRSS:") * 1024;
}

uint64_t server_kernel(const struct server *s)
{
    char file[64];
    if (s->group.path[0] != '\0')
        return cgroup_kernel(&s->group);
    (void)snprintf(file, sizeof file, "/proc/%d/status", s->pid);
    return proc_number(file, "VmPTE:") * 1024;
}

/* All metrics, to be freed; NULL: it does not answer. */
static char *metrics_of(const struct server *s)
{
    struct web_answer a;
    struct web *web;
    char *text = NULL;
    if (asked(s->admin, "/metrics", &a, &web))
        text = strndup((const char *)a.body.p, a.body.n);
    sl_web_free(web);
    return text;
}

bool server_histogram(const struct server *s, const char *name, struct histogram *ret)
{
    char *text = metrics_of(s), *rest = NULL, bucket[128];
    uint64_t upto[HISTOGRAM_MAX + 1] = {0}; /* a bucket counts those below it, too */
    bool found = false;
    int n = snprintf(bucket, sizeof bucket, "%s_bucket{", name);
    for (char *l = text ? strtok_r(text, "\n", &rest) : NULL; l;
         l = strtok_r(NULL, "\n", &rest)) {
        const char *le = strstr(l, "le=\""), *value = strrchr(l, ' ');
        if (strncmp(l, bucket, (size_t)n) != 0 || !le || !value)
            continue;
        double us = strtod(le + 4, NULL) * 1e6 + 0.5;
        size_t i = 0;
        while (i < ret->n && us >= (double)ret->bounds[i] + 1)
            i++;
        upto[i] += strtoull(value, NULL, 10);
        found = true;
    }
    free(text);
    for (size_t i = 0; i < ret->n; i++)
        ret->in[i] = upto[i] - (i > 0 ? upto[i - 1] : 0);
    ret->above = upto[ret->n] - (ret->n > 0 ? upto[ret->n - 1] : 0);
    return found;
}

double server_metric(const struct server *s, const char *name)
{
    double sum = 0;
    char *text = metrics_of(s), *rest = NULL;
    size_t n = strlen(name);
    for (char *l = text ? strtok_r(text, "\n", &rest) : NULL; l;
         l = strtok_r(NULL, "\n", &rest)) {
        const char *value = strrchr(l, ' ');
        if (strncmp(l, name, n) == 0 && (l[n] == '{' || l[n] == ' ' || l[n] == '}') &&
            value)
            sum += strtod(value, NULL);
    }
    free(text);
    return sum;
}
