"""Encodings that nobody names: read right, or refused with two readings; never read wrong without a word."""

import gzip
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.encodings import recognise
from syncse_local.text.ingest import open_input

TEXTS = {
    "french": "Le café est fermé le lundi.\nÀ bientôt, mon garçon.\nL’été sera chaud et l’école aussi.",
    "spanish": "El señor López vive aquí, en la habitación más pequeña.",
    "german": "Die Straße ist für Fußgänger gesperrt.\nÜber den Wolken",
    "portuguese": "As crianças não estão em São Paulo. Avó e irmã.",
    "swedish": "Barnen leker på gården. Två hundar springer över ängen.",
    "english": "It’s a “good” day.\nTwo dogs run — fast.\nCafé one",
    "polish": "Zażółć gęślą jaźń. Dzieci bawią się w ogrodzie.",
    "czech": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "hungarian": "A macska a szőnyegen alszik. Két kutya fut az erdőben, közben fúj a hűvös szél.",
    "turkish": "Kedi paspasın üzerinde uyuyor. Şişli'de güneş doğdu.",
    "russian": "Кошка спит на коврике. Две собаки бегут.",
    "ukrainian": "Кішка спить на килимку. Двоє дітей граються.",
    "greek": "Η γάτα κοιμάται στο χαλί. Δύο σκυλιά τρέχουν γρήγορα.",
    "hebrew": "החתול ישן על השטיח. שני כלבים רצים מהר.",
    "arabic": "القطة تنام على السجادة. يركض كلبان بسرعة.",
    "thai": "แมวนอนบนเสื่อ สุนัขสองตัววิ่งเร็ว",
    "chinese": "一只猫睡在垫子上。\n两只狗跑得很快。\n孩子们在公园里追逐肥皂泡。",
    "taiwanese": "一隻貓睡在墊子上。\n兩隻狗跑得很快。\n孩子們在公園裡追逐肥皂泡。",
    "japanese": "猫がマットの上で眠っています。\n二匹の犬が走る。",
    "korean": "고양이가 매트 위에서 잔다.\n개 두 마리가 달린다.",
}
SURE = [
    ("french", "cp1252"), ("spanish", "cp1252"), ("german", "cp1252"), ("german", "latin-1"), ("portuguese", "cp1252"),
    ("swedish", "latin-1"), ("english", "cp1252"), ("polish", "cp1250"), ("polish", "iso8859_2"), ("czech", "cp1250"),
    ("hungarian", "cp1250"), ("turkish", "cp1254"), ("russian", "cp1251"), ("russian", "koi8_r"), ("russian", "cp866"),
    ("ukrainian", "cp1251"), ("greek", "cp1253"), ("hebrew", "cp1255"), ("arabic", "cp1256"), ("thai", "cp874"),
    ("chinese", "gb18030"), ("chinese", "gbk"), ("taiwanese", "big5"), ("japanese", "shift_jis"),
    ("korean", "euc_kr"), ("korean", "cp949"), ("french", "mac_roman"), ("german", "cp850"),
    *((name, encoding) for name in ("german", "chinese") for encoding in
      ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")),
]  # fmt: skip
WINDOWS_AND_EAST = ("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "gb18030", "big5",
                    "shift_jis", "euc_kr", "koi8_r", "utf-8", "utf-16", "utf-16-le", "utf-16-be")  # fmt: skip


def written(path: Path, text: str, encoding: str) -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(("language", "encoding"), SURE)
def test_a_text_of_some_words_is_recognised(tmp_path: Path, language: str, encoding: str) -> None:
    table = "id,text\n" + "".join(f'{n},"{line}"\n' for n, line in enumerate(TEXTS[language].split("\n")))
    found = open_input(written(tmp_path / "a.csv", table, encoding))
    assert [row.sentence for row in found] == TEXTS[language].split("\n")
    assert bool(found.mapping.encoding) == (not encoding.startswith("utf-8"))
    assert not found.mapping.encoding or found.mapping.encoding in found.mapping.describe()


@pytest.mark.parametrize("encoding", WINDOWS_AND_EAST)
def test_none_is_read_wrong(tmp_path: Path, encoding: str) -> None:
    read = 0
    for text in TEXTS.values():
        try:
            path = written(tmp_path / "a.txt", text, encoding)
        except UnicodeEncodeError:
            continue
        try:
            found = recognise(path)
        except SyncseError:
            continue
        assert path.read_bytes().decode(found).lstrip("\ufeff") == text
        read += 1
    assert read


def test_two_readings_are_shown_and_the_flag_decides(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "El se\u00f1or vive.\n", "cp1252")
    with pytest.raises(SyncseError) as caught:
        open_input(path)
    assert '"El se\u00f1or vive." (cp1252) or "El se\u0144or vive." (cp1250)' in caught.value.detail
    assert "--encoding cp1252 or --encoding cp1250" in caught.value.hint
    assert caught.value.code == ExitCode.PREFLIGHT
    assert [row.sentence for row in open_input(path, encoding="cp1250")] == ["El se\u0144or vive."]


@pytest.mark.parametrize(
    "content",
    [
        "Straße, Käse, Öl, Bücher, Grüße, Tür, fünf, zwölf, Mädchen, Jäger\n".encode() + b"one w\xffrong byte\n",
        "eine Straße".encode() + "\u20ac".encode()[:2],
    ],
)
def test_damaged_utf8_is_not_read_as_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(SyncseError) as caught:
        open_input(path)
    assert "though most of it is" in caught.value.detail
    assert caught.value.code == ExitCode.PREFLIGHT


def test_the_first_foreign_byte_may_come_late(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"plain words in a line\n" * 100_000 + "für Fußgänger und Käse\n".encode("cp1252"))
    assert recognise(path) == "cp1252"


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_packed_file_is_recognised_by_what_is_in_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress("text;id\r\nDie Straße.;1\r\n".encode("cp1252")))
    assert [row.sentence for row in open_input(path)] == ["Die Straße."]


def test_a_packed_file_that_is_cut_off_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,id\n" + b"A cat.,1\n" * 1000)[:-20])
    with pytest.raises(SyncseError) as caught:
        list(open_input(path))
    assert caught.value.code == ExitCode.PREFLIGHT
    assert "\n" not in caught.value.detail
