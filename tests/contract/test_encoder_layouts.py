"""Directories as releases of sentence-transformers since 0.4, transformers and SimCSE write them, by hand: the same vectors there.

Each case says what a release wrote; nothing here is written by the installed library.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from syncse_local.encoders.adapter import TransformerEncoder
from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import SyncseError
from syncse_local.modelfiles.transformer_settings import FILES
from syncse_local.training.loop import train
from tests.contract.encoders_alike import SENTENCES, alike, edit, theirs
from tests.contract.random_encoders import T5, tokenizer, write
from tests.unit.training_setup import Listener, options, triplets

MEAN = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}


def listed(path: Path, *modules: tuple[str, str]) -> None:
    """modules.json of these (folder, class)."""
    rows = [{"idx": i, "name": str(i), "path": where, "type": kind} for i, (where, kind) in enumerate(modules)]
    (path / "modules.json").write_text(json.dumps(rows))


def sentence_bert(
    path: Path, kind: str = "bert", where: str = "", prefix: str = "sentence_transformers.models."
) -> Path:
    """A transformer and a mean, with nothing else."""
    write(kind, path / where)
    listed(path, (where, f"{prefix}Transformer"), ("1_Pooling", f"{prefix}Pooling"))
    edit(path / "1_Pooling" / "config.json", **MEAN)
    return path


@pytest.mark.parametrize("file", FILES)
def test_the_length_stands_in_a_file_of_the_models_kind(file: str, tmp_path: Path) -> None:
    """0.4 to 0.9: the transformer in a folder of its own, its settings in a file named after its class."""
    path = sentence_bert(tmp_path, where="0_Transformer")
    edit(path / "0_Transformer" / file, max_seq_length=6, do_lower_case=False)
    assert alike(path).settings["max_length"] == 6


@pytest.mark.parametrize("kind", ["BERT", "RoBERTa", "XLNet"])
def test_the_transformer_by_its_name_before_0_4(kind: str, tmp_path: Path) -> None:
    """The installed library knows these names no more: the vectors are those under today's name."""
    path = sentence_bert(tmp_path, where="0_BERT")
    now = theirs(path)
    listed(
        path, ("0_BERT", f"sentence_transformers.models.{kind}"), ("1_Pooling", "sentence_transformers.models.Pooling")
    )
    assert np.abs(open_encoder(path).encode(SENTENCES) - now).max() < 1e-5


PATHS = {
    "2 to 5.3": ("sentence_transformers.models.", "sentence_transformers.models."),
    "5.4": (
        "sentence_transformers.base.modules.transformer.",
        "sentence_transformers.sentence_transformer.modules.pooling.",
    ),
}


@pytest.mark.parametrize("release", PATHS)
def test_the_classes_under_the_paths_of_each_release(release: str, tmp_path: Path) -> None:
    path = sentence_bert(tmp_path)
    first, second = PATHS[release]
    listed(path, ("", f"{first}Transformer"), ("1_Pooling", f"{second}Pooling"))
    alike(path)


def test_a_module_wherever_its_path_says(tmp_path: Path) -> None:
    path = sentence_bert(tmp_path)
    (path / "1_Pooling").rename(path / "elsewhere")
    listed(
        path, (".", "sentence_transformers.models.Transformer"), ("elsewhere", "sentence_transformers.models.Pooling")
    )
    alike(path)


def test_weights_in_several_files_and_without_metadata(tmp_path: Path) -> None:
    path = sentence_bert(tmp_path)
    tensors = load_file(path / "model.safetensors")
    names = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(tensors)}
    for file in set(names.values()):
        save_file({name: tensors[name] for name, where in names.items() if where == file}, path / file)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
    alike(path)


def test_modules_by_their_older_keys(tmp_path: Path) -> None:
    """Layer weights, a convolution and a dense layer as written before 5.2, when sizes had other names."""
    path = sentence_bert(tmp_path)
    edit(path / "config.json", output_hidden_states=True)
    kinds = ("WeightedLayerPooling", "CNN", "Pooling", "Dense")
    rest = [(f"{n}_{kind}", f"sentence_transformers.models.{kind}") for n, kind in enumerate(kinds, start=1)]
    listed(path, ("", "sentence_transformers.models.Transformer"), *rest)
    edit(path / "1_WeightedLayerPooling/config.json", word_embedding_dimension=32, layer_start=1, num_hidden_layers=2)
    save_file({"layer_weights": torch.tensor([0.3, 0.9])}, path / "1_WeightedLayerPooling" / "model.safetensors")
    edit(path / "2_CNN/cnn_config.json", in_word_embedding_dimension=32, out_channels=4, kernel_sizes=[1, 3])
    shapes = {"convs.0.weight": (4, 32, 1), "convs.0.bias": (4,), "convs.1.weight": (4, 32, 3), "convs.1.bias": (4,)}
    save_file({name: torch.randn(shape) for name, shape in shapes.items()}, path / "2_CNN" / "model.safetensors")
    edit(path / "3_Pooling/config.json", **{**MEAN, "word_embedding_dimension": 8}, pooling_mode_max_tokens=True)
    edit(path / "4_Dense/config.json", in_features=16, out_features=3)  # no activation named: it is Tanh
    dense = {"linear.weight": torch.randn(3, 16), "linear.bias": torch.randn(3)}
    save_file(dense, path / "4_Dense" / "model.safetensors")
    assert alike(path).notes == []


def test_a_prompt_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = sentence_bert(tmp_path)
    edit(path / "config_sentence_transformers.json", prompts={"q": "x"}, default_prompt_name="r")
    with pytest.raises(SyncseError, match="names 'r' as its default prompt"):
        open_encoder(path)
    edit(path / "config_sentence_transformers.json", prompts={"q": "x"}, default_prompt_name="query")
    alike(path)  # the library has `query` and `document` always, and empty


class TestSimCse:
    """RobertaForCL and BertForCL: the encoder under its prefix, the head on [CLS] beside it as `mlp.dense`."""

    @pytest.fixture(params=["roberta", "bert"])
    def checkpoint(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        """As SimCSE's and SynCSE's trainer leaves it, with a masked head that the vectors do not need."""
        kind = request.param
        path = write(kind, tmp_path / "model")
        tensors = {f"{kind}.{n}": t for n, t in load_file(path / "model.safetensors").items() if "pooler" not in n}
        torch.manual_seed(5)
        head = {"mlp.dense.weight": torch.randn(32, 32), "mlp.dense.bias": torch.randn(32)}
        save_file({**tensors, **head, "lm_head.bias": torch.zeros(9)}, path / "model.safetensors", {"format": "pt"})
        edit(path / "config.json", architectures=["RobertaForCL" if kind == "roberta" else "BertForCL"])
        return path

    @staticmethod
    def reference(path: Path, head: bool = True) -> np.ndarray:
        """tanh(W [CLS] + b), by transformers alone."""
        tensors = load_file(path / "model.safetensors")
        kind = json.loads((path / "config.json").read_text())["model_type"]
        tokens = hf.AutoTokenizer.from_pretrained(path)
        config = hf.AutoConfig.from_pretrained(path)
        model: Any = hf.AutoModel.from_config(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]
        model.load_state_dict({n.removeprefix(f"{kind}."): t for n, t in tensors.items() if n.startswith(f"{kind}.")})
        with torch.inference_mode():
            given = tokens(SENTENCES, padding=True, return_tensors="pt")
            first = model.eval()(given["input_ids"], given["attention_mask"]).last_hidden_state[:, 0]
            made = torch.tanh(first @ tensors["mlp.dense.weight"].T + tensors["mlp.dense.bias"]) if head else first
        return np.asarray(made)

    def test_it_loads_with_its_head(self, checkpoint: Path, tmp_path: Path) -> None:
        encoder = open_encoder(checkpoint)
        assert np.abs(encoder.encode(SENTENCES) - self.reference(checkpoint)).max() < 1e-5
        assert "SimCSE's head on [CLS]" in encoder.notes[0]
        Encoder.load(checkpoint).save(tmp_path / "saved")
        assert np.abs(theirs(tmp_path / "saved") - self.reference(checkpoint)).max() < 1e-5

    @pytest.mark.parametrize("pooling", ["cls", "cls_before_pooler"])
    def test_a_pooling_may_be_asked_for(self, checkpoint: Path, pooling: str) -> None:
        encoder = open_encoder(checkpoint, EncoderOptions(pooling=pooling))
        assert np.abs(encoder.encode(SENTENCES) - self.reference(checkpoint, pooling == "cls")).max() < 1e-5

    def test_training_goes_on_from_the_head(self, checkpoint: Path, tmp_path: Path) -> None:
        opts = options(checkpoint, tmp_path, max_steps=1, learning_rate=1e-5, pooling="cls")
        train(opts, triplets(16), [], Listener())
        assert np.abs(theirs(opts.output) - self.reference(checkpoint)).max() < 0.1

    def test_a_head_in_pieces_is_refused(self, checkpoint: Path) -> None:
        tensors = load_file(checkpoint / "model.safetensors")
        save_file({**tensors, "mlp.dense.bias": torch.zeros(3)}, checkpoint / "model.safetensors", {"format": "pt"})
        with pytest.raises(SyncseError, match="is no linear layer"):
            open_encoder(checkpoint)


def test_cls_takes_the_pooler_that_the_weights_bring_and_draws_none(tmp_path: Path) -> None:
    """SimCSE's conversion for transformers keeps its head as BERT's pooler, and its evaluation takes that for `cls`."""
    path = write("bert", tmp_path / "bert")
    model: Any = hf.AutoModel.from_pretrained(path).eval()
    given = hf.AutoTokenizer.from_pretrained(path)(SENTENCES, padding=True, return_tensors="pt")
    with torch.inference_mode():
        wanted = model(**given).pooler_output.numpy()
    asked = EncoderOptions(pooling="cls")
    assert np.abs(open_encoder(path, asked).encode(SENTENCES) - wanted).max() < 1e-5
    for kind, title in (("distilbert", "has no head on"), ("llama", "has no head on")):
        with pytest.raises(SyncseError, match=title):
            open_encoder(write(kind, tmp_path / kind), asked)


@pytest.mark.parametrize(("kind", "bidirectional"), [("llama", False), ("qwen3", True)])
def test_a_decoder_that_names_no_pooling_gives_its_last_token(kind: str, bidirectional: bool, tmp_path: Path) -> None:
    path = write(kind, tmp_path / "model")
    heads = {"llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}
    edit(path / "config.json", architectures=[heads[kind]], **({"is_causal": False} if bidirectional else {}))
    encoder = alike(path)
    assert isinstance(encoder, TransformerEncoder)
    assert encoder.settings["pooling"] == ("avg" if bidirectional else "last_token")
    assert ("mean" if bidirectional else "last token") in encoder.notes[0]


HEADS: dict[str, Any] = {"t5": hf.T5ForConditionalGeneration, "bart": hf.BartModel, "m2m_100": hf.M2M100Model}
BART = {f"{half}_{what}": 2 for half in ("encoder", "decoder") for what in ("layers", "attention_heads")}
BART |= {"encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "d_model": 32}


def halves(kind: str, path: Path) -> Any:
    """The whole of an encoder-decoder."""
    config: Any = hf.AutoConfig.for_model(
        kind, vocab_size=tokenizer(path, "t5", 64), pad_token_id=1, **(T5 if kind == "t5" else BART)
    )
    torch.manual_seed(0)
    return HEADS[kind](config)


def test_a_whole_t5_lends_its_encoder(tmp_path: Path) -> None:
    halves("t5", tmp_path).save_pretrained(tmp_path)
    alike(tmp_path)


@pytest.mark.parametrize("kind", ["bart", "m2m_100"])
def test_another_encoder_decoder_is_called_one(kind: str, tmp_path: Path) -> None:
    halves(kind, tmp_path).save_pretrained(tmp_path)
    with pytest.raises(SyncseError, match="is an encoder-decoder") as caught:
        open_encoder(tmp_path)
    assert kind in caught.value.detail


def test_the_encoder_of_a_translator_saved_by_itself(tmp_path: Path) -> None:
    halves("m2m_100", tmp_path).get_encoder().save_pretrained(tmp_path)
    alike(tmp_path)


def test_an_adapter_is_called_one(tmp_path: Path) -> None:
    """transformers would look for its base model wherever the adapter says, and take that in place of the weights here."""
    edit(write("bert", tmp_path) / "adapter_config.json", base_model_name_or_path="elsewhere", peft_type="LORA")
    with pytest.raises(SyncseError, match="holds an adapter"):
        open_encoder(tmp_path)


def test_a_decoder_made_to_look_both_ways_with_two_dense_layers(tmp_path: Path) -> None:
    """EmbeddingGemma's shape: two layers without activation after the mean, and prompts by task."""
    path = sentence_bert(tmp_path, "gemma3_text")
    edit(path / "config.json", use_bidirectional_attention=True)
    rows = json.loads((path / "modules.json").read_text())
    for place, (inputs, outputs) in enumerate(((32, 48), (48, 24)), start=2):
        rows.append({"idx": place, "path": f"{place}_Dense", "type": "sentence_transformers.models.Dense"})
        where = path / f"{place}_Dense"
        identity = {"activation_function": "torch.nn.modules.linear.Identity", "bias": False}
        edit(where / "config.json", in_features=inputs, out_features=outputs, **identity)
        save_file({"linear.weight": torch.randn(outputs, inputs)}, where / "model.safetensors")
    rows.append({"idx": 4, "path": "4_Normalize", "type": "sentence_transformers.models.Normalize"})
    (path / "modules.json").write_text(json.dumps([{**row, "name": str(n)} for n, row in enumerate(rows)]))
    (path / "4_Normalize").mkdir()
    alike(path)


def _classifier(labels: int, **more: Any) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        config = {
            "architectures": ["BertForSequenceClassification"],
            "id2label": {str(n): str(n) for n in range(labels)},
        }
        edit(path / "config.json", **config, **more)

    return make


@pytest.mark.parametrize(
    "make", [_classifier(1), _classifier(3, sentence_transformers={"version": "4.1.0", "activation_fn": "x"})]
)
def test_a_cross_encoder_of_any_release_is_called_one(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(write("bert", tmp_path))
    with pytest.raises(SyncseError, match="is a cross-encoder"):
        open_encoder(tmp_path)


def test_the_body_of_a_classifier_is_an_encoder(tmp_path: Path) -> None:
    _classifier(3)(write("bert", tmp_path))
    alike(tmp_path)


OLD_KINDS = {
    "MLMTransformer": "sparse encoder",
    "SpladePooling": "sparse encoder",
    "Asym": "queries and documents through different encoders",
    "CLIPModel": "pictures",
    "LSTM": "goes with word embeddings",
    "Wonder": "which is not known here",
}


@pytest.mark.parametrize("kind", OLD_KINDS)
def test_other_modules_are_refused_with_what_they_are(kind: str, tmp_path: Path) -> None:
    path = sentence_bert(tmp_path)
    first = "Transformer" if kind in ("LSTM", "Wonder", "SpladePooling") else kind
    rest = [
        (f"{n}_{name}", f"sentence_transformers.models.{name}") for n, name in enumerate((kind, "Pooling"), start=1)
    ]
    listed(path, ("", f"sentence_transformers.models.{first}"), *rest)
    with pytest.raises(SyncseError, match=OLD_KINDS[kind]):
        open_encoder(path)
