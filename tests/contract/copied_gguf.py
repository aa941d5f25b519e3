"""Copies of a GGUF file with a key left away, or cut into parts of any names."""

from collections.abc import Sequence
from pathlib import Path

from gguf import GGUFReader, GGUFValueType, GGUFWriter


def copy(source: Path, *targets: Path, without: Sequence[str] = ()) -> None:
    """Write the model into one file, or with its tensors dealt out to several, each with its number."""
    reader = GGUFReader(source)
    fields = {name: field for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    architecture = fields.pop("general.architecture").contents()
    share = -(-len(reader.tensors) // len(targets))
    for number, target in enumerate(targets):
        writer = GGUFWriter(target, architecture)
        for name, field in fields.items() if number == 0 else ():
            if name not in without:
                kind = field.types[0]
                inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
                writer.add_key_value(name, field.contents(), kind, inner)
        if len(targets) > 1:
            writer.add_uint16("split.no", number)
            writer.add_uint16("split.count", len(targets))
            writer.add_int32("split.tensors.count", len(reader.tensors))
        for tensor in reader.tensors[number * share : (number + 1) * share]:
            writer.add_tensor(tensor.name, tensor.data, raw_shape=tensor.data.shape, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
