/* A disk that fails at a chosen call.
 *
 * Loaded before the C library (LD_PRELOAD), it counts the calls by which a process touches files below some folders, in six
 * classes, and at the Nth call of one class ends the process or lets the call fail. What it cannot see: calls that bypass
 * the C library, and pages written through a memory map.
 *
 *   FAULT_UNDER  folders, absolute, parted by colons; other files are left alone
 *   FAULT_CLASS  sync, write, rename, unlink, open or read
 *   FAULT_AT     which call of that class, from 1; 0 counts only
 *   FAULT_WITH   kill (before the call), tear (half of a write, then the end), EIO, ENOSPC, EROFS, EMFILE, or lie (the call
 *                does nothing and says that it did; for the class sync)
 *   FAULT_LASTS  1 if every later call of the class fails too, as on a disk that stays full
 *   FAULT_LOG    where "fired CLASS N PATH" and, at the end, "count CLASS N" are written
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { SYNC, WRITE, RENAME, UNLINK, OPEN, READ, CLASSES };
static const char *const NAMES[CLASSES] = {"sync", "write", "rename", "unlink", "open", "read"};

static long counts[CLASSES];
static const char *under, *log_path;
static int armed = CLASSES, lasts, error_code, kills, tears, lies;
static long at;

static void say(const char *text) {
    if (!log_path) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    syscall(SYS_write, file, text, strlen(text));
    syscall(SYS_close, file);
}

__attribute__((constructor)) static void begin(void) {
    static const struct { const char *name; int code; } CODES[] = {
        {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EMFILE", EMFILE}};
    const char *class_name = getenv("FAULT_CLASS"), *with = getenv("FAULT_WITH");
    under = getenv("FAULT_UNDER");
    log_path = getenv("FAULT_LOG");
    at = getenv("FAULT_AT") ? atol(getenv("FAULT_AT")) : 0;
    lasts = getenv("FAULT_LASTS") && *getenv("FAULT_LASTS") == '1';
    for (int class = 0; class_name && class < CLASSES; class++)
        if (!strcmp(class_name, NAMES[class])) armed = class;
    kills = with && !strcmp(with, "kill");
    tears = with && !strcmp(with, "tear");
    lies = with && !strcmp(with, "lie");
    for (size_t i = 0; with && i < sizeof CODES / sizeof *CODES; i++)
        if (!strcmp(with, CODES[i].name)) error_code = CODES[i].code;
}

__attribute__((destructor)) static void end(void) {
    char line[64];
    for (int class = 0; class < CLASSES; class++) {
        snprintf(line, sizeof line, "count %s %ld\n", NAMES[class], counts[class]);
        say(line);
    }
}

static int is_under(const char *path) {
    for (const char *folder = under; folder && *folder;) {
        size_t length = strcspn(folder, ":");
        if (!strncmp(path, folder, length) && (path[length] == '/' || !path[length])) return 1;
        folder += length + (folder[length] == ':');
    }
    return 0;
}

static void end_process(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a call; returns 1 if it has to fail, 2 if it has to be torn, 3 if it has to do nothing. */
static int reached(enum class class, const char *path) {
    if (!under || !is_under(path)) return 0;
    long number = __atomic_add_fetch(&counts[class], 1, __ATOMIC_SEQ_CST);
    if ((int)class != armed || !at || number < at || (number > at && !lasts)) return 0;
    if (number == at) {
        char line[PATH_MAX + 64];
        snprintf(line, sizeof line, "fired %s %ld %s\n", NAMES[class], number, path);
        say(line);
    }
    if (kills) end_process();
    if (tears) return 2;
    if (lies) return 3;
    errno = error_code;
    return 1;
}

static int reached_file(enum class class, int file) {
    char link[48], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return reached(class, path);
}

static int reached_at(enum class class, int folder, const char *name) {
    char path[2 * PATH_MAX], link[48];
    if (*name == '/') return reached(class, name);
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX);
    if (length <= 0) return 0;
    snprintf(path + length, sizeof path - (size_t)length, "/%s", name);
    return reached(class, path);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define ON_FILE(class, result, name, parameters, arguments, file) \
    result name parameters { \
        REAL(name); \
        return reached_file(class, file) ? (result)-1 : real arguments; \
    }

#define SYNCS(name) \
    int name(int file) { \
        REAL(name); \
        switch (reached_file(SYNC, file)) { \
        case 0: return real(file); \
        case 3: return 0; \
        } \
        return -1; \
    }

SYNCS(fsync)
SYNCS(fdatasync)
ON_FILE(WRITE, int, ftruncate, (int file, off_t length), (file, length), file)
ON_FILE(WRITE, int, ftruncate64, (int file, off64_t length), (file, length), file)
ON_FILE(WRITE, int, fallocate, (int file, int mode, off_t from, off_t length), (file, mode, from, length), file)
ON_FILE(WRITE, int, fallocate64, (int file, int mode, off64_t from, off64_t length), (file, mode, from, length), file)
ON_FILE(READ, ssize_t, read, (int file, void *to, size_t count), (file, to, count), file)
ON_FILE(READ, ssize_t, pread, (int file, void *to, size_t count, off_t from), (file, to, count, from), file)
ON_FILE(READ, ssize_t, pread64, (int file, void *to, size_t count, off64_t from), (file, to, count, from), file)

/* A torn write puts half of its bytes on the disk and is the last thing the process does. */
#define WRITES(name, parameters, arguments, half) \
    ssize_t name parameters { \
        REAL(name); \
        switch (reached_file(WRITE, file)) { \
        case 0: return real arguments; \
        case 2: real half; end_process(); \
        } \
        return -1; \
    }

WRITES(write, (int file, const void *from, size_t count), (file, from, count), (file, from, count / 2))
WRITES(pwrite, (int file, const void *from, size_t count, off_t to), (file, from, count, to), (file, from, count / 2, to))
WRITES(pwrite64, (int file, const void *from, size_t count, off64_t to), (file, from, count, to), (file, from, count / 2, to))
WRITES(writev, (int file, const struct iovec *from, int count), (file, from, count), (file, from, count / 2))

#define ON_NAME(class, name, parameters, arguments, folder, path) \
    int name parameters { \
        REAL(name); \
        return reached_at(class, folder, path) ? -1 : real arguments; \
    }

ON_NAME(RENAME, rename, (const char *from, const char *to), (from, to), AT_FDCWD, from)
ON_NAME(RENAME, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), a, from)
ON_NAME(RENAME, link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
ON_NAME(UNLINK, unlink, (const char *path), (path), AT_FDCWD, path)
ON_NAME(UNLINK, rmdir, (const char *path), (path), AT_FDCWD, path)
ON_NAME(UNLINK, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), folder, path)
ON_NAME(OPEN, mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)

#define OPENS(name, parameters, arguments, folder) \
    int name parameters { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        return reached_at(OPEN, folder, path) ? -1 : real arguments; \
    }

OPENS(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
OPENS(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
