"""Tell the encoding of an export from its bytes, and prove it by decoding all of them."""

import codecs
import re

from helpers.errors import DataError
from helpers.issues import IssueLog

CANDIDATES = ("cp1252", "mac_roman", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "big5", "euc_kr")
"""Encodings tried, in this order, where a file is no Unicode."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 16


def decode(content: bytes, *, file: str, log: IssueLog, encoding: str | None = None) -> tuple[str, str]:
    """Turn a text file's bytes into text.

    Args:
        content: All bytes of the file.
        file: The file, for issues.
        log: Takes an issue where the encoding is a guess, where bytes don't fit it, and for NUL characters removed.
        encoding: The encoding, where it is known.

    Returns:
        The text without a byte-order mark, and the encoding's name.

    Raises:
        DataError: The bytes are no text, or not in the encoding given.
    """
    if encoding:
        text = _decode_as_told(content, encoding, file)
    else:
        text, encoding = _decode_by_bytes(content, file, log)
    return _without_nul(text.removeprefix("\ufeff"), file, log), encoding


def _decode_as_told(content: bytes, encoding: str, file: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError:
        raise DataError(
            f"[{file}] is said to be in '{encoding}', which is no encoding. Allowed is utf-8, cp1252 …"
        ) from None
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"[{file}, row {row}] is not in the encoding '{encoding}' that is set for it: byte "
            f"0x{content[error.start]:02x}. Remove the setting, or name the right encoding"
        ) from error


def _decode_by_bytes(content: bytes, file: str, log: IssueLog) -> tuple[str, str]:
    for mark, name in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(name), name
            except UnicodeDecodeError as error:
                if name != "utf-8-sig":
                    raise DataError(f"[{file}] is cut off in the middle of a character. Export it again") from error
                break
    head = content[: _SAMPLE - _SAMPLE % 4]
    n_nul = head.count(b"\x00")
    if n_nul > len(head) * 0.2:
        for name, nul in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
            if nul.count(b"\x00") > len(nul) * 0.4:
                try:
                    return content.decode(name), name
                except UnicodeDecodeError:
                    continue
    if n_nul > len(head) * 0.05 or _is_binary(head):
        raise DataError(f"[{file}] is no text. Export it as .csv (UTF-8) or .xlsx")
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        return _decode_damaged(content, error, file, log) or _decode_guess(content, file, log)


def _is_binary(head: bytes) -> bool:
    controls = sum(head.count(bytes([code])) for code in range(1, 32) if code not in (7, 9, 10, 11, 12, 13, 26, 27))
    return controls > len(head) * 0.02


def _decode_damaged(content: bytes, error: UnicodeDecodeError, file: str, log: IssueLog) -> tuple[str, str] | None:
    """Decode UTF-8 with a few bad bytes in it, which is what pasted-together files are."""
    text = content.decode("utf-8", errors="replace")  # other encodings hardly ever make valid sequences by chance
    n_bad = text.count("\ufffd") - content.count(b"\xef\xbf\xbd")
    n_good = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", text))
    if n_good < n_bad:
        return None
    rows = [number for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1) if "\ufffd" in line]
    log.add_rows(
        file=file,
        rows=rows,
        values=[f"0x{content[error.start]:02x}"] * len(rows),
        code="undecodable_bytes",
        severity="warning",
        message="The line holds bytes that are no UTF-8 as the rest of the file is; they show as \ufffd",
        cure="Export the file again as UTF-8",
    )
    return text, "utf-8"


def _decode_guess(content: bytes, file: str, log: IssueLog) -> tuple[str, str]:
    for name in _rank_encodings(content):
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        shown = next((line.strip() for line in text.splitlines() if not line.isascii()), "")
        log.add(
            file=file,
            code="encoding_guessed",
            severity="note",
            value=name,
            message=f"The file is no Unicode; it was read as {name}, which shows accents like this: {shown[:80]}",
            cure=f'If accents look wrong, export it as UTF-8, or set in company.toml: [files."{file}"] encoding = "…"',
        )
        return text, name
    raise DataError(f"[{file}] is in no encoding that could be told. Export it as UTF-8")


def _rank_encodings(content: bytes) -> list[str]:
    """Order the candidates by how sensible the lines with accents look in them."""
    from charset_normalizer import from_bytes

    lines = [line for line in re.split(rb"\r\n|\r|\n", content) if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE]
    chaos = {}
    for match in from_bytes(sample, cp_isolation=list(CANDIDATES)):
        for name in (match.encoding, *match.could_be_from_charset):
            chaos[name] = round(match.chaos, 2)
    ranked = sorted((name for name in CANDIDATES if name in chaos), key=lambda name: chaos[name])
    return [*ranked, *(name for name in CANDIDATES if name not in ranked), "latin-1"]


def _without_nul(text: str, file: str, log: IssueLog) -> str:
    n = text.count("\x00")
    if not n:
        return text
    first = text[: text.index("\x00")].count("\n") + 1
    log.add(
        file=file,
        row=first,
        code="nul_characters",
        severity="warning",
        value=n,
        message=f"{n:,} NUL characters were removed, the first one here; the file may have been damaged on its way",
        cure="Export the file again",
    )
    return text.replace("\x00", "")
