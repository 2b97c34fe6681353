/* SPDX-License-Identifier: MIT */
/* Opening the sockets of policyd.conf.  Layer 7. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "policyd/server.h"

enum { BACKLOG = 1024 };

/* A socket file that nobody listens on is left over from a crash. */
static bool is_stale(const struct sockaddr_un *un, int type)
{
    struct stat st;
    int fd = -1;
    bool refused = false;

    if (lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
        (fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) >= 0)
        refused = connect(fd, (const struct sockaddr *)un, sizeof *un) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

static enum result failed(const char *spec, int fd, struct error *e)
{
    const char *remedy = errno == EADDRINUSE ? ": another program listens there"
                         : errno == ENOENT   ? ": its directory is missing"
                         : errno == EACCES   ? ": check the directory's owner and mode"
                                             : "";

    error_set(e, BAD, "listen %s: %s%s", spec, strerror(errno), remedy);
    if (fd >= 0)
        close(fd);
    return BAD;
}

/* /run starts empty with each boot, and nobody else makes postern's place in it. */
static void make_directory(const char *path)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');

    if (slash && str_copy((struct span){ path, (size_t)(slash - path) }, dir, sizeof dir) == OK && *dir &&
        mkdir(dir, 0755) == 0)
        (void)!chmod(dir, 0755); /* whatever the umask: Postfix has to pass */
}

/* Where everybody may write, anyone could have put a socket of his own in its place. */
static enum result check_directory(const char *spec, const char *path, struct error *e)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (!slash || str_copy((struct span){ path, (size_t)(slash - path) }, dir, sizeof dir) != OK ||
        stat(*dir ? dir : "/", &st) != 0 || !(st.st_mode & S_IWOTH))
        return OK; /* what else is wrong bind(2) says */
    return error_set(e, BAD, "listen %s: everybody may write in %s: put the socket in a directory of its own",
                     spec, *dir ? dir : "/");
}

/* spec: what the configuration says, for the line; its path. */
static enum result bind_unix(const char *spec, const char *path, int type, int group, int *fd_r,
                             struct error *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    mode_t mask;
    int fd, rc;

    if (str_copy(span_of(path), un.sun_path, sizeof un.sun_path) != OK)
        return error_set(e, BAD, "listen %s: the path is longer than %zu octets", spec,
                         sizeof un.sun_path - 1);
    make_directory(un.sun_path);
    if (check_directory(spec, path, e) != OK)
        return BAD;
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failed(spec, fd, e);
    mask = umask(0117); /* 0660 from its first moment */
    rc = bind(fd, (struct sockaddr *)&un, sizeof un);
    if (rc != 0 && errno == EADDRINUSE && is_stale(&un, type) && unlink(un.sun_path) == 0)
        rc = bind(fd, (struct sockaddr *)&un, sizeof un);
    umask(mask);
    if (rc != 0 || (group >= 0 && lchown(un.sun_path, (uid_t)-1, (gid_t)group) != 0))
        return failed(spec, fd, e);
    *fd_r = fd;
    return OK;
}

static enum result listen_unix(const char *spec, int group, int *fd_r, struct error *e)
{
    enum result r = bind_unix(spec, spec + strlen("unix:"), SOCK_STREAM, group, fd_r, e);

    return r == OK && listen(*fd_r, BACKLOG) != 0 ? failed(spec, *fd_r, e) : r;
}

enum result server_datagram_socket(const char *path, int group, int *fd_r, struct error *e)
{
    return bind_unix(path, path, SOCK_DGRAM, group, fd_r, e);
}

static enum result listen_inet(const char *spec, int *fd_r, struct error *e)
{
    struct sockaddr_storage ss;
    int len = sizeof ss, on = 1, fd;

    memset(&ss, 0, sizeof ss);
    if (evutil_parse_sockaddr_port(spec + strlen("inet:"), (struct sockaddr *)&ss, &len) != 0 ||
        ((const struct sockaddr_in *)&ss)->sin_port == 0) /* at the same place in both families */
        return error_set(e, BAD, "listen %s: say inet:ADDRESS:PORT", spec);
    fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&ss, (socklen_t)len) != 0 || listen(fd, BACKLOG) != 0)
        return failed(spec, fd, e);
    *fd_r = fd;
    return OK;
}

enum result server_socket(const char *spec, int group, int *fd_r, struct error *e)
{
    if (strncmp(spec, "unix:", 5) == 0)
        return listen_unix(spec, group, fd_r, e);
    if (strncmp(spec, "inet:", 5) == 0)
        return listen_inet(spec, fd_r, e);
    return error_set(e, BAD, "listen %s: say unix:PATH or inet:ADDRESS:PORT", spec);
}
