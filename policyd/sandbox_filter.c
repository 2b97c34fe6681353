/* SPDX-License-Identifier: MIT */
#include "policyd/sandbox_filter.h"

#if defined HAVE_SECCOMP && !defined SANITIZED

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "policyd/log.h"

/* The process ends by a trap rather than by the kernel at once, so that the log can say
 * which call it was; the call itself never happens. The handler cannot be replaced
 * afterwards: setting one for SIGSYS is what the filter kills for. */
#define REFUSE SCMP_ACT_TRAP

/* As SCMP_CMP32, with every field named: the header's macro leaves one out, which compilers
 * warn of. */
#define ARGUMENT(number, comparison, value)                                                                  \
    {                                                                                                        \
        .arg = (number), .op = (comparison), .datum_a = (uint32_t)(value), .datum_b = 0                      \
    }
#define MASKED(number, mask, value)                                                                          \
    {                                                                                                        \
        .arg = (number), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (uint32_t)(value)           \
    }

enum { NUMBERS = 512, NAME_MAX_OCTETS = 32, TYPE_MASK = 0xf };

/* What the C library, libevent, SQLite, libldns and libsystemd need once all is open. */
static const int allowed[] = {
    /* the loop */
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pselect6),
    SCMP_SYS(select),
    SCMP_SYS(restart_syscall),
    /* the clock; SQLite sleeps while another has the lock */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    /* memory and threads; mmap and mprotect below */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(gettid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(sigaltstack),
    /* files: which ones is Landlock's matter */
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(close),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(stat),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat),
    SCMP_SYS(lstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(flock),
    SCMP_SYS(ftruncate),
    SCMP_SYS(ftruncate64),
    SCMP_SYS(fallocate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchown),
    SCMP_SYS(umask),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    /* sockets that are there; socket below */
    SCMP_SYS(connect),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(send),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    /* what may be asked about oneself and the host */
    SCMP_SYS(getpid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit),
    SCMP_SYS(getrusage),
};

/* Calls that are allowed with some arguments only: all comparisons of a row hold. */
static const struct conditional {
    int call;
    unsigned count;
    struct scmp_arg_cmp comparison[3];
} conditional[] = {
    { SCMP_SYS(mmap), 1, { MASKED(2, PROT_EXEC, 0) } },
    { SCMP_SYS(mmap2), 1, { MASKED(2, PROT_EXEC, 0) } },
    { SCMP_SYS(mprotect), 1, { MASKED(2, PROT_EXEC, 0) } },
    { SCMP_SYS(ioctl), 1, { ARGUMENT(1, SCMP_CMP_EQ, FIONREAD) } },
    { SCMP_SYS(ioctl), 1, { ARGUMENT(1, SCMP_CMP_EQ, TCGETS) } }, /* isatty(3), by libconfuse */
    { SCMP_SYS(rt_sigaction), 1, { ARGUMENT(0, SCMP_CMP_NE, SIGSYS) } },
    /* the resolver, syslog and sd_notify */
    { SCMP_SYS(socket), 1, { ARGUMENT(0, SCMP_CMP_EQ, AF_UNIX) } },
    { SCMP_SYS(socket),
      3,
      { ARGUMENT(0, SCMP_CMP_EQ, AF_INET), MASKED(1, TYPE_MASK, SOCK_STREAM), ARGUMENT(2, SCMP_CMP_EQ, 0) } },
    { SCMP_SYS(socket),
      3,
      { ARGUMENT(0, SCMP_CMP_EQ, AF_INET), MASKED(1, TYPE_MASK, SOCK_DGRAM), ARGUMENT(2, SCMP_CMP_EQ, 0) } },
    { SCMP_SYS(socket),
      3,
      { ARGUMENT(0, SCMP_CMP_EQ, AF_INET6), MASKED(1, TYPE_MASK, SOCK_STREAM),
        ARGUMENT(2, SCMP_CMP_EQ, 0) } },
    { SCMP_SYS(socket),
      3,
      { ARGUMENT(0, SCMP_CMP_EQ, AF_INET6), MASKED(1, TYPE_MASK, SOCK_DGRAM), ARGUMENT(2, SCMP_CMP_EQ, 0) } },
    { SCMP_SYS(prlimit64), 2, { ARGUMENT(0, SCMP_CMP_EQ, 0), ARGUMENT(2, SCMP_CMP_EQ, 0) } }, /* asks only */
};

/* Looked up beforehand: a signal handler allocates nothing. */
static char names[NUMBERS][NAME_MAX_OCTETS];

static void note_names(void)
{
    for (int i = 0; i < NUMBERS; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
        if (name)
            (void)!str_copy(span_of(name), names[i], NAME_MAX_OCTETS);
        free(name);
    }
}

static void on_refused(int number, siginfo_t *info, void *context)
{
    char line[128];
    struct strbuf b;
    int call = info->si_syscall;

    (void)context;
    strbuf_init(&b, line, sizeof line);
    strbuf_adds(&b, "sandbox: ended by system call ");
    strbuf_addu(&b, (uint64_t)(unsigned)call);
    if (call >= 0 && call < NUMBERS && *names[call]) {
        strbuf_adds(&b, ", ");
        strbuf_adds(&b, names[call]);
    }
    strbuf_adds(&b, ", which policyd never makes");
    log_last_words(line);
    signal(number, SIG_DFL); /* the filter kills for it */
    _exit(1);
}

static enum result catch_refused(struct error *e)
{
    struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };

    note_names();
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL) != 0)
        return error_set(e, BAD, "sandbox: SIGSYS: %s", strerror(errno));
    return OK;
}

static int add_rules(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = ARGUMENT(0, SCMP_CMP_EQ, (unsigned)getpid());
    const struct scmp_arg_cmp sigsys = ARGUMENT(0, SCMP_CMP_EQ, SIGSYS);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof allowed[0]; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; rc == 0 && i < sizeof conditional / sizeof conditional[0]; i++)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, conditional[i].call, conditional[i].count,
                                    conditional[i].comparison);
    if (rc == 0) /* abort(3) */
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, self);
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(rt_sigaction), 1, sigsys);
    return rc;
}

enum result sandbox_filter_load(const char **say_r, struct error *e)
{
    scmp_filter_ctx filter = seccomp_init(REFUSE);
    int rc = filter ? 0 : -ENOMEM;
    enum result r = catch_refused(e);

    *say_r = "system calls are restricted by seccomp";
    if (rc == 0) /* those of another architecture, such as 32 bits */
        rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = add_rules(filter);
    if (rc == 0 && r == OK)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ? r : error_set(e, BAD, "sandbox: seccomp: %s", strerror(-rc));
}

#else

enum result sandbox_filter_load(const char **say_r, struct error *e)
{
    (void)e;
#ifdef SANITIZED
    *say_r = "system calls are not restricted: built with sanitizers";
#else
    *say_r = "system calls are not restricted: built without libseccomp";
#endif
    return OK;
}

#endif
