"""Records of JSON files, streamed: JSON Lines, one array, objects over several lines, and pandas' layouts of a table.

Knows keys as the file has them, not what they mean. Each error names the file, the line and the next step.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.lines import LINE_LIMIT, decoded, lines

Record = dict[str, Any]
MARGIN = 16
"""Characters before the end of what was read in which a broken value may be one that is not read whole: `-Infinity` is 9."""
TOO_LONG = "too_long"
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile("[\\s,\ufeff]*")


def json_records(path: Path, encoding: str) -> Iterator[Record | str]:
    """One record for each object; a string is a record with the key "", a list one with the keys 1, 2 ...

    A value of over LINE_LIMIT characters is the reason "too_long" instead. Raises SyncseError for what is not JSON.
    """
    values = (_by_line if _is_by_line(path, encoding) else _streamed)(path, encoding)
    first = list(islice(values, 2))
    if len(first) == 1 and isinstance(first[0][1], dict):
        for row in _unwrapped(first[0][1]):
            yield _record(path, first[0][0], row)
        return
    for line, value in chain(first, values):
        yield value if value is TOO_LONG else _record(path, line, value)


def _record(path: Path, line: int, value: Any) -> Record:
    if isinstance(value, str):
        return {"": value}
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value, 1)}
    if isinstance(value, dict):
        return value
    hint = 'Write each row as an object such as {"sentence": "..."}.'
    raise _broken(path, f": line {line} is neither an object nor a string", hint)


def _is_by_line(path: Path, encoding: str) -> bool:
    """Whether each line is a value of its own: the first one is whole, and if it is an array so is the second."""
    head = list(islice((line.strip() for line in lines(path, encoding) if line.strip()), 2))
    if not head or len(head[0]) > LINE_LIMIT:
        return True
    try:
        value = json.loads(head[0].rstrip(","))
    except (ValueError, RecursionError):
        return not head[0].startswith(("[", "{")) or not _may_go_on(head[0])
    return not isinstance(value, list) or (head[1:] != [] and head[1].startswith("["))


def _may_go_on(text: str) -> bool:
    """Whether the text can be the beginning of a JSON value, and is not a broken one."""
    try:
        _DECODER.raw_decode(text)
    except RecursionError:
        return False
    except ValueError as error:
        return _is_cut_off(error, len(text))
    return True


def _is_cut_off(error: ValueError, size: int) -> bool:
    at = getattr(error, "pos", 0)
    return at >= size - MARGIN or str(error).startswith("Unterminated string")


def _by_line(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines(path, encoding), 1):
        text = line.strip().rstrip(",")
        if not text:
            continue
        if len(line) > LINE_LIMIT:
            yield number, TOO_LONG
            continue
        try:
            yield number, json.loads(text)
        except (ValueError, RecursionError) as error:
            hint = "JSON Lines has one complete JSON object in each line."
            raise _broken(path, f": line {number} is not JSON ({_short(error)})", hint) from None


def _streamed(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    """The elements of an array, or values one after the other, with the line each begins at."""
    text, line, in_array = "", 1, False
    for piece in decoded(path, encoding):
        text, at = text + piece, 0
        while True:
            before, at = at, _past_gap(text, at)
            line += text.count("\n", before, at)
            if at == len(text):
                break
            if text[at] == ("]" if in_array else "["):
                in_array, at = not in_array, at + 1
                continue
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                size = len(text) - at
                if isinstance(error, ValueError) and _is_cut_off(error, len(text)) and size <= LINE_LIMIT:
                    break  # the next piece may complete it
                raise _not_json(path, line, error, size) from None
            yield line, value
            line += text.count("\n", at, end)
            at = end
        text = text[at:]
    if text:
        raise _not_json(path, line, ValueError("it ends within a value"), len(text))
    if in_array:
        raise _broken(path, ": its array is not closed", "The file was cut off; write it again.")


def _past_gap(text: str, at: int) -> int:
    """Where the next value begins: after spaces, line breaks and commas."""
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _not_json(path: Path, line: int, error: Exception, size: int) -> SyncseError:
    if size > LINE_LIMIT:
        hint = "Write one row a line; in pandas: to_json(path, orient='records', lines=True)."
        return _broken(path, f": line {line} begins a value of more than {LINE_LIMIT:,} characters", hint)
    return _broken(
        path, f": the value at line {line} is not JSON ({_short(error)})", "Write it as JSON Lines or an array."
    )


def _unwrapped(value: Record) -> Iterator[Any]:
    """The rows of an object that is a whole table: pandas' orients, datasets' to_dict, or rows under one name."""
    lists = {name: rows for name, rows in value.items() if isinstance(rows, list)}
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list):  # pandas: split
        yield from (dict(zip(map(str, columns), row, strict=False)) for row in data if isinstance(row, list))
    elif len(lists) == 1 and (rows := next(iter(lists.values()))) and all(isinstance(row, dict) for row in rows):
        yield from rows
    elif len(lists) == len(value) > 0 and len({len(rows) for rows in lists.values()}) == 1 and "" not in value:
        yield from (dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True))
    elif value and all(isinstance(row, dict) for row in value.values()):
        if any(isinstance(cell, dict | list) for row in value.values() for cell in row.values()):
            yield value
        elif _is_by_column(value):  # pandas: columns
            yield from ({name: cells.get(key) for name, cells in value.items()} for key in next(iter(value.values())))
        else:  # pandas: index
            yield from value.values()
    else:
        yield value


def _is_by_column(value: Record) -> bool:
    """Whether the inner keys are row numbers, not names."""
    return all(str(key).isdigit() for cells in value.values() for key in cells)


def _broken(path: Path, problem: str, hint: str) -> SyncseError:
    return SyncseError("Broken input", f"{path}{problem}.", hint, ExitCode.PREFLIGHT)


def _short(error: Exception) -> str:
    """A library's message as part of one line."""
    return " ".join(str(error).split())[:80]
