/* The kernels of block.h for numbers stored as float and as bfloat16. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 64
#define EACH for (long k = 0; k < lanes; k++)
#define ACT(y) ((y) > 0 ? (y) : slope * (y))
/* The usual numbers of channels are constants to the compiler, which makes straight vector code of them. */
#define CHOOSE(left) \
    if (pool && (left) >= LANES) BLOCK(1, LANES); \
    else if (pool && (left) == 32) BLOCK(1, 32); \
    else if (pool && (left) == 16) BLOCK(1, 16); \
    else if (pool && (left) == 8) BLOCK(1, 8); \
    else if ((left) >= LANES) BLOCK(0, LANES); \
    else BLOCK(pool, left);

static inline float widen(uint16_t stored) {
    const uint32_t bits = (uint32_t)stored << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline uint16_t narrow(float value) { /* to the nearest, ties to even */
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

#define T float
#define LOAD(v) (v)
#define STORE(to, v) ((to) = (v))
#define NAME(f) f##_float32
#include "block.h"
#undef T
#undef LOAD
#undef STORE
#undef NAME

#define T uint16_t
#define LOAD(v) widen(v)
#define STORE(to, v) ((to) = narrow(v))
#define NAME(f) f##_bfloat16
#include "block.h"
