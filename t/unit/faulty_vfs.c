/* SPDX-License-Identifier: MIT */
#include "t/unit/faulty_vfs.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

/* The system's file lies behind ours, in the same allocation. */
struct faulty_file {
    sqlite3_file base;
    sqlite3_io_methods methods; /* the system's, but for three */
};

static sqlite3_vfs *system_vfs, vfs;
static enum faulty_call failing;
static unsigned left;
static bool for_good, failed;

static bool fails(enum faulty_call call)
{
    if (left == 0 || (call != failing && !(call == FAULTY_WRITE && failing == FAULTY_FULL)))
        return false;
    if (--left > 0)
        return false;
    failed = true;
    left = for_good ? 1 : 0;
    return true;
}

void faulty_vfs_begin(enum faulty_call call, unsigned number, bool all)
{
    failing = call;
    left = number;
    for_good = all;
    failed = false;
}

bool faulty_vfs_end(void)
{
    left = 0;
    return failed;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((char *)file + sizeof(struct faulty_file));
}

/* ---- calls that fail ---- */

static int file_read(sqlite3_file *f, void *octets, int size, sqlite3_int64 at)
{
    return fails(FAULTY_READ) ? SQLITE_IOERR_READ : real_of(f)->pMethods->xRead(real_of(f), octets, size, at);
}

static int file_write(sqlite3_file *f, const void *octets, int size, sqlite3_int64 at)
{
    if (fails(FAULTY_WRITE))
        return failing == FAULTY_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    return real_of(f)->pMethods->xWrite(real_of(f), octets, size, at);
}

static int file_sync(sqlite3_file *f, int flags)
{
    return fails(FAULTY_SYNC) ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}

/* ---- calls that are handed on ---- */

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *reserved)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), reserved);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **map)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), region, size, extend, map);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    2,          file_close,    file_read,     file_write,   file_truncate, file_sync,    file_size,
    file_lock,  file_unlock,   file_reserved, file_control, file_sector,   file_device,  file_shm_map,
    file_shm_lock, file_shm_barrier, file_shm_unmap, NULL, NULL
};

static int vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *flags_r)
{
    (void)v;
    memset(f, 0, sizeof *f);
    int rc = system_vfs->xOpen(system_vfs, name, real_of(f), flags, flags_r);
    f->pMethods = real_of(f)->pMethods ? &methods : NULL;
    return rc;
}

void faulty_vfs_install(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    vfs = *system_vfs;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file) + system_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    sqlite3_vfs_register(&vfs, 1);
}
