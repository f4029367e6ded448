"""Did a planted secret get out, in whatever writing?  Pure but for reading the files it is given.

A canary is a secret that nothing but the tests knows. It is looked for as it is, in halves, and in
every writing that logs, traces, errors and wires put text into.
"""

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

# Shorter pieces would be found by chance.
_PIECE_LENGTH_MIN = 8

# Of the form that OKX gives them, the passphrase with what JSON, URLs and HTML escape.
PLANTED = {
    "API key": "ca9a57b1-e0d2-436f-8c1b-0a9e7d6f5c43",
    "secret key": "7E0F1C9A3B5D4862A1C0E9F8D7B6A594",
    "passphrase": 'Kestrel/7+"Wren"&<8>',
}


class Canaries:
    """Secrets, by name, that must not show up anywhere."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._names: dict[bytes, str] = {}
        for name, secret in secrets.items():
            for writing, piece in _writings(secret):
                self._names.setdefault(piece.encode(), f"{name} {writing}")
        # Whole secrets before their halves, so that a leak is told by its better name.
        pieces = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(piece) for piece in pieces))

    def leaks_in(self, content: str | bytes) -> list[str]:
        """Name every canary in `content` and its writing; never the secret itself."""
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        found = {self._names[match.group()] for match in self._pattern.finditer(content)}
        return sorted(found)

    def leaks_in_files(self, paths: Iterable[Path]) -> list[str]:
        """Search files, and the files in folders, whole."""
        files = [
            file
            for path in paths
            for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
            if file.is_file()
        ]
        return [f"{leak} in {file}" for file in files for leak in self.leaks_in(file.read_bytes())]


def _writings(secret: str) -> Iterator[tuple[str, str]]:
    middle = len(secret) // 2
    pieces = {"": secret, "first half": secret[:middle], "second half": secret[middle:]}
    for which, piece in pieces.items():
        for how, written in _written(piece):
            if len(written) >= _PIECE_LENGTH_MIN:
                yield " ".join(word for word in (which, how) if word), written


def _written(text: str) -> Iterator[tuple[str, str]]:
    raw = text.encode()
    yield "as it is", text
    yield "in hex", raw.hex()
    yield "in hex", raw.hex().upper()
    yield "as numbers", ", ".join(str(byte) for byte in raw)
    yield "URL-encoded", urllib.parse.quote(text, safe="")
    yield "URL-encoded", urllib.parse.quote(text, safe="/")
    yield "URL-encoded", urllib.parse.quote_plus(text)
    yield "URL-encoded", "".join(f"%{byte:02X}" for byte in raw)
    yield "URL-encoded", "".join(f"%{byte:02x}" for byte in raw)
    in_json = json.dumps(text)[1:-1]
    yield "in JSON", in_json
    yield "in JSON", in_json.replace("/", "\\/")
    yield "in JSON", "".join(f"\\u{ord(each):04x}" for each in text)
    yield "in JSON in JSON", json.dumps(in_json)[1:-1]
    yield "as Python writes it", repr(text)[1:-1]
    yield "in HTML", html.escape(text)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # Within a longer text, such as "key:secret", base64 looks different by where it begins.
        for offset in range(3):
            encoded = encode(bytes(offset) + raw).decode().rstrip("=")
            # Characters at the ends also depend on what stands before and behind.
            cut_tail = (len(raw) + offset) % 3 != 0
            yield "in base64", encoded[-(-8 * offset // 6) : -1 if cut_tail else None]
