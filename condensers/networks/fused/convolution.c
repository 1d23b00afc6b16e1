/* 3 x 3 convolutions with stride 1 of channels-last images, for networks with few channels; see convolution.py.

   Each image is copied once with its padding, a group of channels at a time, in float. Tap t of pixel q is then padded[pixel[q] + tap[t]],
   edge or not:

       out[q][c] = sum over t of padded[pixel[q] + tap[t]] panel[t][c],   dpanel[t][c] = sum over q of padded[pixel[q] + tap[t]] dout[q][c],

   and the gradient of the images is the first again, of dout, with the weights turned about. Both are one loop, add_products of
   convolution.h: a tile of q (or of t) by a block of c is summed in registers. */
#include <stdint.h>
#include <string.h>

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

#if defined(__AVX512F__)
#define WIDEST 16 /* lanes of the widest vectors */
#define LARGEST 32 /* channels of the largest block */
#elif defined(__AVX__)
#define WIDEST 8
#define LARGEST 16
#elif defined(__aarch64__)
#define WIDEST 4
#define LARGEST 16
#else
#define WIDEST 4
#define LARGEST 8
#endif
#define FEWEST 4 /* outputs that are worked on as the FEW_LANES lanes of all their taps */
#define FEW_LANES 40
/* A tile by a block leaves registers for a row of the block and a factor. */
#define TILE 6

#define BLOCK 8
#define LANES (WIDEST < 8 ? WIDEST : 8)
#define NAME(f) f##_8
#include "convolution.h"
#define BLOCK 16
#define LANES WIDEST
#define NAME(f) f##_16
#include "convolution.h"
#define BLOCK 32
#define LANES WIDEST
#define NAME(f) f##_32
#include "convolution.h"

typedef float four __attribute__((vector_size(16)));
typedef float loose_four __attribute__((vector_size(16), aligned(4), may_alias));

/* A block of channels and its loop. */
struct block {
    long channels;
    void (*add_products)(const float *, const int32_t *, const int32_t *, const float *, long, long, int, float *, long);
};

static struct block block_of(long left) { /* where `left` channels are left */
    if (left > 16 && LARGEST >= 32) return (struct block){32, add_products_32};
    if (left > 8 && LARGEST >= 16) return (struct block){16, add_products_16};
    return (struct block){8, add_products_8};
}

/* Height, width and channels of images in; edge: their padding; rows, columns and channels of what comes out. inputs, outputs: channels
   of a group; blocks: outputs rounded up to whole blocks. planar: whether the images in are (in, height, width). rounded: whether numbers
   are stored as bfloat16. */
struct shape {
    long height, width, in, out, groups, edge, planar, rounded, rows, columns, inputs, outputs, pixels, taps, line, blocks;
};

static struct shape shape_of(const long *size, long rounded) {
    struct shape s = {.height = size[0], .width = size[1], .in = size[2], .out = size[3], .groups = size[4], .edge = size[5], .planar = size[6], .rounded = rounded};
    s.rows = s.height + 2 * s.edge - 2, s.columns = s.width + 2 * s.edge - 2, s.pixels = s.rows * s.columns;
    s.inputs = s.in / s.groups, s.outputs = s.out / s.groups, s.taps = 9 * s.inputs, s.line = (s.width + 2 * s.edge) * s.inputs;
    for (s.blocks = 0; s.blocks < s.outputs;) s.blocks += block_of(s.outputs - s.blocks).channels;
    return s;
}

/* What a call works in, in the order of memory; size_of_scratch in convolution.py. */
struct scratch {
    float *panels, *spread, *padded;
    int32_t *pixel, *tap;
};

static struct scratch scratch_of(float *memory, const struct shape *s) {
    struct scratch found = {.panels = memory};
    found.spread = found.panels + s->groups * s->blocks * (s->taps + TILE);
    const long positions = (s->height + 2 * s->edge) * (s->width + 2 * s->edge), most = positions > s->pixels ? positions : s->pixels;
    found.padded = found.spread + (most + TILE) * (s->blocks > FEW_LANES ? s->blocks : FEW_LANES);
    found.pixel = (int32_t *)(found.padded + (s->height + 2 * s->edge) * s->line);
    found.tap = found.pixel + s->pixels + TILE;
    for (long q = 0; q < s->pixels + TILE; q++) { /* what is over in the last tile is the last one again */
        const long one = q < s->pixels ? q : s->pixels - 1;
        found.pixel[q] = (int32_t)(one / s->columns * s->line + one % s->columns * s->inputs);
    }
    for (long t = 0; t < s->taps + TILE; t++) {
        const long one = t < s->taps ? t : s->taps - 1;
        found.tap[t] = (int32_t)(one / (3 * s->inputs) * s->line + one % (3 * s->inputs));
    }
    return found;
}

static inline float widen(uint16_t stored) {
    const uint32_t bits = (uint32_t)stored << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline uint16_t narrow(float value) { /* to the nearest, ties to even; NaN stays NaN */
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return value != value ? 0x7fc0 : (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline void copy(const void *from, long at, long rounded, long count, float *to) {
    if (rounded) for (long k = 0; k < count; k++) to[k] = widen(((const uint16_t *)from)[at + k]);
    else for (long k = 0; k < count; k++) to[k] = ((const float *)from)[at + k];
}

/* A row of a plane, to every inputs-th place. */
static void spread(const void *from, long at, const struct shape *s, long count, float *to) {
    const long step = s->inputs;
    if (s->rounded) for (long i = 0; i < count; i++) to[i * step] = widen(((const uint16_t *)from)[at + i]);
    else for (long i = 0; i < count; i++) to[i * step] = ((const float *)from)[at + i];
}

/* Image n of group g -> (height + 2 edge, width + 2 edge, inputs); a negative edge crops. */
static void pad(const void *x, long n, long g, const struct shape *s, float *to) {
    const long left = s->edge > 0 ? s->edge : 0, begin = left - s->edge, seen = s->width - 2 * begin;
    for (long y = -s->edge; y < s->height + s->edge; y++, to += s->line) {
        if (y < 0 || y >= s->height) {
            memset(to, 0, s->line * sizeof(float));
            continue;
        }
        const long at = ((n * s->height + y) * s->width + begin) * s->in + g * s->inputs;
        memset(to, 0, left * s->inputs * sizeof(float));
        if (s->planar)
            for (long k = 0; k < s->inputs; k++)
                spread(x, ((n * s->in + g * s->inputs + k) * s->height + y) * s->width + begin, s, seen, to + left * s->inputs + k);
        else if (s->groups == 1) copy(x, at, s->rounded, seen * s->in, to + left * s->in);
        else for (long i = 0; i < seen; i++) copy(x, at + i * s->in, s->rounded, s->inputs, to + (left + i) * s->inputs);
        memset(to + (left + seen) * s->inputs, 0, left * s->inputs * sizeof(float));
    }
}

/* weight: (outputs, inputs, 3, 3) of one group -> for each block (3, 3, inputs, block). turned: of the convolution whose way back this
   is, (inputs, outputs, 3, 3). */
static void pack(const float *weight, const struct shape *s, long turned, float *to) {
    const long step = turned ? s->outputs * 9 : 9, next = turned ? 9 : s->taps;
    for (long c = 0, block; c < s->outputs; c += block) {
        block = block_of(s->outputs - c).channels;
        for (long tap = 0; tap < 9; tap++)
            for (long i = 0; i < s->inputs; i++)
                for (long k = 0; k < block; k++, to++)
                    *to = c + k < s->outputs ? weight[(c + k) * next + i * step + (turned ? 8 - tap : tap)] : 0;
    }
}

/* A part of a tile, or one whose numbers are stored as bfloat16. */
static void write(const float *sums, long block, long pixels, long lanes, const struct shape *s, void *out, long at) {
    for (long p = 0; p < pixels; p++, at += s->out, sums += block)
        if (s->rounded) for (long k = 0; k < lanes; k++) ((uint16_t *)out)[at + k] = narrow(sums[k]);
        else for (long k = 0; k < lanes; k++) ((float *)out)[at + k] = sums[k];
}

/* The `block` of channels at `at` of an image of `out`. */
static void fill(const struct shape *s, const struct scratch *with, const float *panel, struct block block, long lanes, void *out,
                 long at) {
    for (long q = 0; q < s->pixels; q += TILE, at += TILE * s->out) {
        const long left = s->pixels - q, whole = !s->rounded && lanes == block.channels && left >= TILE;
        float held[LARGEST * TILE], *to = whole ? (float *)out + at : held;
        block.add_products(with->padded, with->pixel + q, with->tap, panel, block.channels, s->taps, 1, to,
                           whole ? s->out : block.channels);
        if (!whole) write(held, block.channels, left < TILE ? left : TILE, lanes, s, out, at);
    }
}

/* weight as of pack -> for each block of lanes, of which there is one for each tap and output: (inputs, block). */
static void pack_lanes(const float *weight, const struct shape *s, long turned, float *to) {
    const long step = turned ? s->outputs * 9 : 9, next = turned ? 9 : s->taps, lanes = 9 * s->outputs;
    for (long c = 0, block; c < lanes; c += block) {
        block = block_of(lanes - c).channels;
        for (long i = 0; i < s->inputs; i++)
            for (long l = c; l < c + block; l++, to++) {
                const long tap = l / s->outputs;
                *to = l < lanes ? weight[l % s->outputs * next + i * step + (turned ? 8 - tap : tap)] : 0;
            }
    }
}

/* At most FEWEST channels of an image of `out`, which would leave most of a block empty: each pixel's product with every tap first, side
   by side in `spread`, then the sum of the nine that belong together. */
static void fill_few(const struct shape *s, const struct scratch *with, const float *panel, void *out, long at) {
    const long edge = s->edge > 0 ? s->edge : 0, across = s->width + 2 * s->edge, all = across * (s->height + 2 * s->edge);
    long lanes = 0;
    int32_t next[TILE];
    for (long p = 0; p < TILE; p++) next[p] = (int32_t)(p * s->inputs);
    while (lanes < 9 * s->outputs) lanes += block_of(9 * s->outputs - lanes).channels;
    memset(with->spread, 0, edge * across * lanes * sizeof(float));
    for (long c = 0; c < lanes;) {
        const struct block block = block_of(lanes - c);
        for (long q = edge * across; q < all - edge * across; q += TILE)
            block.add_products(with->padded + q * s->inputs, next, with->tap, panel, block.channels, s->inputs, 1,
                               with->spread + q * lanes + c, lanes);
        panel += s->inputs * block.channels;
        c += block.channels;
    }
    memset(with->spread + (all - edge * across) * lanes, 0, edge * across * lanes * sizeof(float));
    for (long y = 0; y < s->rows; y++)
        for (long x = 0; x < s->columns; x++, at += s->out) {
            const float *from = with->spread + (y * across + x) * lanes;
            four sum = {0};
            for (long i = 0; i < 3; i++)
                for (long j = 0; j < 3; j++)
                    sum += *(const loose_four *)(from + (i * across + j) * lanes + (3 * i + j) * s->outputs);
            float sums[FEWEST];
            memcpy(sums, &sum, sizeof sum);
            write(sums, FEWEST, 1, s->outputs, s, out, at);
        }
}

static void convolve(const void *x, const float *weight, const long *size, long turned, long rounded, long first, long last, void *out,
                     float *memory) {
    const struct shape s = shape_of(size, rounded);
    const struct scratch with = scratch_of(memory, &s);
    const long panel_size = s.taps * s.blocks, few = s.outputs <= FEWEST;
    for (long g = 0; g < s.groups; g++)
        (few ? pack_lanes : pack)(weight + g * s.taps * s.outputs, &s, turned, with.panels + g * panel_size);
    for (long n = first; n < last; n++)
        for (long g = 0; g < s.groups; g++) {
            const float *panel = with.panels + g * panel_size;
            const long at = n * s.pixels * s.out + g * s.outputs;
            pad(x, n, g, &s, with.padded);
            if (few) fill_few(&s, &with, panel, out, at);
            else for (long c = 0; c < s.outputs;) {
                const struct block block = block_of(s.outputs - c);
                const long left = s.outputs - c;
                fill(&s, &with, panel, block, left < block.channels ? left : block.channels, out, at + c);
                panel += s.taps * block.channels;
                c += block.channels;
            }
        }
}

/* Adds to the gradients of a group's panels what `many` rows of an image from row y on give. */
static void gather(const struct shape *s, const struct scratch *with, const float *grad, long stride, long y, long many, float *sums) {
    for (long c = 0; c < s->outputs;) {
        const struct block block = block_of(s->outputs - c);
        for (long t = 0; t < s->taps; t += TILE, sums += TILE * block.channels)
            block.add_products(with->padded, with->tap + t, with->pixel + y * s->columns, grad + y * s->columns * stride + c, stride,
                               many * s->columns, 0, sums, block.channels);
        c += block.channels;
    }
}

static void unpack(const float *sums, const struct shape *s, float *weight) {
    for (long c = 0; c < s->outputs;) {
        const struct block block = block_of(s->outputs - c);
        for (long t = 0; t < s->taps; t++)
            for (long k = 0; k < block.channels && c + k < s->outputs; k++)
                weight[(c + k) * s->taps + t % s->inputs * 9 + t / s->inputs] = sums[t * block.channels + k];
        sums += (s->taps + TILE - 1) / TILE * TILE * block.channels;
        c += block.channels;
    }
}

static void correlate(const void *x, const void *grad, const long *size, long rounded, long first, long last, float *out,
                      float *memory) {
    const struct shape s = shape_of(size, rounded);
    const struct scratch with = scratch_of(memory, &s);
    const long sums_size = s.blocks * (s.taps + TILE), apart = rounded || s.blocks != s.outputs;
    const long stride = apart ? s.blocks : s.out, fits = 6000 / (s.line + s.columns * LARGEST), strip = fits < 1 ? 1 : fits;
    memset(with.panels, 0, s.groups * sums_size * sizeof(float));
    if (apart) memset(with.spread, 0, s.pixels * s.blocks * sizeof(float));
    for (long n = first; n < last; n++)
        for (long g = 0; g < s.groups; g++) {
            const long at = n * s.pixels * s.out + g * s.outputs;
            pad(x, n, g, &s, with.padded);
            if (apart) for (long q = 0; q < s.pixels; q++) copy(grad, at + q * s.out, rounded, s.outputs, with.spread + q * s.blocks);
            for (long y = 0; y < s.rows; y += strip) /* of a size that stays in the cache */
                gather(&s, &with, apart ? with.spread : (const float *)grad + at, stride, y, s.rows - y < strip ? s.rows - y : strip,
                       with.panels + g * sums_size);
        }
    for (long g = 0; g < s.groups; g++) unpack(with.panels + g * sums_size, &s, out + g * s.taps * s.outputs);
}

/* x: images first ... last - 1 of (n, height, width, in), or planar. size: height, width, in, out, groups, padding, planar. weight: (out, in / groups, 3, 3),
   or with `turned`, for the gradient of images, (in, out / groups, 3, 3). -> out: (n, height + 2 padding - 2, width + 2 padding - 2, out). */
void convolve_float32(const void *x, const float *weight, const long *size, long turned, long first, long last, void *out,
                      float *scratch) {
    convolve(x, weight, size, turned, 0, first, last, out, scratch);
}

void convolve_bfloat16(const void *x, const float *weight, const long *size, long turned, long first, long last, void *out,
                       float *scratch) {
    convolve(x, weight, size, turned, 1, first, last, out, scratch);
}

/* grad: as `out` was. -> weight: (out, in / groups, 3, 3), summed over these images. */
void correlate_float32(const void *x, const void *grad, const long *size, long first, long last, float *weight, float *scratch) {
    correlate(x, grad, size, 0, first, last, weight, scratch);
}

void correlate_bfloat16(const void *x, const void *grad, const long *size, long first, long last, float *weight, float *scratch) {
    correlate(x, grad, size, 1, first, last, weight, scratch);
}
