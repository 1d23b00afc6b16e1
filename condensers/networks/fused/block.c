/* The kernels of block.h for numbers stored as float and as bfloat16, and what both share. */
#include <math.h>
#include <stdint.h>
#include <string.h>

/* What is done to an image; `Form` of kernels.py has the same fields in the same order. */
typedef struct {
    long height, width, channels; /* before the pooling */
    long shared;     /* groups of channels of an image that share mean and deviation; 0: these are given, one for each channel */
    long given;      /* whether the way back is given what it takes off each gradient */
    long activation; /* one of the ACTIVATIONs */
    long pooling;    /* one of the POOLINGs */
    long by_pixel;   /* whether scale and shift are (height, width, channels) rather than (channels) */
    float slope;     /* of LEAKY below zero, at least 0 */
    float eps;
} Form;

enum ACTIVATION { LEAKY, SIGMOID, SWISH };
enum POOLING { WHOLE, MEAN, GREATEST };

#define INLINE static inline __attribute__((always_inline))
/* `body` with c, the first of some channels, and how many at once. */
#define PORTIONS(channels, body) \
    { \
        long c = 0; \
        for (; c + 8 <= (channels); c += 8) body(8); \
        for (; c + 4 <= (channels); c += 4) body(4); \
        for (; c < (channels); c++) body(1); \
    }
/* `call` with whether the activation is curved and the pooling, which are constants to the compiler in each of the six cases. */
#define VARIANT(form, call) \
    switch (((form)->activation != LEAKY) * 3 + (form)->pooling) { \
        case WHOLE: call(0, WHOLE); break; \
        case MEAN: call(0, MEAN); break; \
        case GREATEST: call(0, GREATEST); break; \
        case 3 + WHOLE: call(1, WHOLE); break; \
        case 3 + MEAN: call(1, MEAN); break; \
        case 3 + GREATEST: call(1, GREATEST); break; \
    }

#define VECTORS(lanes) \
    typedef float F_##lanes __attribute__((vector_size(4 * lanes))); \
    typedef int32_t I_##lanes __attribute__((vector_size(4 * lanes))); \
    typedef uint32_t U_##lanes __attribute__((vector_size(4 * lanes))); \
    typedef uint16_t H_##lanes __attribute__((vector_size(2 * lanes))); \
    INLINE F_##lanes read_float32_##lanes(const float *from) { \
        F_##lanes v; \
        memcpy(&v, from, sizeof v); \
        return v; \
    } \
    INLINE void write_float32_##lanes(float *to, F_##lanes v) { memcpy(to, &v, sizeof v); } \
    INLINE F_##lanes read_bfloat16_##lanes(const uint16_t *from) { \
        H_##lanes h; \
        memcpy(&h, from, sizeof h); \
        return (F_##lanes)(__builtin_convertvector(h, U_##lanes) << 16); \
    } \
    INLINE void write_bfloat16_##lanes(uint16_t *to, F_##lanes v) { /* to the nearest, ties to even; NaN stays NaN */ \
        const U_##lanes bits = (U_##lanes)v, odd = (bits >> 16) & 1, nan = (U_##lanes)(v != v); \
        const U_##lanes kept = (((bits + 0x7fff + odd) >> 16) & ~nan) | (((bits >> 16) | 0x40) & nan); \
        const H_##lanes h = __builtin_convertvector(kept, H_##lanes); \
        memcpy(to, &h, sizeof h); \
    }
VECTORS(8)
VECTORS(4)
VECTORS(1)

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define LANED(f) JOIN(f, LANES)
#define V JOIN(F, LANES)
#define I JOIN(I, LANES)
#define READ(from) LANED(read_float32)(from)
#define WRITE(to, v) LANED(write_float32)(to, v)
#define LANES 8
#include "vector.h"
#undef LANES
#define LANES 4
#include "vector.h"
#undef LANES
#define LANES 1
#include "vector.h"
#undef LANES

/* The mean and 1 / deviation of groups of an image's channels, from its channels' own (mean, variance). centre: what the convolution's
   output is to lose, which has no bias yet. */
static void share(const Form *form, const float *own, const float *variance, const float *bias, float *centre, float *rstd) {
    const long size = form->channels / form->shared;
    for (long g = 0; g < form->channels; g += size) {
        float mean = 0, spread = 0;
        for (long c = g; c < g + size; c++) mean += own[c] + bias[c];
        mean /= size;
        for (long c = g; c < g + size; c++) spread += variance[c] + (own[c] + bias[c] - mean) * (own[c] + bias[c] - mean);
        for (long c = g; c < g + size; c++) {
            centre[c] = mean - bias[c];
            rstd[c] = 1.0f / sqrtf(spread / size + form->eps);
        }
    }
}

/* What the way back takes off: s + x t; from the sums over a channel's pixels of the gradients d and of d (x - centre). */
static void share_back(const Form *form, const float *scale, const float *own, const float *centre, const float *rstd, const float *sum,
                       const float *product, float *s, float *t, float *dbias) {
    const long size = form->channels / form->shared, pixels = form->height * form->width;
    for (long g = 0; g < form->channels; g += size) {
        float d = 0, dx = 0;
        const float r = rstd[g], one = 1.0f / (size * pixels);
        for (long c = g; c < g + size; c++) {
            const float weight = form->by_pixel ? 1.0f : scale[c];
            d += weight * sum[c];
            dx += weight * product[c];
        }
        for (long c = g; c < g + size; c++) {
            t[c] = r * r * r * dx * one;
            s[c] = r * d * one - centre[c] * t[c];
            dbias[c] = r * (form->by_pixel ? 1.0f : scale[c]) * sum[c] - pixels * (s[c] + own[c] * t[c]);
        }
    }
}

#define FORMAT float32
#define T float
#include "block.h"
#undef FORMAT
#undef T
#define FORMAT bfloat16
#define T uint16_t
#include "block.h"
