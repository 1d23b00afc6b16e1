/* The one loop of convolution.c, which includes this once for each BLOCK of channels, worked on LANES at a time. */

typedef float NAME(vector) __attribute__((vector_size(4 * LANES)));
typedef float NAME(loose) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define VECTORS (BLOCK / LANES)
#define SPLIT (VECTORS == 1 ? 2 : 1) /* sums of each number, so that there are enough of them that none waits for the one before */
#define ROW(from, v) (*(NAME(loose) *)((from) + (v) * LANES))

/* held[p][c] += a[at[p]] * b[c] */
static inline __attribute__((always_inline)) void NAME(add_product)(const float *const *from, long next, const float *b, NAME(vector) *held) {
    NAME(vector) row[VECTORS];
    UNROLL for (long v = 0; v < VECTORS; v++) row[v] = *(const NAME(loose) *)(b + v * LANES);
    UNROLL for (long p = 0; p < TILE; p++) {
        const float factor = from[p][next];
        UNROLL for (long v = 0; v < VECTORS; v++) held[p * VECTORS + v] += factor * row[v];
    }
}

/* sums[p][c] (+)= a[at[p] + along[k]] * b[k][c] over k < count; c < BLOCK, p < TILE. step, stride: from row to row of b and of sums. */
static void NAME(add_products)(const float *a, const int32_t *at, const int32_t *along, const float *b, long step, long count,
                               int fresh, float *sums, long stride) {
    const float *from[TILE];
    NAME(vector) held[TILE * VECTORS], others[TILE * VECTORS];
    UNROLL for (long p = 0; p < TILE; p++) {
        from[p] = a + at[p];
        UNROLL for (long v = 0; v < VECTORS; v++) {
            others[p * VECTORS + v] = (NAME(vector)){0};
            if (fresh) held[p * VECTORS + v] = (NAME(vector)){0};
            else held[p * VECTORS + v] = ROW(sums + p * stride, v);
        }
    }
    long k = 0;
    for (; k + SPLIT <= count; k += SPLIT, b += SPLIT * step) {
        NAME(add_product)(from, along[k], b, held);
        if (SPLIT == 2) NAME(add_product)(from, along[k + 1], b + step, others);
    }
    if (k < count) NAME(add_product)(from, along[k], b, held);
    UNROLL for (long p = 0; p < TILE; p++)
        UNROLL for (long v = 0; v < VECTORS; v++)
            ROW(sums + p * stride, v) = SPLIT == 2 ? held[p * VECTORS + v] + others[p * VECTORS + v] : held[p * VECTORS + v];
}

#undef VECTORS
#undef SPLIT
#undef ROW
#undef LANES
#undef BLOCK
#undef NAME
