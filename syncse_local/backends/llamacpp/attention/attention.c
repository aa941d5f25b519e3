/* Attention for many sequences that share prefixes, in place of llama.cpp's own, on a CPU.
 *
 * llama.cpp asks `attention_watch` about each node of a graph before it computes it; flash attention of a shape supported here
 * becomes a custom operation. The first call of up to TOKENS tokens, and the first of more, are computed both ways in their
 * first layer: where the results differ, llama.cpp's way is used from then on. Knows ggml's tensors and no model.
 */
#include "attend.h"

#define MAX_TOKENS 512 /* of a call */
#define PARAMS (GGML_MAX_OP_PARAMS / 4)
#define USED 6   /* op_params[... USED] may be those of an attention, the others are 0 */
#define SAVED 10 /* op_params[SAVED ...] keep them in a custom operation, whose own are before */
#define KINDS 3 /* of layers in a model: full attention and sliding windows have masks of their own, and may have unlike heads */

enum { SHORT = 1, LONG = 2 };

/* The layers of one call that have their mask and sizes in common, and so their plans. */
struct layers {
    struct attention *of;
    int n_plans;
    int tokens, group, D, DV;               /* of the attention that the plans were made for */
    const struct ggml_tensor *first, *mask; /* its node, and its mask */
    bool computed;                          /* since the plans were made */
    int compared;                           /* kinds of calls */
    struct plan plans[MAX_TOKENS / TOKENS];
    int32_t custom[SAVED]; /* parameters of ggml's custom operation */
};

struct attention {
    int threads;
    int *wrong; /* whether a comparison failed; one for all decoders of a model */
    float **work;
    size_t *capacity;
    int ours, theirs; /* attentions since `attention_again` */
    struct layers layers[KINDS]; /* in the order in which a call comes to them */
};

static bool distrusted(const struct attention *a) { return __atomic_load_n(a->wrong, __ATOMIC_RELAXED); }

/* `params`: scale, ALiBi, cap. */
static void compute(const struct layers *l, struct ggml_tensor *out, const float *params, int thread, int threads) {
    struct head h = {out->src[0], out->src[1], out->src[2], .sinks = out->src[4], .D = l->D, .DV = l->DV, .group = l->group,
                     .scale = params[0] * LOG2_E, .cap = params[2] * LOG2_E};
    const int heads = (int)h.k->ne[2];
    for (int item = thread; item < l->n_plans * heads; item += threads) {
        h.plan = &l->plans[item / heads];
        h.from = item / heads * TOKENS;
        h.index = item % heads;
        load_queries(&h, l->of->work[thread]);
        attend_shared(&h);
        attend_own(&h, out);
    }
}

static void custom_op(struct ggml_tensor *out, int thread, int threads, void *user) {
    struct layers *l = user;
    const int most = l->of->threads;
    float params[3];
    memcpy(params, &out->op_params[SAVED], sizeof params);
    if (thread == 0) l->computed = true;
    if (thread < most) compute(l, out, params, thread, threads < most ? threads : most);
}

static bool dense(const struct ggml_tensor *t, enum ggml_type type) {
    return t && t->type == type && t->data && t->ne[3] == 1 && t->nb[0] == ggml_type_size(type);
}

static bool supported_size(int64_t size) { return size % 16 == 0 && size <= MAX_HEAD_SIZE; }

/* Whether this attention can be computed here: 16-bit cells in one stream, a mask of the call's own, no ALiBi. */
static bool supported(const struct ggml_tensor *out) {
    const struct ggml_tensor *q = out->src[0], *k = out->src[1], *v = out->src[2], *mask = out->src[3];
    float params[3]; /* scale, ALiBi, cap */
    memcpy(params, out->op_params, sizeof params);
    for (int i = USED; i < PARAMS; i++)
        if (out->op_params[i]) return false;
    return dense(out, GGML_TYPE_F32) && ggml_is_contiguous(out) && dense(q, GGML_TYPE_F32) && dense(k, GGML_TYPE_F16) &&
           dense(v, GGML_TYPE_F16) && dense(mask, GGML_TYPE_F16) && mask->op == GGML_OP_NONE && mask->ne[2] == 1 &&
           mask->ne[0] == k->ne[1] && mask->ne[1] >= q->ne[1] && q->ne[1] <= MAX_TOKENS &&
           supported_size(q->ne[0]) && supported_size(v->ne[0]) &&
           q->ne[2] % k->ne[2] == 0 && k->ne[2] == v->ne[2] && k->ne[1] == v->ne[1] && params[1] == 0 && params[2] >= 0 &&
           (!out->src[4] || (dense(out->src[4], GGML_TYPE_F32) && out->src[4]->ne[0] == q->ne[2]));
}

static bool make_plans(struct layers *l, const struct ggml_tensor *out) {
    const struct ggml_tensor *q = out->src[0], *k = out->src[1], *v = out->src[2];
    const struct attention *a = l->of;
    const int tokens = l->tokens = (int)q->ne[1];
    size_t floats = 0;
    l->group = (int)(q->ne[2] / k->ne[2]);
    l->D = (int)q->ne[0];
    l->DV = (int)v->ne[0];
    l->n_plans = (tokens + TOKENS - 1) / TOKENS;
    for (int i = 0; i < l->n_plans; i++) {
        const int left = tokens - i * TOKENS;
        if (!make_plan(&l->plans[i], out->src[3], i * TOKENS, left < TOKENS ? left : TOKENS, l->group)) return false;
        const size_t needed = workspace_floats(&l->plans[i], l->D, l->DV, l->group);
        if (needed > floats) floats = needed;
    }
    for (int i = 0; i < a->threads; i++)
        if (!reserve(&a->work[i], &a->capacity[i], sizeof(float) * floats)) return false;
    l->first = out;
    l->mask = out->src[3];
    return true;
}

static bool planned(const struct layers *l, const struct ggml_tensor *out) {
    const struct ggml_tensor *q = out->src[0], *k = out->src[1], *v = out->src[2];
    return l->first && out->src[3] == l->mask && q->ne[1] == l->tokens && q->ne[2] == l->group * k->ne[2] && q->ne[0] == l->D &&
           v->ne[0] == l->DV;
}

/* The layers that this one is among; NULL where there are none of its kind. */
static struct layers *find_layers(struct attention *a, const struct ggml_tensor *out) {
    for (int i = 0; i < KINDS; i++)
        if (planned(&a->layers[i], out)) return &a->layers[i];
    return NULL;
}

/* The same, with plans made for a kind that this call had not come to; NULL where it has too many, or memory ends. */
static struct layers *layers_of(struct attention *a, const struct ggml_tensor *out) {
    struct layers *found = find_layers(a, out);
    for (int i = 0; i < KINDS && !found; i++)
        if (!a->layers[i].first) return make_plans(&a->layers[i], out) ? &a->layers[i] : NULL;
    return found;
}

/* How far apart two results may be, as a share of the largest number: llama.cpp sums in 16 bits, so that of thousands of cells that
 * count the same the last ones are lost. Another layout, mask or scale than was thought makes all the difference. */
static float tolerance(const struct layers *l) {
    float share = 0.05f;
    for (int i = 0; i < l->n_plans; i++) share = fmaxf(share, fminf(0.5f, max_visible_cells(&l->plans[i]) / 8192.0f));
    return share;
}

/* Whether two results of a query head are the same; `size` is the largest number of all heads. */
static bool same_head(const struct layers *l, const float *ours, const float *theirs, int head, int heads, float size) {
    float apart = 0, largest = 0;
    for (int t = 0; t < l->tokens; t++)
        for (int d = 0; d < l->DV; d++) {
            const size_t i = ((size_t)t * heads + head) * l->DV + d;
            if (isfinite(theirs[i]) != isfinite(ours[i])) return false;
            if (!isfinite(theirs[i])) continue;
            largest = fmaxf(largest, fabsf(theirs[i]));
            apart = fmaxf(apart, fabsf(theirs[i] - ours[i]));
        }
    return apart <= tolerance(l) * largest + 1e-3f * size;
}

/* After llama.cpp computed `out`: whether ours is the same. If so ours stays, so that a comparison changes no text. */
static bool matches(const struct layers *l, struct ggml_tensor *out) {
    const size_t n = ggml_nelements(out);
    const int heads = (int)out->ne[1];
    float *theirs = malloc(sizeof(float) * n), *ours = out->data, params[3], size = 0;
    if (!theirs) return false;
    memcpy(theirs, ours, sizeof(float) * n);
    memcpy(params, out->op_params, sizeof params);
    compute(l, out, params, 0, 1);
    for (size_t i = 0; i < n; i++) size = isfinite(theirs[i]) ? fmaxf(size, fabsf(theirs[i])) : size;
    bool same = true;
    for (int head = 0; head < heads; head++) same = same && same_head(l, ours, theirs, head, heads, size);
    if (!same) memcpy(ours, theirs, sizeof(float) * n);
    free(theirs);
    return same;
}

static bool replaced(const struct attention *a, const struct ggml_tensor *t) {
    for (int i = 0; i < KINDS; i++)
        if (t->op == GGML_OP_CUSTOM && !memcmp(t->op_params, a->layers[i].custom, sizeof a->layers[i].custom)) return true;
    return false;
}

static void replace(const struct layers *l, struct ggml_tensor *t) {
    memcpy(t->op_params + SAVED, t->op_params, sizeof(int32_t) * USED);
    memcpy(t->op_params, l->custom, sizeof l->custom);
    t->op = GGML_OP_CUSTOM;
}

static void restore(struct ggml_tensor *t) {
    int32_t params[PARAMS] = {0};
    memcpy(params, t->op_params + SAVED, sizeof(int32_t) * USED);
    memcpy(t->op_params, params, sizeof params);
    t->op = GGML_OP_FLASH_ATTN_EXT;
}

static int call_kind(const struct layers *l) { return l->n_plans > 1 ? LONG : SHORT; }

/* Nodes are asked for before any of their part of a graph is computed: so a new call begins
 * after one was, or where one comes again. */
static bool is_new_call(const struct attention *a, const struct ggml_tensor *t) {
    for (int i = 0; i < KINDS; i++)
        if (a->layers[i].computed || t == a->layers[i].first) return true;
    return false;
}

/* ggml_backend_sched_eval_callback: with `ask`, whether to be called again once the node is computed. */
bool attention_watch(struct ggml_tensor *t, bool ask, void *user) {
    struct attention *a = user;
    if (!ask) {
        struct layers *l = find_layers(a, t);
        if (!l) return true;
        l->computed = true;
        l->compared |= call_kind(l);
        if (!matches(l, t)) __atomic_store_n(a->wrong, 1, __ATOMIC_RELAXED);
        return true;
    }
    if (is_new_call(a, t))
        for (int i = 0; i < KINDS; i++) a->layers[i].first = NULL, a->layers[i].computed = false;
    if (replaced(a, t)) restore(t); /* llama.cpp keeps graphs; their masks change */
    if (t->op != GGML_OP_FLASH_ATTN_EXT) return false;
    struct layers *l = distrusted(a) || !supported(t) ? NULL : layers_of(a, t);
    *(l ? &a->ours : &a->theirs) += 1;
    if (!l) return false;
    if (!(l->compared & call_kind(l))) return true;
    replace(l, t);
    return false;
}

/* SHORT and LONG for the kinds of calls that were compared since `attention_again`. */
int attention_compared(const struct attention *a) {
    int compared = 0;
    for (int i = 0; i < KINDS; i++) compared |= a->layers[i].compared;
    return compared;
}

/* How many attentions were computed here, and how many by llama.cpp, since `attention_again`. */
int attention_ours(const struct attention *a) { return a->ours; }
int attention_theirs(const struct attention *a) { return a->theirs; }

/* Compare the next call of each kind, and count anew. */
void attention_again(struct attention *a) {
    a->ours = a->theirs = 0;
    for (int i = 0; i < KINDS; i++) a->layers[i].compared = 0;
}

void attention_free(struct attention *a) {
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < MAX_TOKENS / TOKENS; i++) free_plan(&a->layers[k].plans[i]);
    for (int i = 0; a->work && i < a->threads; i++) free(a->work[i]);
    free(a->work);
    free(a->capacity);
    free(a);
}

/* Whether the ggml that is loaded has the structures of the headers that this was compiled with, as far as one tensor shows. */
static bool same_abi(struct ggml_tensor *made) {
    const ggml_custom_op_t ours = custom_op;
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
    a->capacity = calloc(threads, sizeof *a->capacity);
    struct ggml_context *context = ggml_init((struct ggml_init_params){(KINDS + 3) * ggml_tensor_overhead(), NULL, true});
    bool usable = a->work && a->capacity && context;
    for (int i = 0; i < KINDS && usable; i++) {
        struct layers *l = &a->layers[i];
        struct ggml_tensor *made = ggml_custom_4d(context, GGML_TYPE_F32, 1, 1, 1, 1, NULL, 0, custom_op, threads, l);
        usable = same_abi(made);
        l->of = a;
        memcpy(l->custom, made->op_params, sizeof l->custom);
    }
    if (context) ggml_free(context);
    if (usable) return a;
    attention_free(a);
    return NULL;
}
