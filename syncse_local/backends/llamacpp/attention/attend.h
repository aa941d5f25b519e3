/* Attention of one chunk of tokens to one key head, after its plan: shared cells for all at once, then each token's own.
 *
 * A number that is none (NaN or infinite) in a shared cell reaches all tokens of the chunk, also those that do not see the cell:
 * weights of 0 times it.
 */
#pragma once
#include <math.h>
#include "plan.h"

#define MASKED -1e30f     /* the score of a cell that a token does not see */
#define BLOCK 64          /* shared cells at a time */
#define MAX_HEAD_SIZE 512 /* the largest of models in use */
#define PREFETCH_CELLS 12 /* own cells between asking for their memory and using it */

struct head {
    const struct ggml_tensor *q, *k, *v, *sinks; /* sinks: of each query head a logit that nothing is summed for, or NULL */
    const struct plan *plan;
    int index, from, D, DV, group;
    float scale, cap;                         /* scores are logarithms to base 2; cap 0: none */
    float *queries, *acc, *max, *denominator; /* [D][columns], [DV][columns], [columns], [columns] */
    int32_t *token;                           /* [columns] */
    float *scratch;
};

/* Floats of work space that a plan needs. */
static size_t workspace_floats(const struct plan *plan, int D, int DV, int group) {
    const size_t columns = plan->columns, block = BLOCK * (D + DV + columns);
    const size_t own = MAX_HEAD_SIZE + (size_t)group * plan->first[plan->tokens];
    return columns * (D + DV + 3) + (block > own ? block : own);
}

static const float *query(const struct head *h, int g, int t) { return tensor_row(h->q, h->from + t, h->index * h->group + g); }

static void load_queries(struct head *h, float *work) {
    const int columns = h->plan->columns, T = h->plan->tokens;
    h->queries = work;
    h->acc = h->queries + h->D * columns;
    h->max = h->acc + h->DV * columns;
    h->denominator = h->max + columns;
    h->token = (int32_t *)(h->denominator + columns);
    h->scratch = h->denominator + 2 * columns;
    memset(h->queries, 0, sizeof(float) * columns * (h->D + h->DV));
    for (int col = 0; col < columns; col++) h->max[col] = MASKED, h->denominator[col] = 0, h->token[col] = col % T;
    for (int g = 0; g < h->group; g++)
        for (int t = 0; t < T; t++) {
            const float *in = query(h, g, t);
            if (h->sinks) {
                h->max[g * T + t] = LOG2_E * ((const float *)h->sinks->data)[h->index * h->group + g];
                h->denominator[g * T + t] = 1;
            }
            for (int d = 0; d < h->D; d++) h->queries[d * columns + g * T + t] = in[d] * h->scale;
        }
}

/* Soft-capping: scores between -cap and cap, as cap * tanh(score / cap). */
static void softcap(const struct head *h, float *scores, size_t n) {
    if (h->cap > 0)
        for (size_t i = 0; i < n; i += W) *at(scores + i) = tanh_vec(*at(scores + i) * (1 / h->cap)) * h->cap;
}

/* Puts MASKED where a column's token does not see the cell. */
static void apply_mask(const struct head *h, float *scores, uint32_t visible_to) {
    for (int col = 0; col < h->plan->columns; col += W) {
        const vi sees = (((vi){0} + (int32_t)visible_to) >> *(const vi *)(h->token + col)) & 1;
        *at(scores + col) = (vf)((-sees & (vi)*at(scores + col)) | ((sees - 1) & (vi)splat(MASKED)));
    }
}

/* Online softmax: scores of a block become weights; `max`, `denominator` and `acc` go on from the blocks before. */
static void online_softmax(struct head *h, float *scores, int cells) {
    const int columns = h->plan->columns;
    for (int col = 0; col < columns; col += W) {
        const vf old = *at(h->max + col);
        vf now = old;
        for (int c = 0; c < cells; c++) now = max_vec(*at(scores + c * columns + col), now);
        const vf rescale = exp2_vec(old - now);
        vf sum = *at(h->denominator + col) * rescale;
        for (int c = 0; c < cells; c++) sum += *at(scores + c * columns + col) = exp2_vec(*at(scores + c * columns + col) - now);
        for (int d = 0; d < h->DV; d++) *at(h->acc + d * columns + col) *= rescale;
        *at(h->denominator + col) = sum;
        *at(h->max + col) = now;
    }
}

static void attend_shared(struct head *h) {
    const struct plan *plan = h->plan;
    const int columns = plan->columns;
    float *keys = h->scratch, *values = keys + BLOCK * h->D, *scores = values + BLOCK * h->DV;
    for (int start = 0; start < plan->n_shared; start += BLOCK) {
        const int n = plan->n_shared - start < BLOCK ? plan->n_shared - start : BLOCK;
        for (int c = 0; c < n; c++) {
            half_to_float(keys + c * h->D, tensor_row(h->k, plan->shared[start + c], h->index), h->D);
            half_to_float(values + c * h->DV, tensor_row(h->v, plan->shared[start + c], h->index), h->DV);
        }
        matmul(scores, keys, h->queries, n, h->D, columns);
        softcap(h, scores, (size_t)n * columns);
        for (int c = 0; c < n; c++)
            if (plan->visible_to[start + c] != all_tokens(plan)) apply_mask(h, scores + c * columns, plan->visible_to[start + c]);
        online_softmax(h, scores, n);
        weighted_sum(h->acc, values, scores, n, h->DV, columns);
    }
}

/* Cell `s` of a tensor, as floats; asks for the memory of one further on. */
static void load_cell(float *out, const struct ggml_tensor *t, const struct head *h, const struct unmasked *s, int size) {
    if (h->plan->own + h->plan->n_own - s > PREFETCH_CELLS) {
        const char *next = tensor_row(t, s[PREFETCH_CELLS].cell, h->index);
        for (int i = 0; i < 2 * size; i += 64) __builtin_prefetch(next + i);
    }
    half_to_float(out, tensor_row(t, s->cell, h->index), size);
}

static void finish_softmax(struct head *h, float *scores, int g, int t, float *out) {
    const struct plan *plan = h->plan;
    const int n = plan->count[t], end = round_up(n, W), column = g * plan->tokens + t;
    float max = h->max[column];
    softcap(h, scores, end);
    for (int c = 0; c < n; c++) max = scores[c] > max ? scores[c] : max;
    for (int c = n; c < end; c++) scores[c] = MASKED;
    vf sum = {0};
    for (int c = 0; c < end; c += W) sum += *at(scores + c) = exp2_vec(*at(scores + c) - max);
    const float rescale = exp2f(h->max[column] - max), denominator = h->denominator[column] * rescale + horizontal_sum(sum);
    for (int c = 0; c < end; c += W) *at(scores + c) /= splat(denominator);
    for (int d = 0; d < h->DV; d++) out[d] = h->acc[d * plan->columns + column] * (rescale / denominator);
}

static void attend_own(struct head *h, struct ggml_tensor *out) {
    const struct plan *plan = h->plan;
    const struct unmasked *end = plan->own + plan->n_own;
    const size_t stride = plan->first[plan->tokens];
    float *cell = h->scratch, *scores = cell + MAX_HEAD_SIZE;
    for (const struct unmasked *s = plan->own; s < end; s++) {
        load_cell(cell, h->k, h, s, h->D);
        for (int g = 0; g < h->group; g++) scores[g * stride + s->score] = h->scale * dot(query(h, g, s->token), cell, h->D);
    }
    for (int g = 0; g < h->group; g++)
        for (int t = 0; t < plan->tokens; t++)
            finish_softmax(h, scores + g * stride + plan->first[t], g, t,
                           (float *)tensor_row(out, h->index * h->group + g, h->from + t));
    for (const struct unmasked *s = plan->own; s < end; s++) {
        load_cell(cell, h->v, h, s, h->DV);
        for (int g = 0; g < h->group; g++) {
            float *to = (float *)tensor_row(out, h->index * h->group + g, h->from + s->token);
            const float weight = scores[g * stride + s->score];
            for (int d = 0; d < h->DV; d += W) *at(to + d) += *at(cell + d) * weight;
        }
    }
}
