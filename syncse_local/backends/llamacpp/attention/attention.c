/* Attention for many sequences that share prefixes, in place of llama.cpp's own, on a CPU.
 *
 * llama.cpp asks `attention_watch` about each node of a graph before it computes it; flash attention of a shape known here
 * becomes a custom operation. The first call of up to TOKENS tokens, and the first of more, are computed both ways in their
 * first layer: where the results differ, llama.cpp's way is used from then on. Knows ggml's tensors and no model.
 */
#include "attend.h"

#define MOST_TOKENS 512 /* of a call */
#define PARAMS (GGML_MAX_OP_PARAMS / 4)
#define USED 6   /* op_params[... USED] may be those of an attention, the others are 0 */
#define SAVED 10 /* op_params[SAVED ...] keep them in a custom operation, whose own are before */
#define LOG2_E 1.44269504f

enum { SHORT = 1, LONG = 2 };

struct attention {
    int threads, n_plans;
    int tokens, group, D, DV;               /* of the attention that the plans were made for */
    const struct ggml_tensor *first, *mask; /* its node, and its mask */
    bool computed;                          /* since the plans were made */
    int compared;                           /* kinds of calls */
    int *wrong;                             /* whether a comparison failed; one for all decoders of a model */
    struct plan plans[MOST_TOKENS / TOKENS];
    float **work;
    size_t *room;
    int32_t custom[SAVED]; /* parameters of ggml's custom operation */
};

static bool distrusted(const struct attention *a) { return __atomic_load_n(a->wrong, __ATOMIC_RELAXED); }

static void compute(const struct attention *a, struct ggml_tensor *out, float scale, int thread, int threads) {
    struct head h = {out->src[0], out->src[1], out->src[2], .D = a->D, .DV = a->DV, .group = a->group, .scale = scale * LOG2_E};
    const int heads = (int)h.k->ne[2];
    for (int item = thread; item < a->n_plans * heads; item += threads) {
        h.plan = &a->plans[item / heads];
        h.from = item / heads * TOKENS;
        h.index = item % heads;
        begin(&h, a->work[thread]);
        attend_shared(&h);
        attend_own(&h, out);
    }
}

static void operate(struct ggml_tensor *out, int thread, int threads, void *user) {
    struct attention *a = user;
    float scale;
    memcpy(&scale, &out->op_params[SAVED], sizeof scale);
    if (thread == 0) a->computed = true;
    if (thread < a->threads) compute(a, out, scale, thread, threads < a->threads ? threads : a->threads);
}

static bool plain(const struct ggml_tensor *t, enum ggml_type type) {
    return t && t->type == type && t->data && t->ne[3] == 1 && t->nb[0] == ggml_type_size(type);
}

static bool fits(int64_t size) { return size % 16 == 0 && size <= WIDEST; }

/* Whether this attention can be computed here: 16-bit cells in one stream, a mask of the call's own, no ALiBi, caps or sinks. */
static bool known(const struct ggml_tensor *out) {
    const struct ggml_tensor *q = out->src[0], *k = out->src[1], *v = out->src[2], *mask = out->src[3];
    float params[3]; /* scale, ALiBi, cap */
    memcpy(params, out->op_params, sizeof params);
    for (int i = USED; i < PARAMS; i++)
        if (out->op_params[i]) return false;
    return plain(out, GGML_TYPE_F32) && ggml_is_contiguous(out) && plain(q, GGML_TYPE_F32) && plain(k, GGML_TYPE_F16) &&
           plain(v, GGML_TYPE_F16) && plain(mask, GGML_TYPE_F16) && mask->op == GGML_OP_NONE && mask->ne[2] == 1 &&
           mask->ne[0] == k->ne[1] && mask->ne[1] >= q->ne[1] && q->ne[1] <= MOST_TOKENS && fits(q->ne[0]) && fits(v->ne[0]) &&
           q->ne[2] % k->ne[2] == 0 && k->ne[2] == v->ne[2] && k->ne[1] == v->ne[1] && !out->src[4] && params[1] == 0 && params[2] == 0;
}

static bool make_plans(struct attention *a, const struct ggml_tensor *out) {
    const struct ggml_tensor *q = out->src[0], *k = out->src[1], *v = out->src[2];
    const int tokens = a->tokens = (int)q->ne[1];
    size_t floats = 0;
    a->group = (int)(q->ne[2] / k->ne[2]);
    a->D = (int)q->ne[0];
    a->DV = (int)v->ne[0];
    a->n_plans = (tokens + TOKENS - 1) / TOKENS;
    for (int i = 0; i < a->n_plans; i++) {
        const int left = tokens - i * TOKENS;
        if (!make_plan(&a->plans[i], out->src[3], i * TOKENS, left < TOKENS ? left : TOKENS, a->group)) return false;
        const size_t needed = work_for(&a->plans[i], a->D, a->DV, a->group);
        if (needed > floats) floats = needed;
    }
    for (int i = 0; i < a->threads; i++)
        if (!reserve(&a->work[i], &a->room[i], sizeof(float) * floats)) return false;
    a->first = out;
    a->mask = out->src[3];
    return true;
}

static bool planned(const struct attention *a, const struct ggml_tensor *out) {
    const struct ggml_tensor *q = out->src[0], *k = out->src[1], *v = out->src[2];
    return out->src[3] == a->mask && q->ne[1] == a->tokens && q->ne[2] == a->group * k->ne[2] && q->ne[0] == a->D && v->ne[0] == a->DV;
}

/* How far apart two results may be, as a share of the largest number: llama.cpp sums in 16 bits, so that of thousands of cells that
 * count the same the last ones are lost. Another layout, mask or scale than was thought makes all the difference. */
static float tolerance(const struct attention *a) {
    float share = 0.05f;
    for (int i = 0; i < a->n_plans; i++) share = fmaxf(share, fminf(0.5f, most_seen(&a->plans[i]) / 8192.0f));
    return share;
}

/* Whether two results of a query head are the same; `size` is the largest number of all heads. */
static bool same_head(const struct attention *a, const float *ours, const float *theirs, int head, int heads, float size) {
    float apart = 0, largest = 0;
    for (int t = 0; t < a->tokens; t++)
        for (int d = 0; d < a->DV; d++) {
            const size_t i = ((size_t)t * heads + head) * a->DV + d;
            if (isfinite(theirs[i]) != isfinite(ours[i])) return false;
            if (!isfinite(theirs[i])) continue;
            largest = fmaxf(largest, fabsf(theirs[i]));
            apart = fmaxf(apart, fabsf(theirs[i] - ours[i]));
        }
    return apart <= tolerance(a) * largest + 1e-3f * size;
}

/* After llama.cpp computed `out`: whether ours is the same. If so ours stays, so that a comparison changes no text. */
static bool agrees(struct attention *a, struct ggml_tensor *out) {
    const size_t n = ggml_nelements(out);
    const int heads = (int)out->ne[1];
    float *theirs = malloc(sizeof(float) * n), *ours = out->data, scale, size = 0;
    if (!theirs) return false;
    memcpy(theirs, ours, sizeof(float) * n);
    memcpy(&scale, out->op_params, sizeof scale);
    compute(a, out, scale, 0, 1);
    for (size_t i = 0; i < n; i++) size = isfinite(theirs[i]) ? fmaxf(size, fabsf(theirs[i])) : size;
    bool same = true;
    for (int head = 0; head < heads; head++) same = same && same_head(a, ours, theirs, head, heads, size);
    if (!same) memcpy(ours, theirs, sizeof(float) * n);
    free(theirs);
    return same;
}

static bool replaced(const struct attention *a, const struct ggml_tensor *t) {
    return t->op == GGML_OP_CUSTOM && !memcmp(t->op_params, a->custom, sizeof a->custom);
}

static void replace(const struct attention *a, struct ggml_tensor *t) {
    memcpy(t->op_params + SAVED, t->op_params, sizeof(int32_t) * USED);
    memcpy(t->op_params, a->custom, sizeof a->custom);
    t->op = GGML_OP_CUSTOM;
}

static void restore(struct ggml_tensor *t) {
    int32_t params[PARAMS] = {0};
    memcpy(params, t->op_params + SAVED, sizeof(int32_t) * USED);
    memcpy(t->op_params, params, sizeof params);
    t->op = GGML_OP_FLASH_ATTN_EXT;
}

static int kind(const struct attention *a) { return a->n_plans > 1 ? LONG : SHORT; }

/* ggml_backend_sched_eval_callback: with `ask`, whether to be called again once the node is computed. */
bool attention_watch(struct ggml_tensor *t, bool ask, void *user) {
    struct attention *a = user;
    if (!ask) {
        a->computed = true;
        a->compared |= kind(a);
        if (!agrees(a, t)) __atomic_store_n(a->wrong, 1, __ATOMIC_RELAXED);
        return true;
    }
    /* Nodes are asked for before any of their part of a graph is computed: so a new call begins here. */
    if (a->computed || t == a->first) a->first = NULL, a->computed = false;
    if (replaced(a, t)) restore(t); /* llama.cpp keeps graphs; their masks change */
    if (t->op != GGML_OP_FLASH_ATTN_EXT || distrusted(a) || !known(t)) return false;
    if (!a->first && !make_plans(a, t)) return false;
    if (!planned(a, t)) return false;
    if (!(a->compared & kind(a))) return true;
    replace(a, t);
    return false;
}

/* SHORT and LONG for the kinds of calls that were compared since `attention_again`. */
int attention_compared(const struct attention *a) { return a->compared; }

/* Compare the next call of each kind. */
void attention_again(struct attention *a) { a->compared = 0; }

void attention_free(struct attention *a) {
    for (int i = 0; i < MOST_TOKENS / TOKENS; i++) free_plan(&a->plans[i]);
    for (int i = 0; a->work && i < a->threads; i++) free(a->work[i]);
    free(a->work);
    free(a->room);
    free(a);
}

/* Whether the ggml that is loaded has the structures of the headers that this was compiled with, as far as one tensor shows. */
static bool understood(struct ggml_tensor *made) {
    const ggml_custom_op_t ours = operate;
    for (int i = USED; i < PARAMS; i++)
        if (made->op_params[i]) return false;
    return made->op == GGML_OP_CUSTOM && !strcmp(ggml_op_name(GGML_OP_FLASH_ATTN_EXT), "FLASH_ATTN_EXT") &&
           !memcmp(made->op_params, &ours, sizeof ours) && !strcmp(ggml_set_name(made, "x")->name, "x");
}

/* For a context of so many threads; NULL where memory ends or this ggml is another one than was compiled for. */
struct attention *attention_new(int threads, int *wrong) {
    struct attention *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->threads = threads;
    a->wrong = wrong;
    a->work = calloc(threads, sizeof *a->work);
    a->room = calloc(threads, sizeof *a->room);
    struct ggml_context *context = ggml_init((struct ggml_init_params){4 * ggml_tensor_overhead(), NULL, true});
    bool usable = false;
    if (a->work && a->room && context) {
        struct ggml_tensor *made = ggml_custom_4d(context, GGML_TYPE_F32, 1, 1, 1, 1, NULL, 0, operate, threads, a);
        usable = understood(made);
        memcpy(a->custom, made->op_params, sizeof a->custom);
    }
    if (context) ggml_free(context);
    if (usable) return a;
    attention_free(a);
    return NULL;
}
