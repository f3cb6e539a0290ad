"""Bytes of untrusted documents to text, by the rules of web browsers (WHATWG Encoding).

A byte order mark decides; then bytes that are valid UTF-8 are UTF-8, whatever a label says; then the label of
the HTTP header, then that of the XML declaration. A label of Latin-1 or ASCII means windows-1252. Linear.
"""

import codecs
import re
from contextlib import suppress

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UTF16_STARTS = {b"<\0": "utf-16-le", b"\0<": "utf-16-be", b"[\0": "utf-16-le", b"{\0": "utf-16-le"}
_XML_LABEL = re.compile(rb"<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']\s*([\w.:+-]{1,40})", re.IGNORECASE)
_HTTP_LABEL = re.compile(r";\s*charset\s*=\s*[\"']?\s*([\w.:+-]{1,40})", re.IGNORECASE)
DECLARATION_WITHIN = 1024  # bytes in which an XML declaration is looked for, as in a browser
# Supersets that browsers decode a label with, by Python's name of the label.
_SUPERSETS = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
_ALIASES = {
    "x-sjis": "shift_jis", "windows-31j": "shift_jis", "x-gbk": "gbk", "x-cp1251": "cp1251",
    "x-cp1252": "cp1252", "x-mac-cyrillic": "mac-cyrillic", "windows-874": "cp874",
    "ansi": "cp1252",
}  # fmt: skip
_CHARACTER_SETS = re.compile(r"cp\d+|iso8859-\d+|koi8-\w|mac-\w+|gb18030|big5hkscs|euc_\w+|iso2022_jp")
# By what the handler surrogateescape makes of a byte that is not UTF-8.
_STRAYS_AS_WINDOWS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def decode_text(body: bytes, *, http_label: str = "") -> tuple[str, int]:
    """Return the text without byte order marks, and how many of its bytes were in no known encoding.

    A byte that is not UTF-8 within UTF-8 is read as windows-1252, so that it costs no more than itself.
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return _decode(body[len(bom) :], encoding)
    if utf16 := _UTF16_STARTS.get(body[:2]):
        return _decode(body, utf16)
    labels = [http_label, _find_xml_label(body)]
    if b"\x1b" in body and "iso2022_jp" in map(find_encoding, labels):
        return _decode(body, "iso2022_jp")
    with suppress(UnicodeDecodeError):
        return body.decode().lstrip("\ufeff"), 0
    known = [encoding for encoding in map(find_encoding, labels) if encoding]
    for encoding in known:
        if encoding in {"utf-8", "cp1252"}:
            break
        with suppress(UnicodeDecodeError):
            return body.decode(encoding), 0
    text, strays = _decode(body, "utf-8")
    return text, 0 if "cp1252" in known else strays


def to_utf8(body: bytes, content_type: str) -> bytes:
    """Return a body whose HTTP header alone names its encoding as UTF-8; any other unchanged."""
    encoding = find_encoding(find_http_label(content_type))
    is_same = body.isascii() and b"\x1b" not in body
    if not encoding or encoding == "utf-8" or is_same or body.startswith(tuple(bom for bom, _ in _BOMS)):
        return body
    text, _ = decode_text(body, http_label=encoding)
    return text.encode("utf-8", "replace")


def find_http_label(content_type: str) -> str:
    """Return the charset parameter of a Content-Type header; empty if there is none."""
    match = _HTTP_LABEL.search(content_type[:500])
    return match[1] if match else ""


def find_encoding(label: str) -> str:
    """Return the Python codec that browsers use for a label; empty for an unknown label.

    UTF-16 in a label that could be read as ASCII is UTF-8.
    """
    try:
        name = codecs.lookup(_ALIASES.get(label.lower(), label)).name if label else ""
    except (LookupError, ValueError):
        return ""
    if name.startswith(("utf-16", "utf-8")):
        return "utf-8"
    name = _SUPERSETS.get(name, name)
    return name if _CHARACTER_SETS.fullmatch(name) else ""


def _find_xml_label(body: bytes) -> str:
    match = _XML_LABEL.search(body[:DECLARATION_WITHIN])
    return match[1].decode() if match else ""


def _decode(body: bytes, encoding: str) -> tuple[str, int]:
    """Decode in any case: strays of UTF-8 as windows-1252, those of any other encoding as U+FFFD."""
    if encoding != "utf-8":
        text = body.decode(encoding, "replace")
        return text.lstrip("\ufeff"), text.count("\ufffd")
    text = body.decode(encoding, "surrogateescape")
    strays = len(text) - len(body.decode(encoding, "ignore"))
    if strays > len(text) // 10:  # it is not UTF-8 at all
        return body.decode("cp1252", "replace"), strays
    return text.translate(_STRAYS_AS_WINDOWS) if strays else text, strays
