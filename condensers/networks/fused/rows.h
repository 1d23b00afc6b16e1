/* Norm, activation and 2 x 2 pooling of LANES channels of a row of pixels, or of windows, and the way back. `block.c` includes this once
   for each storage format and number of lanes: T is how a number is stored, V are LANES numbers as float, LOAD and STORE read and write
   as many, ROWS names the functions. Sums stay in registers. Before the activation a pixel is y = x a + b, or (x a + b) scale + shift
   where scale and shift belong to pixels. */

ROW_FUNCTION void ROWS(add)(const T *x, long width, long channels, float *total) {
    V sum = {0}, odd = {0}; /* by rows first: less rounding than one long sum */
    for (long j = 0; j < width - 1; j += 2) sum += LOAD(x + j * channels), odd += LOAD(x + (j + 1) * channels);
    if (width & 1) sum += LOAD(x + (width - 1) * channels);
    WRITE(total, READ(total) + (sum + odd));
}

ROW_FUNCTION void ROWS(add_squares)(const T *x, long width, long channels, const float *mean, float *total) {
    const V m = READ(mean);
    V sum = {0}, odd = {0};
    for (long j = 0; j < width - 1; j += 2) {
        const V d = LOAD(x + j * channels) - m, e = LOAD(x + (j + 1) * channels) - m;
        sum += d * d, odd += e * e;
    }
    if (width & 1) sum += (LOAD(x + (width - 1) * channels) - m) * (LOAD(x + (width - 1) * channels) - m);
    WRITE(total, READ(total) + (sum + odd));
}

/* Pixel p of a window from its corner. */
#define PIXEL(p) (((p) & 1) * channels + ((p) >> 1) * below)
#define AFFINE(x, at) (by_pixel ? ((x) * m + n) * READ(scale + (at)) + READ(shift + (at)) : (x) * m + n)
#define SIZES \
    const long channels = form->channels, below = form->width * channels, step = pooling ? 2 : 1, columns = form->width / step; \
    const long window = pooling ? 4 : 1, far = step * channels, by_pixel = form->by_pixel

ROW_FUNCTION void ROWS(apply)(const Form *form, const T *x, const float *a, const float *b, const float *scale, const float *shift, T *out,
                        const long curved, const long pooling) {
    SIZES;
    const V m = READ(a), n = READ(b);
    for (long j = 0; j < columns; j++, x += far, scale += far, shift += far, out += channels) {
        V y[4], best;
        for (long p = 0; p < window; p++) y[p] = AFFINE(LOAD(x + PIXEL(p)), PIXEL(p));
        if (pooling == MEAN) {
            for (long p = 0; p < window; p++) y[p] = LANED(activate)(y[p], form, curved);
            STORE(out, 0.25f * ((y[0] + y[1]) + (y[2] + y[3])));
            continue;
        }
        best = y[0];
        for (long p = 1; p < window; p++) best = LANED(pick)(LANED(surpass)(y[p], best, form, curved), y[p], best);
        STORE(out, LANED(activate)(best, form, curved));
    }
}

/* d, the gradients at y, of the pixels of a window. */
ROW_FUNCTION void ROWS(divide)(V given, const V *y, const Form *form, V *d, const long curved, const long pooling) {
    if (pooling != GREATEST) {
        for (long p = 0; p < (pooling ? 4 : 1); p++) d[p] = (pooling ? 0.25f : 1.0f) * given * LANED(derive)(y[p], form, curved);
        return;
    }
    V best = y[0];
    I at = {0};
    for (int32_t p = 1; p < 4; p++) {
        const I takes = LANED(surpass)(y[p], best, form, curved);
        best = LANED(pick)(takes, y[p], best);
        at = (takes & p) | (at & ~takes);
    }
    const V whole = given * LANED(derive)(best, form, curved);
    for (int32_t p = 0; p < 4; p++) d[p] = LANED(pick)(at == p, whole, (V){0});
}

/* Adds to sum and product those of d and d (x - centre), d weighted by scale where that belongs to pixels; to dscale and dshift, there,
   what each pixel gives. */
ROW_FUNCTION void ROWS(gather)(const Form *form, const T *given, const T *x, const float *a, const float *b, const float *centre,
                         const float *scale, const float *shift, float *sum, float *product, float *dscale, float *dshift,
                         const long curved, const long pooling) {
    SIZES;
    const V m = READ(a), n = READ(b), o = READ(centre);
    V s[2] = {{0}}, t[2] = {{0}}; /* two of each, so that one addition need not wait for the other */
    for (long j = 0; j < columns; j++, given += channels, x += far, scale += far, shift += far) {
        V y[4], d[4];
        for (long p = 0; p < window; p++) y[p] = AFFINE(LOAD(x + PIXEL(p)), PIXEL(p));
        ROWS(divide)(LOAD(given), y, form, d, curved, pooling);
        for (long p = 0; p < window; p++) {
            const V seen = LOAD(x + PIXEL(p)), weighted = by_pixel ? d[p] * READ(scale + PIXEL(p)) : d[p];
            s[p & 1] += weighted;
            t[p & 1] += weighted * (seen - o);
            if (by_pixel) {
                float *one = dscale + j * far + PIXEL(p), *other = dshift + j * far + PIXEL(p);
                WRITE(one, READ(one) + d[p] * (seen * m + n));
                WRITE(other, READ(other) + d[p]);
            }
        }
    }
    WRITE(sum, READ(sum) + (s[0] + s[1]));
    WRITE(product, READ(product) + (t[0] + t[1]));
}

/* dx = a d - s - x t; a d alone where the norm's statistics are not the images' own. */
ROW_FUNCTION void ROWS(give)(const Form *form, const T *given, const T *x, const float *a, const float *b, const float *s, const float *t,
                       const float *scale, const float *shift, T *dx, const long curved, const long pooling) {
    SIZES;
    const V m = READ(a), n = READ(b), less = READ(s), slant = READ(t);
    const long owes = form->shared || form->given;
    for (long j = 0; j < columns; j++, given += channels, x += far, scale += far, shift += far, dx += far) {
        V y[4], d[4];
        for (long p = 0; p < window; p++) y[p] = AFFINE(LOAD(x + PIXEL(p)), PIXEL(p));
        ROWS(divide)(LOAD(given), y, form, d, curved, pooling);
        for (long p = 0; p < window; p++) {
            const V weighted = by_pixel ? d[p] * READ(scale + PIXEL(p)) : d[p];
            STORE(dx + PIXEL(p), owes ? m * weighted - less - LOAD(x + PIXEL(p)) * slant : m * weighted);
        }
    }
}

#undef PIXEL
#undef AFFINE
#undef SIZES
