"""The pictures of the documents: small, shown somewhere, nothing fetched from afar, no path of the machine they were taken on."""

from pathlib import Path

import pytest
from screenshots import MOST_BYTES, PICTURES, cleaned

from tests.conftest import REPO

TAKEN = sorted(PICTURES.glob("*.svg"))


@pytest.mark.parametrize("picture", TAKEN, ids=lambda path: path.stem)
def test_a_picture_is_small_and_shown_and_fetches_nothing(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert len(text.encode()) <= MOST_BYTES
    assert "@font-face" not in text
    assert "url(http" not in text
    assert str(REPO) not in text
    pages = [REPO / "README.md", REPO / "docs" / "guide" / "tui.md", REPO / "docs" / "log.md"]
    assert any(f"pictures/{picture.name})" in page.read_text(encoding="utf-8") for page in pages)


def test_there_are_pictures() -> None:
    assert len(TAKEN) >= 9


def test_paths_are_hidden_and_texts_keep_their_length() -> None:
    svg = '<style>@font-face {\n src: url("https://x/y.woff");\n}\n</style>\n<text x="1">in&#160;/home/me/models &lt;b&gt;</text>'
    made = cleaned(svg, {"/home/me": "~"})
    assert made == '<style>\n</style>\n<text x="1">in\xa0~/models &lt;b&gt;\xa0\xa0\xa0\xa0\xa0\xa0\xa0</text>\n'
