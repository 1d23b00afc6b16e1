/* Norm, activation and 2 x 2 pooling in one pass over an image, and the way back; see block.py for the equations.

   block.c includes this once for each storage format. All arithmetic is in float. Images are channels-last, (n, height, width, channels);
   the second look at an image finds it in the cache. */

#define NAME(f) JOIN(f, FORMAT)
#define ROWS(f) JOIN(NAME(f), LANES)
#define LOAD(from) ROWS(read)(from)
#define STORE(to, v) ROWS(write)(to, v)
#define ROW_FUNCTION INLINE
#define LANES 8
#include "rows.h"
#undef LANES
#define LANES 4
#include "rows.h"
#undef LANES
#undef ROW_FUNCTION
#define ROW_FUNCTION static __attribute__((noinline)) /* what is left over: small, not fast */
#define LANES 1
#include "rows.h"
#undef LANES

/* Mean and variance of the pixels of each channel. */
static void NAME(measure_image)(const T *x, const Form *form, float *mean, float *variance) {
    const long height = form->height, width = form->width, channels = form->channels;
    memset(mean, 0, channels * sizeof(float));
    memset(variance, 0, channels * sizeof(float));
    for (long i = 0; i < height; i++) {
#define ROW(lanes) JOIN(NAME(add), lanes)(x + i * width * channels + c, width, channels, mean + c)
        PORTIONS(channels, ROW)
#undef ROW
    }
    for (long c = 0; c < channels; c++) mean[c] /= height * width;
    for (long i = 0; i < height; i++) {
#define ROW(lanes) JOIN(NAME(add_squares), lanes)(x + i * width * channels + c, width, channels, mean + c, variance + c)
        PORTIONS(channels, ROW)
#undef ROW
    }
    for (long c = 0; c < channels; c++) variance[c] /= height * width;
}

INLINE void NAME(apply_rows)(const T *x, const float *scale, const float *shift, const Form *form, const float *a, const float *b, T *out,
                             const long curved, const long pooling) {
    const long step = pooling ? 2 : 1, rows = form->height / step, columns = form->width / step, channels = form->channels;
    for (long i = 0; i < rows; i++) {
        const long at = i * step * form->width * channels;
#define ROW(lanes) \
    JOIN(NAME(apply), lanes)(form, x + at + c, a + c, b + c, scale + form->by_pixel * at + c, shift + form->by_pixel * at + c, \
                             out + i * columns * channels + c, curved, pooling)
        PORTIONS(channels, ROW)
#undef ROW
    }
}

/* a and b of y = x a + b, where scale and shift belong to channels; where they belong to pixels, of (x - centre) / deviation. */
static void NAME(coefficients)(const float *scale, const float *shift, const Form *form, const float *centre, const float *rstd, float *a,
                               float *b) {
    for (long c = 0; c < form->channels; c++) {
        a[c] = form->by_pixel ? rstd[c] : rstd[c] * scale[c];
        b[c] = (form->by_pixel ? 0 : shift[c]) - centre[c] * a[c];
    }
}

INLINE void NAME(gather_rows)(const T *given, const T *x, const float *scale, const float *shift, const Form *form, const float *a,
                              const float *b, const float *centre, float *sum, float *product, float *dscale, float *dshift,
                              const long curved, const long pooling) {
    const long step = pooling ? 2 : 1, rows = form->height / step, columns = form->width / step, channels = form->channels;
    for (long i = 0; i < rows; i++) {
        const long at = i * step * form->width * channels, own = form->by_pixel * at;
#define ROW(lanes) \
    JOIN(NAME(gather), lanes)(form, given + i * columns * channels + c, x + at + c, a + c, b + c, centre + c, scale + own + c, \
                              shift + own + c, sum + c, product + c, dscale + own + c, dshift + own + c, curved, pooling)
        PORTIONS(channels, ROW)
#undef ROW
    }
}

INLINE void NAME(return_rows)(const T *given, const T *x, const float *scale, const float *shift, const Form *form, const float *a,
                              const float *b, const float *s, const float *t, T *dx, const long curved, const long pooling) {
    const long step = pooling ? 2 : 1, rows = form->height / step, columns = form->width / step;
    const long width = form->width, channels = form->channels;
    for (long i = 0; i < rows; i++) {
        const long at = i * step * width * channels, own = form->by_pixel * at;
#define ROW(lanes) \
    JOIN(NAME(give), lanes)(form, given + i * columns * channels + c, x + at + c, a + c, b + c, s + c, t + c, scale + own + c, \
                            shift + own + c, dx + at + c, curved, pooling)
        PORTIONS(channels, ROW)
#undef ROW
    }
    const long owes = form->shared || form->given;
    for (long i = 0; i < form->height; i++) /* an odd last row or column counts in the norm, not in the pooling */
        for (long j = i < rows * step ? columns * step : 0; j < width; j++) {
            const long at = (i * width + j) * channels;
            for (long c = 0; c < channels; c++)
                JOIN(NAME(write), 1)(dx + at + c, owes ? -JOIN(NAME(read), 1)(x + at + c) * t[c] - s[c] : (F_1){0});
        }
}

/* The kernels, on images first ... last - 1. Arrays of a number for each channel of each image are (n, channels); where form->shared is
   0, centre and rstd are (channels), the same for all images. */

void NAME(measure)(const T *x, const Form *form, long first, long last, float *own, float *variance) {
    const long channels = form->channels, inside = form->height * form->width * channels;
    for (long n = first; n < last; n++) NAME(measure_image)(x + n * inside, form, own + n * channels, variance + n * channels);
}

void NAME(forward)(const T *x, const float *bias, const float *scale, const float *shift, const Form *form, long first, long last, T *out,
                   float *own, float *centre, float *rstd) {
    const long channels = form->channels, step = form->pooling ? 2 : 1, stride = form->shared ? channels : 0;
    const long inside = form->height * form->width * channels, outside = (form->height / step) * (form->width / step) * channels;
    float a[channels], b[channels];
    for (long n = first; n < last; n++) {
        const T *image = x + n * inside;
        float *const m = centre + n * stride, *const r = rstd + n * stride;
        if (form->shared) {
            NAME(measure_image)(image, form, own + n * channels, a);
            share(form, own + n * channels, a, bias, m, r);
        }
        NAME(coefficients)(scale, shift, form, m, r, a, b);
#define IMAGE(curved, pooling) \
    NAME(apply_rows)(image, scale, shift, form, a, b, out + n * outside, curved, pooling)
        VARIANT(form, IMAGE)
#undef IMAGE
    }
}

/* grad: as `out` was. -> sum, product: of d and d (x - centre) over each channel's pixels; dscale, dshift, where they belong to pixels. */
void NAME(gather)(const T *grad, const T *x, const float *scale, const float *shift, const Form *form, long first, long last,
                  const float *centre, const float *rstd, float *sum, float *product, float *dscale, float *dshift) {
    const long channels = form->channels, step = form->pooling ? 2 : 1, stride = form->shared ? channels : 0;
    const long inside = form->height * form->width * channels, outside = (form->height / step) * (form->width / step) * channels;
    float a[channels], b[channels];
    memset(sum + first * channels, 0, (last - first) * channels * sizeof(float));
    memset(product + first * channels, 0, (last - first) * channels * sizeof(float));
    for (long n = first; n < last; n++) {
        NAME(coefficients)(scale, shift, form, centre + n * stride, rstd + n * stride, a, b);
#define IMAGE(curved, pooling) \
    NAME(gather_rows)(grad + n * outside, x + n * inside, scale, shift, form, a, b, centre + n * stride, sum + n * channels, \
                      product + n * channels, dscale, dshift, curved, pooling)
        VARIANT(form, IMAGE)
#undef IMAGE
    }
}

/* As `gather`, and dx: as `x` was; s, t: what is taken off, (n, channels), given unless form->shared; dbias: (n, channels). */
void NAME(backward)(const T *grad, const T *x, const float *scale, const float *shift, const Form *form, long first, long last,
                    const float *own, const float *centre, const float *rstd, float *sum, float *product, float *dscale, float *dshift,
                    float *s, float *t, float *dbias, T *dx) {
    const long channels = form->channels, step = form->pooling ? 2 : 1, stride = form->shared ? channels : 0;
    const long inside = form->height * form->width * channels, outside = (form->height / step) * (form->width / step) * channels;
    float a[channels], b[channels];
    for (long n = first; n < last; n++) {
        const float *const m = centre + n * stride, *const r = rstd + n * stride;
        const long at = n * channels;
        if (!form->given)
            NAME(gather)(grad, x, scale, shift, form, n, n + 1, centre, rstd, sum, product, dscale, dshift);
        if (form->shared)
            share_back(form, scale, own + at, m, r, sum + at, product + at, s + at, t + at, dbias + at);
        NAME(coefficients)(scale, shift, form, m, r, a, b);
#define IMAGE(curved, pooling) \
    NAME(return_rows)(grad + n * outside, x + n * inside, scale, shift, form, a, b, s + n * stride, t + n * stride, dx + n * inside, \
                      curved, pooling)
        VARIANT(form, IMAGE)
#undef IMAGE
    }
}

#undef ROW_FUNCTION
#undef NAME
#undef ROWS
#undef LOAD
#undef STORE
