/* A disk that writes down what it is told.
 *
 * Shows one file, `disk`, in a folder (a FUSE file system, spoken to the kernel without a library), and keeps every write to
 * it and every flush of it in a log, in the order in which they came. A loop device on that file, with a real file system
 * on it, sends here what a real disk would get; the images that a loss of power could leave follow from the log.
 *
 *   recorder IMAGE LOG FOLDER
 *
 *   IMAGE   the disk's content at the beginning; it is read and never written
 *   LOG     records: u8 'W', u64 offset, u32 length, the bytes; or u8 'F' alone; numbers little-endian
 *   FOLDER  where the file is shown
 *
 * It says "mounted" and a line feed when the file is there. To each byte on its standard input it answers with the number
 * of records so far and a line feed; at the end of its input it completes the log and ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FOLDER_NODE = FUSE_ROOT_ID, DISK_NODE = 2, WRITE_BYTES_MAX = 1 << 20 };

static int device;
static uint8_t *disk;
static uint64_t disk_bytes, records;
static FILE *record_log;

static void stop(const char *what) {
    perror(what);
    exit(1);
}

static void answer(const struct fuse_in_header *asked, int error, const void *body, size_t bytes) {
    struct fuse_out_header head = {(uint32_t)(sizeof head + bytes), -error, asked->unique};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)body, bytes}};
    /* A request that was interrupted is gone, and its answer is refused: nobody waits for it. */
    if (writev(device, parts, bytes ? 2 : 1) < 0 && errno != ENOENT) stop("answer");
}

static struct fuse_attr attributes(uint64_t node) {
    struct fuse_attr found = {.ino = node, .nlink = 1, .blksize = 4096, .mode = S_IFDIR | 0700};
    if (node == DISK_NODE) {
        found.mode = S_IFREG | 0600;
        found.size = disk_bytes;
        found.blocks = disk_bytes / 512;
    }
    return found;
}

static void look_up(const struct fuse_in_header *asked, const char *name) {
    if (asked->nodeid != FOLDER_NODE || strcmp(name, "disk")) {
        answer(asked, ENOENT, NULL, 0);
        return;
    }
    struct fuse_entry_out entry = {.nodeid = DISK_NODE, .attr = attributes(DISK_NODE)};
    entry.entry_valid = entry.attr_valid = 3600;
    answer(asked, 0, &entry, sizeof entry);
}

static void begin(const struct fuse_in_header *asked, const struct fuse_init_in *offered) {
    struct fuse_init_out taken = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = 0};
    taken.flags = offered->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES);
    taken.max_write = WRITE_BYTES_MAX;
    taken.max_pages = WRITE_BYTES_MAX / 4096;
    answer(asked, 0, &taken, sizeof taken);
}

static void read_disk(const struct fuse_in_header *asked, const struct fuse_read_in *wanted) {
    uint64_t from = wanted->offset < disk_bytes ? wanted->offset : disk_bytes;
    uint64_t left = disk_bytes - from;
    answer(asked, 0, disk + from, wanted->size < left ? wanted->size : left);
}

static void write_disk(const struct fuse_in_header *asked, const struct fuse_write_in *given) {
    if (given->offset > disk_bytes || given->size > disk_bytes - given->offset) {
        answer(asked, ENOSPC, NULL, 0);
        return;
    }
    memcpy(disk + given->offset, given + 1, given->size);
    fputc('W', record_log);
    fwrite(&given->offset, sizeof given->offset, 1, record_log);
    fwrite(&given->size, sizeof given->size, 1, record_log);
    if (fwrite(given + 1, 1, given->size, record_log) != given->size) stop("log");
    records++;
    struct fuse_write_out done = {.size = given->size};
    answer(asked, 0, &done, sizeof done);
}

static void flush_disk(const struct fuse_in_header *asked) {
    fputc('F', record_log);
    records++;
    answer(asked, 0, NULL, 0);
}

static void serve(const struct fuse_in_header *asked, const void *body) {
    struct fuse_attr_out known = {.attr_valid = 3600, .attr = attributes(asked->nodeid)};
    struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
    struct fuse_statfs_out space = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
    switch (asked->opcode) {
    case FUSE_INIT: begin(asked, body); break;
    case FUSE_LOOKUP: look_up(asked, body); break;
    case FUSE_GETATTR:
    case FUSE_SETATTR: answer(asked, 0, &known, sizeof known); break;
    case FUSE_OPEN: answer(asked, 0, &opened, sizeof opened); break;
    case FUSE_READ: read_disk(asked, body); break;
    case FUSE_WRITE: write_disk(asked, body); break;
    case FUSE_FSYNC: flush_disk(asked); break;
    case FUSE_STATFS: answer(asked, 0, &space, sizeof space); break;
    case FUSE_FLUSH:
    case FUSE_RELEASE: answer(asked, 0, NULL, 0); break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: break; /* To these no answer is due. */
    default: answer(asked, ENOSYS, NULL, 0);
    }
}

static void open_image(const char *path) {
    struct stat found;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &found)) stop(path);
    disk_bytes = (uint64_t)found.st_size;
    disk = malloc(disk_bytes);
    if (!disk) stop("memory");
    for (uint64_t at = 0; at < disk_bytes;) {
        ssize_t got = pread(file, disk + at, disk_bytes - at, (off_t)at);
        if (got <= 0) stop(path);
        at += (uint64_t)got;
    }
    close(file);
}

static void show(const char *folder) {
    char options[128];
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0) stop("/dev/fuse");
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u", device, getuid(), getgid());
    if (mount("recorder", folder, "fuse", MS_NODEV | MS_NOSUID, options)) stop(folder);
    puts("mounted");
    fflush(stdout);
}

int main(int count, char **words) {
    static _Alignas(8) char request[WRITE_BYTES_MAX + 65536];
    if (count != 4) return 2;
    open_image(words[1]);
    record_log = fopen(words[2], "wb");
    if (!record_log) stop(words[2]);
    show(words[3]);
    for (;;) {
        struct pollfd ready[] = {{device, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR) stop("poll");
        if (ready[0].revents) {
            ssize_t got = read(device, request, sizeof request);
            if (got < 0 && errno == ENODEV) break;
            if (got < 0 && errno != ENOENT && errno != EINTR && errno != EAGAIN) stop("request");
            if (got > 0) serve((void *)request, request + sizeof(struct fuse_in_header));
        } else if (ready[1].revents) {
            char byte;
            if (read(STDIN_FILENO, &byte, 1) <= 0) break;
            printf("%llu\n", (unsigned long long)records);
            fflush(stdout);
        }
    }
    return fclose(record_log) ? 1 : 0;
}
