"""The files of a bundle: how large it will be, the project as it is in git, copies, licences, bill of materials, hashes.

Standard library only: it runs under whatever Python the bundle is for. Knows no pip.
"""

import email
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHEELS_MIB = {"cpu": 370, "cuda": 4_300, "vulkan": 560, "hip": 4_300}
"""What the wheels take: measured for the CPU, and the sizes that PyTorch publishes for the others."""
VLLM_MIB = {"none": 0, "cpu": 900, "cuda": 5_500}
"""Likewise for vLLM's own environment."""
MIB = 1 << 20
"""Bytes."""
BLOCK = 1 << 22
"""Bytes read at a time."""
LICENCE = ("licen", "copying", "notice", "authors")
"""How the names of files with licences begin, in lower case."""
WEIGHTS = (".gguf", ".safetensors")


def size(out: Path, gpu: str, vllm: str, named: list[Path]) -> None:
    """Say how large the bundle will be, and stop where the disk has too little room."""
    missing = [str(path) for path in named if not path.exists()]
    if missing:
        sys.exit(f"bundle: not there: {', '.join(missing)}")
    there = sum(path.stat().st_size for path in _files(out))
    kept = sum(path.stat().st_size for place in named for path in _files(place)) + sum(
        p.stat().st_size for p in tracked()
    )
    wheels = (WHEELS_MIB[gpu] + VLLM_MIB[vllm]) * MIB
    free = shutil.disk_usage(out).free
    print(f"  project, models and data {kept / MIB:,.0f} MiB; wheels about {wheels / MIB:,.0f} MiB")
    print(f"  {there / MIB:,.0f} MiB are in {out} already; {free / MIB:,.0f} MiB are free")
    if kept + wheels - there > free:
        sys.exit("bundle: that does not fit: name another folder")


def tracked() -> list[Path]:
    """The project's files: those of git, or all of an unpacked release."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in sorted(listed.stdout.decode().split("\0")) if name and (ROOT / name).is_file()]
    left_out = {".venv", ".vllm", ".models", ".git", "workspace", "__pycache__"}
    return [path for path in _files(ROOT) if not left_out & set(path.relative_to(ROOT).parts)]


def project(target: Path) -> None:
    """Write the project as a tar file that is the same for the same files."""
    part = target.with_name(target.name + ".part")
    with tarfile.open(part, "w") as packed:
        for path in tracked():
            about = packed.gettarinfo(path, str(path.relative_to(ROOT)))
            about.mtime, about.uid, about.gid, about.uname, about.gname = 0, 0, 0, "", ""
            about.mode = 0o755 if about.mode & 0o100 else 0o644
            with path.open("rb") as content:
                packed.addfile(about, content)
    part.replace(target)


def copy(source: Path, extra: Path) -> None:
    """Copy a file or a folder, links as what they point to; what is there already is not copied again."""
    for path in _files(source):
        target = extra / source.resolve().name / ("" if path == source else path.relative_to(source))
        about = path.stat()
        if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == (about.st_size, about.st_mtime_ns):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        shutil.copyfile(path, part)
        shutil.copystat(path, part)
        part.replace(target)
        print(f"  {target.relative_to(extra)}")


def licences(out: Path) -> None:
    """Take the licences out of the wheels."""
    for wheel in sorted(out.glob("*wheels/*.whl")):
        with zipfile.ZipFile(wheel) as packed:
            for name in packed.namelist():
                inside = name.partition(".dist-info/")[2]
                if inside and Path(name).name.lower().startswith(LICENCE):
                    target = out / "licences" / name.partition(".dist-info/")[0] / Path(inside).name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(packed.read(name))
    shutil.copyfile(ROOT / "LICENSE", out / "licences" / "syncse-local.LICENSE")


def bom(out: Path) -> None:
    """Write the bill of materials, CycloneDX 1.6: every wheel and every model file, with hashes and licences."""
    parts = [_wheel(path) for path in sorted(out.glob("*wheels/*.whl"))]
    models = [path for path in _files(out / "extra") if path.suffix in WEIGHTS]
    parts += [
        {"type": "machine-learning-model", "name": str(p.relative_to(out)), "hashes": _hashes(p)}
        for p in sorted(models)
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "syncse-local", "bom-ref": "syncse-local"}},
        "components": parts,
    }
    (out / "bom.cdx.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _wheel(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1)
        about = email.message_from_bytes(packed.read(name))
    declared = about["License-Expression"] or ""
    told = [{"expression": declared}] if declared else _told(about)
    title, version = str(about["Name"]), str(about["Version"])
    purl = f"pkg:pypi/{title.lower().replace('_', '-')}@{version.replace('+', '%2B')}"
    part: dict[str, object] = {"type": "library", "name": title, "version": version, "purl": purl, "bom-ref": path.name}
    return {**part, "hashes": _hashes(path), **({"licenses": told} if told else {})}


def _told(about: "email.message.Message[str, str]") -> list[dict[str, object]]:
    named = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    short = (about["License"] or "").strip().splitlines()
    return [{"license": {"name": name}} for name in named or short[:1]]


def _hashes(path: Path) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": _sha256(path)}]


def manifest(out: Path) -> None:
    """Write the SHA-256 of every file, as sha256sum reads it."""
    lines = []
    for old in out.glob("*.part"):
        old.unlink()
    for path in _files(out):
        name = str(path.relative_to(out))
        if name.startswith(("MANIFEST.sha256", ".done-")):
            continue
        if not name.isprintable() or "\\" in name:
            sys.exit(f"bundle: a file name that cannot be listed: {name!r}")
        lines.append(f"{_sha256(path)}  {name}\n")
    (out / "MANIFEST.sha256").write_text("".join(lines), encoding="utf-8")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    else:
        yield from sorted(path for path in place.rglob("*") if path.is_file())


def main(words: list[str]) -> None:
    """`bundle_files.py STEP ARGUMENTS`, as bundle.sh calls it."""
    step, *given = words
    if step == "size":
        size(Path(given[0]), given[1], given[2], [Path(name) for name in given[3:]])
    else:
        steps = {"project": project, "copy": copy, "licences": licences, "bom": bom, "manifest": manifest}
        steps[step](*map(Path, given))  # type: ignore[operator]


if __name__ == "__main__":
    main(sys.argv[1:])
