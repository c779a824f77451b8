/* Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011), several blocks at a time so that they overlap or fit vectors. */
#ifndef CRIMS_BENCHMARK_PHILOX_H
#define CRIMS_BENCHMARK_PHILOX_H

#include <stdint.h>

enum { LANES = 8 };
enum purpose { COUNT = 0, INCIDENT = 1 };

struct philox {
    uint32_t key0, key1;
};

static inline struct philox philox_make(uint64_t seed, enum purpose purpose) {
    return (struct philox){(uint32_t)seed, (uint32_t)(seed >> 32) | (uint32_t)purpose << 21};
}

/* Turns LANES counters, x[word][lane], into as many blocks. */
static inline void philox_blocks(struct philox key, uint32_t x[4][LANES]) {
    uint32_t k0 = key.key0, k1 = key.key1;
    for (int round = 0; round < 10; round++) {
        for (int lane = 0; lane < LANES; lane++) {
            uint64_t product0 = (uint64_t)x[0][lane] * 0xD2511F53;
            uint64_t product1 = (uint64_t)x[2][lane] * 0xCD9E8D57;
            x[0][lane] = (uint32_t)(product1 >> 32) ^ x[1][lane] ^ k0;
            x[1][lane] = (uint32_t)product1;
            x[2][lane] = (uint32_t)(product0 >> 32) ^ x[3][lane] ^ k1;
            x[3][lane] = (uint32_t)product0;
        }
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
}

#endif
