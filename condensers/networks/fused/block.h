/* Instance norm, leaky ReLU and 2 x 2 mean pooling in one pass over an image, and the way back; see block.py for the equations.

   block.c includes this once for each storage format: T is how a number is stored, LOAD and STORE read and write one, NAME names the
   functions. All arithmetic is in float. Images are channels-last, (n, height, width, channels); a block of at most LANES channels of
   one image is worked on at a time, so that the sums stay in registers and the second look at the block finds it in the cache. */

static inline __attribute__((always_inline)) void NAME(forward_block)(
    const T *restrict image, T *restrict result, const float *scale, const float *shift, float slope, float eps, const long pool,
    long height, long width, long channels, const long lanes, float *mean, float *rstd) {
    const long rows = pool ? height / 2 : height, columns = pool ? width / 2 : width;
    float m[LANES] = {0}, r[LANES] = {0}, a[LANES], b[LANES];
    for (long i = 0; i < height; i++) { /* sums by rows first: less rounding than one long sum */
        float row[LANES] = {0};
        for (long j = 0; j < width; j++) EACH row[k] += LOAD(image[(i * width + j) * channels + k]);
        EACH m[k] += row[k];
    }
    EACH m[k] /= height * width;
    for (long i = 0; i < height; i++) {
        float row[LANES] = {0};
        for (long j = 0; j < width; j++) EACH {
            const float d = LOAD(image[(i * width + j) * channels + k]) - m[k];
            row[k] += d * d;
        }
        EACH r[k] += row[k];
    }
    EACH {
        rstd[k] = 1.0f / sqrtf(r[k] / (height * width) + eps);
        mean[k] = m[k];
        a[k] = rstd[k] * scale[k];
        b[k] = shift[k] - m[k] * a[k];
    }
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) {
            T *to = result + (i * columns + j) * channels;
            if (pool) {
                const T *p = image + (2 * i * width + 2 * j) * channels, *q = p + width * channels;
                EACH {
                    const float y0 = LOAD(p[k]) * a[k] + b[k], y1 = LOAD(p[channels + k]) * a[k] + b[k];
                    const float y2 = LOAD(q[k]) * a[k] + b[k], y3 = LOAD(q[channels + k]) * a[k] + b[k];
                    STORE(to[k], 0.25f * (ACT(y0) + ACT(y1) + (ACT(y2) + ACT(y3))));
                }
            } else {
                const T *p = image + (i * width + j) * channels;
                EACH {
                    const float y = LOAD(p[k]) * a[k] + b[k];
                    STORE(to[k], ACT(y));
                }
            }
        }
}

static inline __attribute__((always_inline)) void NAME(backward_block)(
    const T *restrict given, const T *restrict image, T *restrict result, const float *scale, const float *shift, float slope,
    const long pool, long height, long width, long channels, const long lanes, const float *mean, const float *rstd, float *dscale,
    float *dshift) {
    const long step = pool ? 2 : 1, rows = height / step, columns = width / step;
    const float part = pool ? 0.25f : 1.0f, share = 1.0f / (height * width);
    float m[LANES], a[LANES], b[LANES], s[LANES] = {0}, t[LANES] = {0};
    EACH {
        m[k] = mean[k];
        a[k] = rstd[k] * scale[k];
        b[k] = shift[k] - m[k] * a[k];
    }
    for (long i = 0; i < rows; i++) {
        float rs[LANES] = {0}, rt[LANES] = {0};
        for (long j = 0; j < columns; j++) {
            const T *p = image + (i * width + j) * step * channels, *g = given + (i * columns + j) * channels;
            for (long u = 0; u < step; u++)
                for (long v = 0; v < step; v++) {
                    const T *q = p + (u * width + v) * channels;
                    EACH {
                        const float x = LOAD(q[k]), d = LOAD(g[k]) * (x * a[k] + b[k] > 0 ? 1.0f : slope);
                        rs[k] += d;
                        rt[k] += d * (x - m[k]);
                    }
                }
        }
        EACH s[k] += rs[k], t[k] += rt[k];
    }
    EACH { /* dx = a d - s - x t, with what does not depend on the pixel gathered in s and t */
        dshift[k] = part * s[k];
        dscale[k] = part * t[k] * rstd[k];
        t[k] = dscale[k] * a[k] * rstd[k] * share;
        s[k] = dshift[k] * a[k] * share - t[k] * m[k];
    }
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) {
            const long at = (i * width + j) * step * channels;
            const T *g = given + (i * columns + j) * channels;
            for (long u = 0; u < step; u++)
                for (long v = 0; v < step; v++) {
                    const T *q = image + at + (u * width + v) * channels;
                    T *to = result + at + (u * width + v) * channels;
                    EACH {
                        const float x = LOAD(q[k]), d = part * LOAD(g[k]) * (x * a[k] + b[k] > 0 ? 1.0f : slope);
                        STORE(to[k], a[k] * d - s[k] - x * t[k]);
                    }
                }
        }
    for (long i = 0; i < height; i++) /* an odd last row or column counts in the norm, not in the pooling */
        for (long j = i < rows * step ? columns * step : 0; j < width; j++) {
            const long at = (i * width + j) * channels;
            EACH STORE(result[at + k], -s[k] - LOAD(image[at + k]) * t[k]);
        }
}

/* Images first ... last - 1. x, scale, shift -> out; mean, rstd: (n, channels), for the way back. */
void NAME(forward)(const T *x, const float *scale, const float *shift, float slope, float eps, const long *size, long first, long last,
                   T *out, float *mean, float *rstd) {
    const long height = size[0], width = size[1], channels = size[2], pool = size[3];
    const long inside = height * width * channels, outside = pool ? (height / 2) * (width / 2) * channels : inside;
    for (long n = first; n < last; n++)
        for (long c = 0, at = n * channels; c < channels; c += LANES, at += LANES) {
#define BLOCK(pooled, lanes) \
    NAME(forward_block)(x + n * inside + c, out + n * outside + c, scale + c, shift + c, slope, eps, pooled, height, width, channels, \
                        lanes, mean + at, rstd + at)
            CHOOSE(channels - c)
#undef BLOCK
        }
}

/* grad: as `out` was. -> dx: as `x` was; dscale, dshift: (n, channels), still to be summed over the images. */
void NAME(backward)(const T *grad, const T *x, const float *scale, const float *shift, float slope, const long *size, long first,
                    long last, const float *mean, const float *rstd, T *dx, float *dscale, float *dshift) {
    const long height = size[0], width = size[1], channels = size[2], pool = size[3];
    const long inside = height * width * channels, outside = pool ? (height / 2) * (width / 2) * channels : inside;
    for (long n = first; n < last; n++)
        for (long c = 0, at = n * channels; c < channels; c += LANES, at += LANES) {
#define BLOCK(pooled, lanes) \
    NAME(backward_block)(grad + n * outside + c, x + n * inside + c, dx + n * inside + c, scale + c, shift + c, slope, pooled, height, \
                         width, channels, lanes, mean + at, rstd + at, dscale + at, dshift + at)
            CHOOSE(channels - c)
#undef BLOCK
        }
}
