"""Every module that sentence-transformers saves: the same vectors to 1e-5, here and after we saved it; else refused with the reason.

Directories are written by the installed library (6.x); the layouts of older releases stand in `test_encoder_layouts`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Router
from sentence_transformers.sentence_transformer import modules as st
from sentence_transformers.sparse_encoder.modules import SpladePooling
from tokenizers import Tokenizer
from torch import nn

from syncse_local.encoders.adapter import TransformerEncoder
from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.encoder_modules import MODES
from syncse_local.training.loop import train
from tests.contract.encoders_alike import SENTENCES, alike, edit, model, theirs
from tests.contract.random_encoders import write
from tests.unit.training_setup import Listener, triplets
from tests.unit.training_setup import options as training_options

PROMPTS: dict[str, str | None] = {"query": "a red car: ", "document": "the dog. ", "other": ""}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("bert", tmp_path_factory.mktemp("bert") / "model")


def saved(path: Path, bert: Path, *modules: Any, **options: Any) -> Path:
    """A directory of this transformer and these modules, as the library writes it."""
    torch.manual_seed(0)
    made = SentenceTransformer(modules=[st.Transformer(str(bert)), *modules], device="cpu", **options)
    made.save(str(path / "theirs"))
    return path / "theirs"


def alike_and_saved(path: Path) -> TransformerEncoder:
    """Ours are theirs, and what we save of it is the same again, for them and for us."""
    encoder = alike(path)
    assert isinstance(encoder, TransformerEncoder)
    again = path.with_name("again")
    Encoder.load(path).save(again)
    assert np.abs(theirs(again) - theirs(path)).max() < 1e-5
    alike(again)
    return encoder


def refused(path: Path) -> str:
    """Why the directory is refused, for evaluation and for training alike."""
    said = []
    for load in (open_encoder, Encoder.load):
        with pytest.raises(SyncseError) as caught:
            load(path)
        assert caught.value.code == ExitCode.PREFLIGHT
        assert caught.value.hint
        said.append(caught.value.detail)
    assert len(set(said)) == 1
    return said[0]


@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), ("cls", "mean"), ("mean", "lasttoken", "cls")])
@pytest.mark.parametrize("include", [True, False])
def test_poolings(modes: tuple[str, ...], include: bool, bert: Path, tmp_path: Path) -> None:
    pooling = st.Pooling(32, pooling_mode=modes, include_prompt=include)
    path = saved(tmp_path, bert, pooling, prompts=PROMPTS, default_prompt_name="query")
    alike_and_saved(path)
    alike(path, prompt="")
    alike(path, prompt="no dog. ")
    config = json.loads((tmp_path / "again" / "1_Pooling" / "config.json").read_text())
    assert config.get("include_prompt", True) is include


def test_a_text_of_nothing_but_its_prompt(bert: Path, tmp_path: Path) -> None:
    """The prompt fills all positions: nothing is left to pool, which is zero, or for [CLS] the first token."""
    for modes in (("mean",), ("cls",), ("lasttoken",), ("weightedmean",)):
        prompts: dict[str, str | None] = {"long": "dog " * 99}
        pooling = st.Pooling(32, pooling_mode=modes, include_prompt=False)
        path = saved(tmp_path / modes[0], bert, pooling, prompts=prompts, default_prompt_name="long")
        assert np.abs(open_encoder(path).encode(SENTENCES) - theirs(path)).max() < 1e-5, modes


ACTIVATIONS = [*nn.modules.activation.__all__, "Identity"]
REFUSED = ("MultiheadAttention", "Softmax2d", "Threshold")
"""Those that need arguments or pictures: the library itself cannot load or run them."""


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dense_with_every_activation_of_torch(name: str, bert: Path, tmp_path: Path) -> None:
    where = tmp_path / "theirs" / "2_Dense" / "config.json"
    if name in REFUSED:
        path = saved(tmp_path, bert, st.Pooling(32), st.Dense(32, 24))
        edit(where, activation_function=f"torch.nn.modules.activation.{name}")
        assert "activation function" in refused(path)
        return
    path = saved(tmp_path, bert, st.Pooling(32), st.Dense(32, 24, activation_function=getattr(nn, name)()))
    alike_and_saved(path)


DENSE: dict[str, Callable[[], list[Any]]] = {
    "no bias": lambda: [st.Pooling(32), st.Dense(32, 8, bias=False)],
    "added to what it is given": lambda: [st.Pooling(32), st.Dense(32, 32, use_residual=True)],
    "added through another layer": lambda: [st.Pooling(32), st.Dense(32, 8, use_residual=True), st.Normalize()],
    "on tokens": lambda: [st.Dense(32, 8, module_input_name="token_embeddings"), st.Pooling(8, "max")],
    "on tokens, to the first": lambda: [st.Dense(32, 8, module_input_name="token_embeddings"), st.Pooling(8, "cls")],
    "on tokens when nobody looks": lambda: [st.Pooling(32), st.Dense(32, 8, module_input_name="token_embeddings")],
    "two": lambda: [st.Pooling(32, ("cls", "mean")), st.Dense(64, 48), st.Dense(48, 9, activation_function=nn.GELU())],
    "halved": lambda: [st.Pooling(32), st.Dense(32, 24, activation_function=nn.GLU()), st.Dense(12, 5)],
}
OTHERS: dict[str, Callable[[], list[Any]]] = {
    "Normalize": lambda: [st.Pooling(32), st.Normalize()],
    "Normalize on tokens": lambda: [st.Normalize("token_embeddings"), st.Pooling(32)],
    "Normalize before there is a vector": lambda: [st.Normalize(), st.Pooling(32)],
    "LayerNorm": lambda: [st.Pooling(32), _shaken(st.LayerNorm(32))],
    "Dropout": lambda: [st.Pooling(32), st.Dropout(0.3), st.Dense(32, 8), st.Dropout(0.9)],
    "layer weights passed over": lambda: [st.WeightedLayerPooling(32, 2, 1), st.Pooling(32)],
    "word weights": lambda: [_weights(), st.Pooling(32, ("mean", "mean_sqrt_len_tokens", "weightedmean", "max"))],
    "CNN": lambda: [st.CNN(32, 5, [1, 3, 5]), st.Pooling(15)],
    "CNN with a stride": lambda: [st.CNN(32, 5, [3], [2]), st.Pooling(5, "max")],
    "CNN of an even size": lambda: [st.CNN(32, 5, [2]), st.Pooling(5)],
}


def _shaken(module: Any) -> Any:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    return module


def _weights() -> Any:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz0123456789.,'?!:"]
    rest = [f"##{n}" for n in range(90)]
    return st.WordWeights(words + rest, {"A": 0.5, "g": 3.0, "[CLS]": 0.1, "unseen": 9.0}, 0.7)


@pytest.mark.parametrize("case", [*DENSE, *OTHERS])
def test_modules_around_the_pooling(case: str, bert: Path, tmp_path: Path) -> None:
    alike_and_saved(saved(tmp_path, bert, *{**DENSE, **OTHERS}[case]()))


@pytest.mark.parametrize("asked", ["config.json", "sentence_bert_config.json"])
def test_layer_weights_count_where_hidden_states_are_asked_for(asked: str, bert: Path, tmp_path: Path) -> None:
    weights = torch.nn.Parameter(torch.tensor([0.2, 3.0]))
    path = saved(tmp_path, bert, st.WeightedLayerPooling(32, 2, 1, weights), st.Pooling(32))
    told = alike(path).notes
    assert any("layer weights are passed over" in note for note in told)
    before = theirs(path)
    changed = (
        {"output_hidden_states": True} if asked == "config.json" else {"config_kwargs": {"output_hidden_states": True}}
    )
    edit(path / asked, **changed)
    assert alike_and_saved(path).notes == []
    assert np.abs(theirs(path) - before).max() > 1e-2


def test_the_whole_models_settings_count_and_are_kept(bert: Path, tmp_path: Path) -> None:
    options = {"prompts": PROMPTS, "default_prompt_name": "document", "truncate_dim": 8, "similarity_fn_name": "dot"}
    path = saved(tmp_path, bert, st.Pooling(32, include_prompt=False), st.Dense(32, 16), **options)
    encoder = alike_and_saved(path)
    assert encoder.settings | {"prompt": "the dog. ", "dimension": 8, "similarity": "dot"} == encoder.settings
    library = model(tmp_path / "again")
    assert {name: getattr(library, name) for name in options} == options
    assert library[1].include_prompt is False
    edit(path / "config_sentence_transformers.json", similarity_fn_name="maxsim", truncate_dim=99)
    assert alike(path).similarity == "cosine"


def test_training_keeps_the_settings_and_says_which_modules_it_leaves_out(bert: Path, tmp_path: Path) -> None:
    options = {
        "prompts": PROMPTS,
        "default_prompt_name": "document",
        "truncate_dim": 8,
        "similarity_fn_name": "euclidean",
    }
    modules = (st.Pooling(32, "cls", include_prompt=False), st.Dense(32, 16), st.Dropout(0.1), st.Normalize())
    path = saved(tmp_path, bert, *modules, **options)
    listener = Warned()
    opts = training_options(path, tmp_path, pooling="avg", max_steps=1)
    train(opts, triplets(16), [], listener)
    assert listener.warnings == ["--pooling avg leaves out the encoder's own Dense"]
    trained = alike(opts.output)
    alike(opts.output, prompt="no dog. ")
    library = model(opts.output)
    assert {name: getattr(library, name) for name in options} == options
    assert library[1].include_prompt is False
    before = Encoder.load(path, pooling="avg").encode(SENTENCES)
    assert np.abs(trained.encode(SENTENCES) - before).max() > 1e-4


class Warned(Listener):
    """A reporter that keeps the warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def event(self, kind: str, **data: object) -> None:
        self.warnings += [str(data["text"])] if kind == "warning" else []


@pytest.mark.parametrize("lower", [True, False])
def test_lower_case_is_for_prompts_too_and_not_for_special_tokens(lower: bool, tmp_path: Path) -> None:
    write("bert", tmp_path / "model", cased=True)
    path = saved(tmp_path, tmp_path / "model", st.Pooling(32), prompts={"q": "The DOG: "}, default_prompt_name="q")
    edit(path / "sentence_bert_config.json", do_lower_case=lower)
    alike_and_saved(path)
    texts = ["A [MASK] İSTANBUL ΣΑΣ", "[CLS] dog"]
    assert np.abs(open_encoder(path).encode(texts) - model(path).encode(texts)).max() < 1e-5


def test_a_length_in_the_librarys_files_comes_before_the_tokenizers(bert: Path, tmp_path: Path) -> None:
    path = saved(tmp_path, bert, st.Pooling(32))
    for told, longest in (
        ({"max_seq_length": 7}, 7),
        ({"max_seq_length": None, "processor_kwargs": {"model_max_length": 9}}, 9),
        ({"processor_kwargs": None, "tokenizer_args": {"model_max_length": 11, "padding_side": "left"}}, 11),
    ):
        edit(path / "tokenizer_config.json", model_max_length=5)
        edit(path / "sentence_bert_config.json", **told)
        assert alike(path).settings["max_length"] == longest


def test_harmless_arguments_are_passed_over(bert: Path, tmp_path: Path) -> None:
    path = saved(tmp_path, bert, st.Pooling(32))
    arguments = {"attn_implementation": "eager", "torch_dtype": "float32", "add_pooling_layer": False}
    edit(path / "sentence_bert_config.json", model_args=arguments, unpad_inputs=False)
    alike(path)


def test_static_embeddings_with_what_follows_them(bert: Path, tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    made = Tokenizer.from_file(str(bert / "tokenizer.json"))
    rest: list[list[Any]] = [[], [st.Normalize()], [st.Dense(16, 12), st.Dropout(0.1), _shaken(st.LayerNorm(12))]]
    for number, modules in enumerate(rest):
        options = {
            "prompts": PROMPTS,
            "default_prompt_name": "query",
            "truncate_dim": 7,
            "similarity_fn_name": "manhattan",
        }
        first = st.StaticEmbedding(made, embedding_weights=table)
        library = SentenceTransformer(modules=[first, *modules], device="cpu", **options)
        library.save(str(tmp_path / str(number)))
        encoder = alike(tmp_path / str(number))
        alike(tmp_path / str(number), prompt="no dog ")
        assert (encoder.similarity, encoder.prompts.text("query")) == ("manhattan", "a red car: ")


def _words(**options: Any) -> Any:
    names = ["PADDING", "a", "man", "is", "playing", "guitar", "Rain", "rain", "dogs", "field", "green", "two"]
    table = np.random.default_rng(1).normal(size=(len(names), 6)).astype(np.float32)
    tokenizer = st.tokenizer.WhitespaceTokenizer(names, stop_words=["is", "over"], **options)
    return st.WordEmbeddings(tokenizer, table, max_seq_length=6)


WORDS: dict[str, Callable[[], list[Any]]] = {
    "mean": lambda: [_words(), st.Pooling(6)],
    "lower case": lambda: [_words(do_lower_case=True), st.Pooling(6, ("mean", "max")), st.Dense(12, 4), st.Normalize()],
    "LSTM": lambda: [_words(), st.LSTM(6, 5, num_layers=2), st.Pooling(10, ("max", "lasttoken"))],
    "LSTM, one way": lambda: [_words(), st.LSTM(6, 5, bidirectional=False), st.Pooling(5)],
    "CNN": lambda: [_words(), st.CNN(6, 4, [1, 3]), st.Pooling(8)],
    "weights": lambda: [_words(), st.WordWeights(["PADDING", "a", "man", *"123456789"], {"man": 3.0}), st.Pooling(6)],
    "bag": lambda: [st.BoW(["a", "man", "Rain", "dogs", "red"], {"man": 2.5}, 0.5)],
    "bag, once each": lambda: [
        st.BoW(["a", "man", "is"], cumulative_term_frequency=False),
        st.Dense(3, 4),
        st.Normalize(),
    ],
}


@pytest.mark.parametrize("case", WORDS)
def test_word_embeddings_and_bags_of_words(case: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    library = SentenceTransformer(modules=WORDS[case](), device="cpu", prompts={"q": "two "}, default_prompt_name="q")
    library.save(str(tmp_path / "theirs"))
    alike(tmp_path / "theirs")
    texts = ["a 'man' (man), Man! is", "unheard of", ""]
    ours = open_encoder(tmp_path / "theirs").encode(texts, prompt="")
    assert np.allclose(ours, library.encode(texts, batch_size=1, prompt=""), atol=1e-5, equal_nan=True)
    with pytest.raises(SyncseError, match="which is evaluated and not trained"):
        Encoder.load(tmp_path / "theirs")


def _sparse(path: Path, bert: Path) -> None:
    SparseEncoder(modules=[st.Transformer(str(bert)), SpladePooling()], device="cpu").save(str(path))


def _routes(path: Path, bert: Path) -> None:
    parts = [[st.Transformer(str(bert)), st.Pooling(32)] for _ in range(2)]
    SentenceTransformer(modules=[Router.for_query_document(*parts)], device="cpu").save(str(path))


def _cross(path: Path, bert: Path) -> None:
    CrossEncoder(str(bert), num_labels=1, device="cpu").save(str(path))


def _told(**settings: Any) -> Callable[[Path, Path], None]:
    def make(path: Path, bert: Path) -> None:
        saved(path.parent, bert, st.Pooling(32)).rename(path)
        edit(path / "sentence_bert_config.json", **settings)

    return make


MESSAGE = {"method": "forward", "method_output_name": "last_hidden_state", "format": "flat"}
POOLER = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
NOT_HERE: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "sparse": (_sparse, "SparseEncoder: its vectors are as wide as the vocabulary"),
    "routes": (_routes, "queries and documents through different encoders"),
    "cross-encoder": (_cross, "CrossEncoder: it scores pairs"),
    "another task": (_told(transformer_task="fill-mask"), "is for the task 'fill-mask'"),
    "chat template": (_told(modality_config={"text": POOLER["text"], "message": MESSAGE}), "chat template"),
    "pooler output": (_told(modality_config=POOLER, module_output_name="sentence_embedding"), "'pooler_output'"),
    "processing": (_told(processing_kwargs={"text": {"max_length": 4}}), "processing_kwargs is set"),
    "two lengths": (_told(query_length=8), "query_length is set"),
    "another tokenizer": (_told(tokenizer_name_or_path="elsewhere"), "tokenizer_name_or_path is set"),
    "odd argument": (_told(model_args={"gguf_file": "x"}), "model_kwargs sets 'gguf_file'"),
    "odd setting": (_told(config_args={"no_such": 1}), "config_kwargs sets 'no_such'"),
    "odd tokenizer argument": (_told(tokenizer_args={"split_special_tokens": True}), "'split_special_tokens'"),
}


@pytest.mark.parametrize("case", NOT_HERE)
def test_what_is_another_kind_of_model_is_refused_with_its_kind(case: str, bert: Path, tmp_path: Path) -> None:
    make, reason = NOT_HERE[case]
    make(tmp_path / "model", bert)
    assert reason in refused(tmp_path / "model")
