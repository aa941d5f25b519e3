"""The bundle's own files: hashes, copies, bill of materials; and an installer that takes nothing that was not packed."""

import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import bundle_files
import pytest

REPO = Path(__file__).resolve().parents[2]
METADATA = "Name: Some_Thing\nVersion: 1.0+cpu\nClassifier: License :: OSI Approved :: MIT License\n\nText\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of one small wheel: its installer fails once the environment is made, and not before."""
    out = tmp_path / "bundle"
    (out / "wheels").mkdir(parents=True)
    with zipfile.ZipFile(out / "wheels" / "some_thing-1.0+cpu-py3-none-any.whl", "w") as wheel:
        wheel.writestr("some_thing-1.0+cpu.dist-info/METADATA", METADATA)
        wheel.writestr("some_thing-1.0+cpu.dist-info/licenses/LICENSE.txt", "A licence")
    bundle_files.project(out / "project.tar")
    shutil.copy(REPO / "scripts" / "install.sh", out)
    machine = f"{os.uname().sysname}-{os.uname().machine}"
    (out / "bundle.conf").write_text(f"python=2.7\nmachine={machine}\ngpu=\nextras=all\ntorch=torch==1\nvllm=\n")
    bundle_files.licences(out)
    bundle_files.bom(out)
    bundle_files.manifest(out)
    return out


def install(bundle: Path, **environment: str) -> str:
    """What the installer says where it fails."""
    target = bundle.parent / "there"
    words = [str(bundle / "install.sh"), str(target)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
    assert done.returncode == 1, done.stdout
    assert not (target / ".venv").exists()
    return done.stderr


def test_a_whole_bundle_gets_as_far_as_the_interpreter(bundle: Path) -> None:
    said = install(bundle)
    assert "FAILED at 2/5" in said
    assert "Python 2.7 is needed" in said


def test_a_changed_an_added_a_missing_file_and_a_link_stop_it(bundle: Path) -> None:
    wheel = next((bundle / "wheels").iterdir())
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1] + b"x")
    assert "damaged, changed or missing" in install(bundle)
    wheel.unlink()
    assert "damaged, changed or missing" in install(bundle)
    wheel.write_bytes(whole)
    (bundle / "wheels" / "evil-1.0-py3-none-any.whl").write_bytes(whole)
    assert "files that were not packed" in install(bundle)
    (bundle / "wheels" / "evil-1.0-py3-none-any.whl").unlink()
    (bundle / "wheels" / "link").symlink_to("/etc/passwd")
    assert "holds links" in install(bundle)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_signature_of_somebody_else_stops_it(bundle: Path) -> None:
    for name in ("mine", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(bundle.parent / name)], check=True)
        public = (bundle.parent / f"{name}.pub").read_text().split()
        (bundle.parent / f"{name}.signers").write_text(f"lab {public[0]} {public[1]}\n")
    key, listed = str(bundle.parent / "mine"), str(bundle / "MANIFEST.sha256")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "syncse-bundle", listed], check=True)
    assert "FAILED at 2/5" in install(bundle, SIGNERS=str(bundle.parent / "mine.signers"), SIGNER="lab")
    assert "the signature is not lab's" in install(bundle, SIGNERS=str(bundle.parent / "other.signers"), SIGNER="lab")


def test_the_bill_of_materials_names_every_wheel(bundle: Path) -> None:
    found = json.loads((bundle / "bom.cdx.json").read_text())
    (part,) = found["components"]
    wheel = next((bundle / "wheels").iterdir())
    assert (found["bomFormat"], part["purl"]) == ("CycloneDX", "pkg:pypi/some-thing@1.0%2Bcpu")
    assert part["hashes"] == [{"alg": "SHA-256", "content": bundle_files._sha256(wheel)}]
    assert part["licenses"] == [{"license": {"name": "MIT License"}}]
    assert (bundle / "licences" / "some_thing-1.0+cpu" / "LICENSE.txt").read_text() == "A licence"


def test_the_project_is_packed_the_same_twice(bundle: Path, tmp_path: Path) -> None:
    bundle_files.project(tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == (bundle / "project.tar").read_bytes()
    with tarfile.open(bundle / "project.tar") as packed:
        names = packed.getnames()
    assert {"pyproject.toml", "Makefile", "scripts/setup.sh", "models/starter-llm/starter-llm.gguf"} <= set(names)
    assert not [name for name in names if name.startswith((".venv", ".git/", "workspace"))]


def test_copies_follow_links_and_are_not_made_twice(tmp_path: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    (tmp_path / "blob").write_text("weights")
    (source / "model.safetensors").symlink_to(tmp_path / "blob")
    bundle_files.copy(source, tmp_path / "extra")
    made = tmp_path / "extra" / "model" / "model.safetensors"
    assert (made.is_symlink(), made.read_text()) == (False, "weights")
    before = made.stat().st_ino
    bundle_files.copy(source, tmp_path / "extra")
    assert made.stat().st_ino == before
    with pytest.raises(SystemExit, match="not there"):
        bundle_files.size(tmp_path, "cpu", "none", [tmp_path / "none"])
