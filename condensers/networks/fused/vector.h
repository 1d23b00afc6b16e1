/* Activations of LANES numbers at once, V; `block.c` includes this once for each number of lanes. I: as many whole numbers, masks too. */

INLINE V LANED(pick)(I mask, V one, V other) { return (V)(((I)one & mask) | ((I)other & ~mask)); }

INLINE V LANED(splat)(float value) { return (V){0} + value; }

/* 1 / (1 + exp(-y)). exp is a power of two: its whole part goes to the exponent, 2^rest is its Taylor polynomial, right to 2e-7. */
INLINE V LANED(sigmoid)(V y) {
    V power = -1.44269504f * y;
    power = LANED(pick)(power > 126.0f, LANED(splat)(126.0f), power);
    power = LANED(pick)(power < -126.0f, LANED(splat)(-126.0f), power);
    const I whole = __builtin_convertvector(power + 126.5f, I) - 126;
    const V rest = power - __builtin_convertvector(whole, V);
    const V root = 1.0f + rest * (0.693147181f + rest * (0.240226507f + rest * (0.0555041087f + rest * (0.00961812911f +
                   rest * (0.00133335581f + rest * 0.000154035304f)))));
    return 1.0f / (1.0f + root * (V)((whole + 127) << 23));
}

INLINE V LANED(activate)(V y, const Form *form, const long curved) {
    if (!curved) return LANED(pick)(y > 0, y, form->slope * y);
    const V s = LANED(sigmoid)(y);
    return form->activation == SWISH ? y * s : s;
}

INLINE V LANED(derive)(V y, const Form *form, const long curved) {
    if (!curved) return LANED(pick)(y > 0, LANED(splat)(1.0f), LANED(splat)(form->slope));
    const V s = LANED(sigmoid)(y);
    return form->activation == SWISH ? s * (1.0f + y * (1.0f - s)) : s * (1.0f - s);
}

/* Where y takes the place of the greatest before it, as in torch: the first of equals, and the last that is not a number. Sigmoids keep
   the order, so that any of the greatest will do. */
INLINE I LANED(surpass)(V y, V before, const Form *form, const long curved) {
    if (curved && form->activation == SIGMOID) return (y > before) | (y != y);
    const V a = LANED(activate)(y, form, curved), b = LANED(activate)(before, form, curved);
    return (a > b) | (a != a);
}
