/* SPDX-License-Identifier: MIT */
/*
 * The daemon's sandbox, entered by a child for each attempt: what it is to refuse, and
 * what has to go on working.
 */
#include "policyd/sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policyd/log.h"

enum { HAPPENED = 10, REFUSED = 11, NOT_ENTERED = 12 };

static char top[] = "/tmp/postern-sandbox.XXXXXX";
static char lib[64], outside[64], log_file[64], config_file[64], accounts_db[64], state_db[64];
static struct config config;

/* ---- attempts: 0 or more where the thing was done, -1 with errno where it was refused ---- */

static long do_exec(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}

static long do_fork(void)
{
    return fork();
}

static long do_vfork_by_number(void)
{
    return syscall(SYS_clone3, NULL, 0);
}

static void *nothing(void *arg)
{
    return arg;
}

static long do_thread(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, nothing, NULL) == 0 ? 0 : -1;
}

static long do_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long do_read_memory_of_parent(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long do_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static long do_netlink_socket(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long do_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static long do_sctp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static long do_vsock_socket(void)
{
    return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long do_bind(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return bind(fd, (struct sockaddr *)&in, sizeof in);
}

static long do_listen(void)
{
    return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static long do_kill_parent(void)
{
    return kill(getppid(), SIGCONT);
}

static long do_tgkill_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

static long do_mount(void)
{
    return mount("none", lib, "tmpfs", 0, NULL);
}

static long do_umount(void)
{
    return umount(lib);
}

static long do_chroot(void)
{
    return chroot(lib);
}

static long do_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}

static long do_setuid(void)
{
    return setuid(getuid());
}

static long do_setgroups(void)
{
    return setgroups(0, NULL);
}

static long do_bpf(void)
{
    union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

    return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
}

static long do_perf(void)
{
    struct perf_event_attr attr = { .size = sizeof attr };

    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long do_keyctl(void)
{
    return syscall(SYS_keyctl, 0, -3, 0, 0, 0);
}

static long do_load_module(void)
{
    return syscall(SYS_finit_module, -1, "", 0);
}

static long do_reboot(void)
{
    return syscall(SYS_reboot, 0, 0, 0, NULL);
}

static long do_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 0, NULL);
}

static long do_userfaultfd(void)
{
    return syscall(SYS_userfaultfd, 0);
}

static long do_executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long do_make_memory_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long do_clock(void)
{
    struct timespec ts = { 0, 0 };

    return clock_settime(CLOCK_REALTIME, &ts);
}

static long do_raise_limits(void)
{
    struct rlimit limit = { 1024, 1024 };

    return setrlimit(RLIMIT_NOFILE, &limit);
}

static long do_privileges_back(void)
{
    return syscall(SYS_prctl, 0);
}

static long do_replace_the_handler(void)
{
    return signal(SIGSYS, SIG_IGN) == SIG_ERR ? -1 : 0;
}

static long do_rename(void)
{
    return rename(accounts_db, state_db);
}

static long do_chmod(void)
{
    return chmod(accounts_db, 0666);
}

static long do_read_shadow(void)
{
    return open("/etc/shadow", O_RDONLY);
}

static long do_read_passwd(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static long do_read_proc(void)
{
    return open("/proc/self/mem", O_RDWR);
}

static long do_list_root(void)
{
    return open("/", O_RDONLY | O_DIRECTORY);
}

static long do_write_outside(void)
{
    return open(outside, O_WRONLY);
}

static long do_make_outside(void)
{
    return open("/tmp/postern-sandbox-outside", O_WRONLY | O_CREAT, 0600);
}

static long do_write_config(void)
{
    return open(config_file, O_WRONLY);
}

static long do_read_log(void)
{
    return open(log_file, O_RDONLY);
}

static long do_unlink_outside(void)
{
    return unlink(outside);
}

static long do_read_outside_by_a_link(void)
{
    char link[80];

    snprintf(link, sizeof link, "%s/link", lib);
    return open(link, O_RDONLY);
}

static const struct attempt {
    const char *name;
    long (*run)(void);
    bool by_landlock; /* else by seccomp */
} attempts[] = {
    { "execve", do_exec, false },
    { "fork", do_fork, false },
    { "clone3", do_vfork_by_number, false },
    { "a thread", do_thread, false },
    { "ptrace", do_ptrace, false },
    { "process_vm_readv", do_read_memory_of_parent, false },
    { "AF_PACKET", do_packet_socket, false },
    { "AF_NETLINK", do_netlink_socket, false },
    { "a raw socket", do_raw_socket, false },
    { "SCTP", do_sctp_socket, false },
    { "AF_VSOCK", do_vsock_socket, false },
    { "bind", do_bind, false },
    { "listen", do_listen, false },
    { "kill of another", do_kill_parent, false },
    { "tgkill of another", do_tgkill_parent, false },
    { "mount", do_mount, false },
    { "umount", do_umount, false },
    { "chroot", do_chroot, false },
    { "unshare", do_unshare, false },
    { "setuid", do_setuid, false },
    { "setgroups", do_setgroups, false },
    { "bpf", do_bpf, false },
    { "perf_event_open", do_perf, false },
    { "keyctl", do_keyctl, false },
    { "finit_module", do_load_module, false },
    { "reboot", do_reboot, false },
    { "io_uring_setup", do_io_uring, false },
    { "userfaultfd", do_userfaultfd, false },
    { "executable memory", do_executable_memory, false },
    { "memory made executable", do_make_memory_executable, false },
    { "clock_settime", do_clock, false },
    { "setrlimit", do_raise_limits, false },
    { "prctl", do_privileges_back, false },
    { "another handler of SIGSYS", do_replace_the_handler, false },
    { "rename", do_rename, false },
    { "chmod", do_chmod, false },
    { "reading /etc/shadow", do_read_shadow, true },
    { "reading /etc/passwd", do_read_passwd, true },
    { "writing its own memory", do_read_proc, true },
    { "listing /", do_list_root, true },
    { "writing a file outside", do_write_outside, true },
    { "making a file outside", do_make_outside, true },
    { "writing the configuration", do_write_config, true },
    { "reading the log", do_read_log, true },
    { "removing a file outside", do_unlink_outside, true },
    { "reading outside through a link", do_read_outside_by_a_link, true },
};

/* ---- what the daemon does ---- */

static long go_on_with_files(void)
{
    char path[80];
    int fd;

    snprintf(path, sizeof path, "%s/state.db-wal", lib);
    fd = open(path, O_RDWR | O_CREAT, 0640);
    if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) != 0 || fsync(fd) != 0 || unlink(path) != 0)
        return -1;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long go_on_with_log(void)
{
    char rotated[80];
    int fd;

    snprintf(rotated, sizeof rotated, "%s.new", log_file);
    fd = open(rotated, O_WRONLY | O_APPEND | O_CREAT, 0640);
    return fd >= 0 && write(fd, "x", 1) == 1 ? 0 : -1;
}

static long go_on_with_config(void)
{
    return open(config_file, O_RDONLY) >= 0 && open("/dev/null", O_RDWR) >= 0 ? 0 : -1;
}

static long go_on_with_sockets(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = 53,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    return udp >= 0 && connect(udp, (struct sockaddr *)&in, sizeof in) == 0 &&
                   socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 && socket(AF_UNIX, SOCK_DGRAM, 0) >= 0
               ? 0
               : -1;
}

static long go_on_with_memory(void)
{
    char *large = malloc(32u << 20);
    struct pollfd none = { .fd = -1 };

    if (!large)
        return -1;
    memset(large, 1, 32u << 20);
    free(large);
    return poll(&none, 1, 1) == 0 && time(NULL) > 0 && usleep(10) == 0 ? 0 : -1;
}

static long (*const needed[])(void) = { go_on_with_files, go_on_with_log, go_on_with_config,
                                        go_on_with_sockets, go_on_with_memory };

/* ---- running ---- */

static bool has_landlock(void)
{
    return syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static int outcome(long (*run)(void))
{
    pid_t pid = fork();
    struct error e;
    int status;

    if (pid == 0) {
        if (log_open(log_file, &e) != OK || sandbox_files(&config, &e) != OK || sandbox_calls(&e) != OK)
            _exit(NOT_ENTERED);
        _exit(run() >= 0 ? HAPPENED : REFUSED);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void set_up(void)
{
    char etc[64], logs[64], link[80];

    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(lib, sizeof lib, "%s/lib", top);
    snprintf(etc, sizeof etc, "%s/etc", top);
    snprintf(logs, sizeof logs, "%s/log", top);
    snprintf(outside, sizeof outside, "%s/outside", top);
    snprintf(accounts_db, sizeof accounts_db, "%s/lib/accounts.db", top);
    snprintf(state_db, sizeof state_db, "%s/lib/state.db", top);
    snprintf(log_file, sizeof log_file, "%s/log/policyd.log", top);
    snprintf(config_file, sizeof config_file, "%s/etc/policyd.conf", top);
    snprintf(link, sizeof link, "%s/lib/link", top);
    ck_assert(mkdir(lib, 0700) == 0 && mkdir(etc, 0700) == 0 && mkdir(logs, 0700) == 0);
    touch(outside);
    touch(accounts_db);
    touch(config_file);
    ck_assert_int_eq(symlink(outside, link), 0);
    config = (struct config){
        .path = config_file, .accounts_db = accounts_db, .state_db = state_db, .log = log_file
    };
}

static void tear_down(void)
{
    static const char *const files[] = { "lib/link",        "lib/accounts.db",     "lib/state.db-wal",
                                         "log/policyd.log", "log/policyd.log.new", "etc/policyd.conf",
                                         "outside" };
    static const char *const directories[] = { "lib", "log", "etc", "" };
    char path[96];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", top, files[i]);
        (void)!unlink(path);
    }
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", top, directories[i]);
        ck_assert_int_eq(rmdir(path), 0);
    }
}

static bool log_has(const char *text)
{
    static char log[65536];
    int fd = open(log_file, O_RDONLY);
    ssize_t n = read(fd, log, sizeof log - 1);

    close(fd);
    log[n > 0 ? n : 0] = '\0';
    return strstr(log, text) != NULL;
}

START_TEST(test_forbidden)
{
    const struct attempt *a = &attempts[_i];

    if (a->by_landlock)
        ck_assert_msg(!has_landlock() || outcome(a->run) == REFUSED, "%s was not refused", a->name);
    else
        ck_assert_msg(outcome(a->run) == -SIGSYS, "%s did not end the process", a->name);
}
END_TEST

START_TEST(test_needed)
{
    ck_assert_int_eq(outcome(needed[_i]), HAPPENED);
}
END_TEST

START_TEST(test_log_names_the_call)
{
    ck_assert_int_eq(outcome(do_exec), -SIGSYS);
    ck_assert(log_has("alarm: sandbox: ended by system call "));
    ck_assert(log_has(", execve, which policyd never makes\n"));
}
END_TEST

START_TEST(test_log_in_another_directory)
{
    struct config other = config;
    char beside[80];

    ck_assert(sandbox_has_log(&config, &other));
    snprintf(beside, sizeof beside, "%s.2", log_file);
    other.log = beside;
    ck_assert(sandbox_has_log(&config, &other));
    other.log = outside;
    ck_assert(!sandbox_has_log(&config, &other));
    other.log = (char *)"syslog";
    ck_assert(sandbox_has_log(&config, &other));
    ck_assert(!sandbox_has_log(&other, &config));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sandbox");
    TCase *tc = tcase_create("sandbox");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, test_forbidden, 0, (int)(sizeof attempts / sizeof attempts[0]));
    tcase_add_loop_test(tc, test_needed, 0, (int)(sizeof needed / sizeof needed[0]));
    tcase_add_test(tc, test_log_names_the_call);
    tcase_add_test(tc, test_log_in_another_directory);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
