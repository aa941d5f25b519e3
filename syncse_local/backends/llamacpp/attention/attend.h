/* Attention of one chunk of tokens to one key head, after its plan: shared cells for all at once, then each token's own.
 *
 * A number that is none in a shared cell reaches all tokens of the chunk, also those that do not see the cell: weights of 0 times it.
 */
#pragma once
#include <math.h>
#include "plan.h"

#define NOTHING -1e30f
#define BLOCK 64   /* shared cells at a time */
#define WIDEST 512 /* head size */
#define AHEAD 12   /* own cells between asking for their memory and using it */

struct head {
    const struct ggml_tensor *q, *k, *v, *sinks; /* sinks: of each query head a logit that nothing is summed for, or NULL */
    const struct plan *plan;
    int index, from, D, DV, group;
    float scale, cap;                    /* scores are logarithms to base 2; cap 0: none */
    float *queries, *sums, *most, *total; /* [D][lanes], [DV][lanes], [lanes], [lanes] */
    int32_t *token;                       /* [lanes] */
    float *rest;
};

/* Floats of work space that a plan needs. */
static size_t work_for(const struct plan *plan, int D, int DV, int group) {
    const size_t lanes = plan->lanes, block = BLOCK * (D + DV + lanes), own = WIDEST + (size_t)group * plan->first[plan->tokens];
    return lanes * (D + DV + 3) + (block > own ? block : own);
}

static const float *query(const struct head *h, int g, int t) { return row(h->q, h->from + t, h->index * h->group + g); }

static void begin(struct head *h, float *work) {
    const int lanes = h->plan->lanes, T = h->plan->tokens;
    h->queries = work;
    h->sums = h->queries + h->D * lanes;
    h->most = h->sums + h->DV * lanes;
    h->total = h->most + lanes;
    h->token = (int32_t *)(h->total + lanes);
    h->rest = h->total + 2 * lanes;
    memset(h->queries, 0, sizeof(float) * lanes * (h->D + h->DV));
    for (int l = 0; l < lanes; l++) h->most[l] = NOTHING, h->total[l] = 0, h->token[l] = l % T;
    for (int g = 0; g < h->group; g++)
        for (int t = 0; t < T; t++) {
            const float *in = query(h, g, t);
            if (h->sinks) {
                h->most[g * T + t] = LOG2_E * ((const float *)h->sinks->data)[h->index * h->group + g];
                h->total[g * T + t] = 1;
            }
            for (int d = 0; d < h->D; d++) h->queries[d * lanes + g * T + t] = in[d] * h->scale;
        }
}

/* Scores between -cap and cap: cap * tanh(score / cap). */
static void bound(const struct head *h, float *scores, size_t n) {
    if (h->cap > 0)
        for (size_t i = 0; i < n; i += W) *at(scores + i) = tanh_of(*at(scores + i) * (1 / h->cap)) * h->cap;
}

/* Puts NOTHING where a lane's token does not see the cell. */
static void hide(const struct head *h, float *scores, uint32_t seers) {
    for (int l = 0; l < h->plan->lanes; l += W) {
        const vi sees = (((vi){0} + (int32_t)seers) >> *(const vi *)(h->token + l)) & 1;
        *at(scores + l) = (vf)((-sees & (vi)*at(scores + l)) | ((sees - 1) & (vi)splat(NOTHING)));
    }
}

/* Scores of a block become weights; `most`, `total` and `sums` go on from the blocks before. */
static void soften(struct head *h, float *scores, int cells) {
    const int lanes = h->plan->lanes;
    for (int l = 0; l < lanes; l += W) {
        const vf old = *at(h->most + l);
        vf now = old;
        for (int c = 0; c < cells; c++) now = larger(*at(scores + c * lanes + l), now);
        const vf shrink = power(old - now);
        vf sum = *at(h->total + l) * shrink;
        for (int c = 0; c < cells; c++) sum += *at(scores + c * lanes + l) = power(*at(scores + c * lanes + l) - now);
        for (int d = 0; d < h->DV; d++) *at(h->sums + d * lanes + l) *= shrink;
        *at(h->total + l) = sum;
        *at(h->most + l) = now;
    }
}

static void attend_shared(struct head *h) {
    const struct plan *plan = h->plan;
    const int lanes = plan->lanes;
    float *keys = h->rest, *values = keys + BLOCK * h->D, *scores = values + BLOCK * h->DV;
    for (int start = 0; start < plan->n_shared; start += BLOCK) {
        const int n = plan->n_shared - start < BLOCK ? plan->n_shared - start : BLOCK;
        for (int c = 0; c < n; c++) {
            widen(keys + c * h->D, row(h->k, plan->shared[start + c], h->index), h->D);
            widen(values + c * h->DV, row(h->v, plan->shared[start + c], h->index), h->DV);
        }
        multiply(scores, keys, h->queries, n, h->D, lanes);
        bound(h, scores, (size_t)n * lanes);
        for (int c = 0; c < n; c++)
            if (plan->seers[start + c] != everyone(plan)) hide(h, scores + c * lanes, plan->seers[start + c]);
        soften(h, scores, n);
        gather(h->sums, values, scores, n, h->DV, lanes);
    }
}

/* Cell `s` of a tensor, as floats; asks for the memory of one further on. */
static void load(float *out, const struct ggml_tensor *t, const struct head *h, const struct sight *s, int size) {
    if (h->plan->own + h->plan->n_own - s > AHEAD) {
        const char *next = row(t, s[AHEAD].cell, h->index);
        for (int i = 0; i < 2 * size; i += 64) __builtin_prefetch(next + i);
    }
    widen(out, row(t, s->cell, h->index), size);
}

static void finish(struct head *h, float *scores, int g, int t, float *out) {
    const struct plan *plan = h->plan;
    const int n = plan->count[t], end = padded(n, W), lane = g * plan->tokens + t;
    float most = h->most[lane];
    bound(h, scores, end);
    for (int c = 0; c < n; c++) most = scores[c] > most ? scores[c] : most;
    for (int c = n; c < end; c++) scores[c] = NOTHING;
    vf sum = {0};
    for (int c = 0; c < end; c += W) sum += *at(scores + c) = power(*at(scores + c) - most);
    const float shrink = exp2f(h->most[lane] - most), total = h->total[lane] * shrink + whole(sum);
    for (int c = 0; c < end; c += W) *at(scores + c) /= splat(total);
    for (int d = 0; d < h->DV; d++) out[d] = h->sums[d * plan->lanes + lane] * (shrink / total);
}

static void attend_own(struct head *h, struct ggml_tensor *out) {
    const struct plan *plan = h->plan;
    const struct sight *end = plan->own + plan->n_own;
    const size_t room = plan->first[plan->tokens];
    float *wide = h->rest, *scores = wide + WIDEST;
    for (const struct sight *s = plan->own; s < end; s++) {
        load(wide, h->k, h, s, h->D);
        for (int g = 0; g < h->group; g++) scores[g * room + s->score] = h->scale * dot(query(h, g, s->token), wide, h->D);
    }
    for (int g = 0; g < h->group; g++)
        for (int t = 0; t < plan->tokens; t++)
            finish(h, scores + g * room + plan->first[t], g, t, (float *)row(out, h->index * h->group + g, h->from + t));
    for (const struct sight *s = plan->own; s < end; s++) {
        load(wide, h->v, h, s, h->DV);
        for (int g = 0; g < h->group; g++) {
            float *to = (float *)row(out, h->index * h->group + g, h->from + s->token);
            const float weight = scores[g * room + s->score];
            for (int d = 0; d < h->DV; d += W) *at(to + d) += *at(wide + d) * weight;
        }
    }
}
