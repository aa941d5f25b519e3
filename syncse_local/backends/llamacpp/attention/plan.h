/* What the tokens of a call see, read off llama.cpp's mask: cells for many of them, and cells for few. Computes no attention. */
#pragma once
#include <stdlib.h>
#include "vectors.h"

#define TOKENS 32 /* of a call, computed together: a bit for each */

/* A pair of cell and token that the mask leaves; `score` is its place among the scores of one head. */
struct unmasked {
    int cell, token, score;
};

/* One chunk of tokens. Column g * tokens + t of its matrices is query head g, of those that read one key head, of token t. */
struct plan {
    int tokens, columns, n_shared, n_own;
    int *shared;           /* cells that many see */
    uint32_t *visible_to;  /* of each, a bit for every token that sees it */
    struct unmasked *own;  /* the others, by cell, so that memory is read in order */
    int first[TOKENS + 1]; /* where the scores of each token begin: multiples of W */
    int count[TOKENS];
    size_t capacity[3];
};

static bool reserve(void *buffer, size_t *capacity, size_t bytes) {
    if (bytes <= *capacity) return true;
    void *more = realloc(*(void **)buffer, bytes + bytes / 4);
    if (!more) return false;
    *(void **)buffer = more;
    *capacity = bytes + bytes / 4;
    return true;
}

static const void *tensor_row(const struct ggml_tensor *t, int64_t i1, int64_t i2) {
    return (const char *)t->data + i1 * t->nb[1] + i2 * t->nb[2];
}

static uint32_t all_tokens(const struct plan *plan) { return UINT32_MAX >> (TOKENS - plan->tokens); }

/* Sorts cells, of which `visible_to` says who sees them, into shared and own; `next` then has where the tokens of an own cell
 * begin, or -1.
 * A shared cell costs all columns a product; an own one costs each token a pass over memory and a product for each of its heads. */
static void split_cells(struct plan *plan, int *next, int cells, int group) {
    plan->n_shared = plan->n_own = 0;
    for (int c = 0; c < cells; c++) {
        const uint32_t visible_to = plan->visible_to[c];
        const int tokens = __builtin_popcount(visible_to);
        next[c] = -1;
        if (tokens * (group + 1) > 2 * (plan->columns / W)) {
            plan->visible_to[plan->n_shared] = visible_to;
            plan->shared[plan->n_shared++] = c;
        } else if (tokens) {
            next[c] = plan->n_own;
            plan->n_own += tokens;
        }
    }
}

static void list_own_cells(struct plan *plan, const struct ggml_tensor *mask, int from, int *next) {
    plan->first[0] = 0;
    for (int t = 0; t < plan->tokens; t++) {
        const ggml_fp16_t *open = tensor_row(mask, from + t, 0);
        int n = 0;
        for (int c = 0; c < (int)mask->ne[0]; c++)
            if (open[c] == 0 && next[c] >= 0) plan->own[next[c]++] = (struct unmasked){c, t, plan->first[t] + n++};
        plan->count[t] = n;
        plan->first[t + 1] = plan->first[t] + round_up(n, W);
    }
}

/* The plan of `tokens` tokens from the mask's row `from` on; false where memory ends, or a token sees nothing. */
static bool make_plan(struct plan *plan, const struct ggml_tensor *mask, int from, int tokens, int group) {
    const int cells = (int)mask->ne[0];
    int *next = malloc(sizeof *next * cells);
    bool made = next && reserve(&plan->shared, &plan->capacity[0], sizeof *plan->shared * cells) &&
                reserve(&plan->visible_to, &plan->capacity[1], sizeof *plan->visible_to * cells);
    if (made) {
        plan->tokens = tokens;
        plan->columns = round_up(group * tokens, 2 * W);
        memset(plan->visible_to, 0, sizeof *plan->visible_to * cells);
        for (int t = 0; t < tokens; t++) {
            const ggml_fp16_t *open = tensor_row(mask, from + t, 0);
            uint32_t any = 0;
            for (int c = 0; c < cells; c++) {
                const uint32_t sees = open[c] == 0;
                plan->visible_to[c] |= sees << t;
                any |= sees;
            }
            made &= any;
        }
        split_cells(plan, next, cells, group);
        made = made && reserve(&plan->own, &plan->capacity[2], sizeof *plan->own * plan->n_own);
        if (made) list_own_cells(plan, mask, from, next);
    }
    free(next);
    return made;
}

/* The most cells that one token may see, in all. */
static int max_visible_cells(const struct plan *plan) {
    int most = 0;
    for (int t = 0; t < plan->tokens; t++) most = plan->count[t] > most ? plan->count[t] : most;
    return plan->n_shared + most;
}

static void free_plan(struct plan *plan) {
    free(plan->shared);
    free(plan->visible_to);
    free(plan->own);
}
