/* A disk that fails: preloaded into a process (LD_PRELOAD), it counts the operations that change files under one folder and
   lets the one that was asked for fail, or that one and all after it, as a full disk does. Used by tools/faults.py.

   Counted: open for writing, write, pwrite, writev, fsync, fdatasync, ftruncate, fallocate, rename, mkdir. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#include <limits.h>

static char folder[PATH_MAX];
static long failing = -1, counted = 0;
static int code = 0, lasting = 0;
static char watched[4096];

/* From now on: the operation of this number (from 0; -1: none) under this folder fails with this errno. */
void faults_begin(const char *under, long number, int error, int all_after) {
    strncpy(folder, under, sizeof folder - 1);
    failing = number; code = error; lasting = all_after; counted = 0;
    memset(watched, 0, sizeof watched);
}
long faults_counted(void) { return counted; }
void faults_end(void) { folder[0] = 0; }

static int inside(const char *path) {
    char absolute[PATH_MAX];
    if (!folder[0] || !path) return 0;
    if (path[0] != '/') {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        if (snprintf(absolute, sizeof absolute, "%s/%s", here, path) >= (int)sizeof absolute) return 0;
        path = absolute;
    }
    return strncmp(path, folder, strlen(folder)) == 0;
}
static int fails(void) {
    long number = counted++;
    if (failing < 0 || number < failing || (number > failing && !lasting)) return 0;
    errno = code;
    return 1;
}
static int known(int fd) { return folder[0] && fd >= 0 && fd < (int)sizeof watched && watched[fd]; }
static int opened(int fd, const char *path, int flags) {
    if (fd >= 0 && fd < (int)sizeof watched) watched[fd] = (flags & (O_WRONLY | O_RDWR)) && inside(path);
    return fd;
}
#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, #name)
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        if ((flags & (O_WRONLY | O_RDWR)) && inside(path) && fails()) return -1; \
        return opened(real(path, flags, mode), path, flags); }
OPEN(open)
OPEN(open64)
#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        if ((flags & (O_WRONLY | O_RDWR)) && inside(path) && fails()) return -1; \
        return opened(real(at, path, flags, mode), path, flags); }
OPENAT(openat)
OPENAT(openat64)
int close(int fd) { REAL(int, close, int); if (fd >= 0 && fd < (int)sizeof watched) watched[fd] = 0; return real(fd); }
ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (known(fd) && fails()) {
        if (code == ENOSPC && size > 1) { ssize_t half = real(fd, data, size / 2); (void)half; errno = code; } /* what still fits */
        return -1;
    }
    return real(fd, data, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    return known(fd) && fails() ? -1 : real(fd, parts, count);
}
#define PWRITE(name) \
    ssize_t name(int fd, const void *data, size_t size, off_t at) { \
        REAL(ssize_t, name, int, const void *, size_t, off_t); \
        return known(fd) && fails() ? -1 : real(fd, data, size, at); }
PWRITE(pwrite)
PWRITE(pwrite64)
int fsync(int fd) { REAL(int, fsync, int); char link[64], path[PATH_MAX];
    int directory = 0;
    if (folder[0] && !known(fd)) { /* folders are opened for reading */
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(link, path, sizeof path - 1);
        if (size > 0) { path[size] = 0; directory = inside(path); }
    }
    return (known(fd) || directory) && fails() ? -1 : real(fd); }
int fdatasync(int fd) { REAL(int, fdatasync, int); return known(fd) && fails() ? -1 : real(fd); }
int ftruncate(int fd, off_t size) { REAL(int, ftruncate, int, off_t); return known(fd) && fails() ? -1 : real(fd, size); }
int ftruncate64(int fd, off_t size) { REAL(int, ftruncate64, int, off_t); return known(fd) && fails() ? -1 : real(fd, size); }
int posix_fallocate(int fd, off_t at, off_t size) {
    REAL(int, posix_fallocate, int, off_t, off_t); return known(fd) && fails() ? code : real(fd, at, size); }
int posix_fallocate64(int fd, off_t at, off_t size) {
    REAL(int, posix_fallocate64, int, off_t, off_t); return known(fd) && fails() ? code : real(fd, at, size); }
int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *); return inside(to) && fails() ? -1 : real(from, to); }
int renameat(int a, const char *from, int b, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *); return inside(to) && fails() ? -1 : real(a, from, b, to); }
int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t); return inside(path) && fails() ? -1 : real(path, mode); }
int mkdirat(int at, const char *path, mode_t mode) {
    REAL(int, mkdirat, int, const char *, mode_t); return inside(path) && fails() ? -1 : real(at, path, mode); }
