/* A bare peer for benchmarks in other languages: answers request i with recorded reply i over REP, and does nothing
 * else. Prints its endpoint when it is ready, and ends with its last reply, or when no request comes for a while.
 *
 * The file has, for each reply: the number of frames (1 byte), then for each frame its size (4 bytes, little-endian) and
 * its bytes. */
#define _POSIX_C_SOURCE 200809L
#include "bare.h"
#include "exchange.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { REPLIES_MAX = 1 << 20, FRAME_MAX = 1 << 26 };

/* 1 for a reply, 0 at the end of the file, -1 for what is none. */
static int read_reply(FILE *file, struct recording *reply) {
    int count = fgetc(file);
    if (count == EOF) return 0;
    if (count < 1 || count > FRAMES_MAX) return -1;
    reply->count = 0;
    for (int frame = 0; frame < count; frame++) {
        uint8_t bytes[4];
        if (fread(bytes, 1, sizeof bytes, file) != sizeof bytes) return -1;
        size_t size = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
        if (size > FRAME_MAX) return -1;
        char *frame_bytes = malloc(size + 1);
        if (!frame_bytes) return -1;
        reply->frames[frame] = frame_bytes;
        reply->sizes[frame] = size;
        reply->count++;
        if (fread(frame_bytes, 1, size, file) != size) return -1;
    }
    return 1;
}

int main(int argc, char **argv) {
    int processor = ANY_PROCESSOR, end = 0;
    int is_pinned = argc == 4 && strcmp(argv[2], "--pin") == 0;
    if (is_pinned && (sscanf(argv[3], "%4d%n", &processor, &end) != 1 || argv[3][end] != '\0')) is_pinned = 0;
    FILE *file = argc == 2 || is_pinned ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: replay FILE [--pin PROCESSOR]\n  FILE: replies, as the comment in replay.c says\n");
        return 2;
    }
    struct recording *replies = calloc(REPLIES_MAX, sizeof *replies);
    int count = 0, found = replies ? 1 : -1;
    while (found > 0 && count < REPLIES_MAX) {
        found = read_reply(file, &replies[count]);
        count += found > 0;
    }
    fclose(file);
    if (found != 0 || count == 0) {
        fprintf(stderr, "replay: %s has no whole replies after %d\n", argv[1], count);
        return 1;
    }
    char endpoint[ENDPOINT_BYTES] = "tcp://127.0.0.1:*";
    pid_t child = bare_start(replies, count, processor, "", endpoint);
    if (child < 0) {
        fprintf(stderr, "replay: cannot serve: %s\n", strerror(errno));
        return 1;
    }
    printf("%s\n", endpoint);
    fflush(stdout);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
