/* Arithmetic on vectors of floats and on small matrices, for whatever width the machine has. Knows no attention. */
#pragma once
#include <stdint.h>
#include <string.h>
#if defined(__F16C__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif
#include "ggml.h"

#if defined(__AVX512F__)
#define W 16 /* SIMD width: floats in a vector */
#elif defined(__AVX__)
#define W 8
#else
#define W 4
#endif
#define UNROLL 8
#define LOG2_E 1.44269504f
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

typedef float vf __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));

static inline vf *at(float *p) { return (vf *)p; }

static inline int round_up(int n, int to) { return (n + to - 1) / to * to; }

static inline vf splat(float x) { return (vf){0} + x; }

static inline vf max_vec(vf a, vf b) {
    vi which = a > b;
    return (vf)((which & (vi)a) | (~which & (vi)b));
}

static inline float horizontal_sum(vf v) {
    const v4 *part = (const v4 *)&v;
    v4 sum = part[0];
    for (int i = 1; i < W / 4; i++) sum += part[i];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* 2^x for x <= 0, to 3e-7 of its size: the series of 2^f to the sixth power, f at most 1/2. 2^-100 for less, so that products with
 * it are ordinary numbers, which some processors need to be fast; NaN for NaN. */
static inline vf exp2_vec(vf x) {
    const vi low = x < splat(-100.0f);
    x = (vf)((low & (vi)splat(-100.0f)) | (~low & (vi)x));
    const vf shifted = x + 12582912.0f; /* 1.5 * 2^23: rounds to a whole number, which its last bits then hold */
    const vf f = x - (shifted - 12582912.0f);
    vf sum = f * 1.540353e-4f + 1.333356e-3f; /* (ln 2)^n / n!, n = 6 and 5 */
    sum = sum * f + 9.618129e-3f;
    sum = sum * f + 5.550411e-2f;
    sum = sum * f + 2.402265e-1f;
    sum = sum * f + 6.931472e-1f;
    sum = sum * f + 1.0f;
    return sum * (vf)(((vi)shifted - 0x4b400000 + 127) << 23);
}

/* tanh, to 3e-7: (1 - e) / (1 + e) with e = exp(-2 |x|), and the sign of x. */
static inline vf tanh_vec(vf x) {
    const vi sign = (vi)x & INT32_MIN;
    const vf e = exp2_vec((vf)((vi)x | INT32_MIN) * (2 * LOG2_E));
    return (vf)((vi)((1.0f - e) / (1.0f + e)) | sign);
}

/* n numbers of 16 bits as floats. */
static inline void half_to_float(float *out, const void *from, int n) {
    const ggml_fp16_t *in = (const ggml_fp16_t *)from;
    int i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16) _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(in + i))));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(in + i))));
#elif defined(__ARM_NEON)
    for (; i + 4 <= n; i += 4) vst1q_f32(out + i, vcvt_f32_f16(vld1_f16((const void *)(in + i))));
#endif
    for (; i < n; i++) out[i] = ggml_fp16_to_fp32(in[i]);
}

/* n is a multiple of W here and below, `columns` of 2 W: columns of a matrix lie along the vectors. */
static inline float dot(const float *a, const float *b, int n) {
    vf sum = {0};
    for (int i = 0; i < n; i += W) sum += *(const vf *)(a + i) * *(const vf *)(b + i);
    return horizontal_sum(sum);
}

/* out[c][columns] = keys[c] . queries[.][columns]; reads keys, and writes out, up to the next multiple of UNROLL cells. */
static void matmul(float *out, const float *keys, const float *queries, int cells, int size, int columns) {
    for (int col = 0; col < columns; col += 2 * W)
        for (int c = 0; c < cells; c += UNROLL) {
            vf a[UNROLL] = {0}, b[UNROLL] = {0};
            const float *k = keys + c * size, *q = queries + col;
            for (int d = 0; d < size; d++, q += columns)
                UNROLLED
                for (int u = 0; u < UNROLL; u++) {
                    a[u] += *(const vf *)q * k[u * size + d];
                    b[u] += *(const vf *)(q + W) * k[u * size + d];
                }
            for (int u = 0; u < UNROLL; u++) {
                *at(out + (c + u) * columns + col) = a[u];
                *at(out + (c + u) * columns + col + W) = b[u];
            }
        }
}

/* sums[d][columns] += values[c][d] * weights[c][columns] */
static void weighted_sum(float *sums, const float *values, const float *weights, int cells, int size, int columns) {
    for (int col = 0; col < columns; col += 2 * W)
        for (int d = 0; d < size; d += UNROLL) {
            vf a[UNROLL] = {0}, b[UNROLL] = {0};
            const float *v = values + d, *p = weights + col;
            for (int c = 0; c < cells; c++, p += columns, v += size)
                UNROLLED
                for (int u = 0; u < UNROLL; u++) {
                    a[u] += *(const vf *)p * v[u];
                    b[u] += *(const vf *)(p + W) * v[u];
                }
            for (int u = 0; u < UNROLL; u++) {
                *at(sums + (d + u) * columns + col) += a[u];
                *at(sums + (d + u) * columns + col + W) += b[u];
            }
        }
}
