"""What does the file of identities say?  Pure.

YAML of a fixed form. A document with anything wrong in it is refused whole, with everything that
is wrong; nothing in it is ignored.
"""

from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from okx_gateway.settings.listen_address import is_loopback

NAME_PATTERN = "[a-z][a-z0-9-]{0,31}"
DOCUMENT_BYTES_MAX = 1 << 20
_PROBLEMS_MAX = 50
_ENTRIES_MAX = 1_000


class IdentityError(Exception):
    """The document names no identities; `problems` tells everything that is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def safe_url(url: str) -> str:
    """See that what is read from `url` cannot be another's.

    Raises:
        ValueError: It can.
    """
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(str(parts.hostname or ""))
    )
    if not safe or not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("must be an https URL, or http on loopback, without a password")
    return url


_Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
_Text = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,512}$")]
_Url = Annotated[_Text, AfterValidator(safe_url)]
_SpiffeId = Annotated[
    str,
    StringConstraints(pattern=r"^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]{1,255}){1,16}$"),
]
_DnsName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class StaticToken(_Part):
    """A token that stays the same, of which the document has the hash alone."""

    name: _Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ClaimedName(_Part):
    """Who a token is of whose claim has this value."""

    claim: _Text = "sub"
    value: _Text
    name: _Name


class Issuer(_Part):
    """Whose signed tokens are believed, for which audience, and by which keys."""

    issuer: _Text
    audience: _Text
    jwks_url: _Url | None = None
    jwks_path: Annotated[Path | None, Field(strict=False)] = None
    ca_file: Annotated[Path | None, Field(strict=False)] = None
    lifetime_s_max: Annotated[int, Field(ge=60, le=86_400)] = 7_200
    names: Annotated[tuple[ClaimedName, ...], Field(strict=False, min_length=1, max_length=1_000)]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.jwks_path is not None and (self.jwks_url or self.ca_file):
            raise ValueError("has jwks_path, so jwks_url and ca_file must be left out")
        if self.jwks_path is None and self.jwks_url is None:
            try:
                safe_url(self.issuer)
            except ValueError:
                raise ValueError(
                    "must have jwks_url or jwks_path where the issuer is no https URL"
                ) from None
        return self


class CertificateName(_Part):
    """Who a certificate is of that bears this name."""

    spiffe_id: _SpiffeId | None = None
    dns_name: _DnsName | None = None
    name: _Name

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.spiffe_id is None) == (self.dns_name is None):
            raise ValueError("must have either spiffe_id or dns_name")
        return self


_Entries = Field(strict=False, max_length=_ENTRIES_MAX)


class Section(_Part):
    """How callers are known, or operators."""

    tokens: Annotated[tuple[StaticToken, ...], _Entries] = ()
    jwt: Annotated[tuple[Issuer, ...], Field(strict=False, max_length=16)] = ()
    certificates: Annotated[tuple[CertificateName, ...], _Entries] = ()

    def names(self) -> set[str]:
        """Everybody who can be known."""
        claimed = (each.name for issuer in self.jwt for each in issuer.names)
        shown = (each.name for each in self.certificates)
        return {*(each.name for each in self.tokens), *shown, *claimed}


class IdentityDocument(_Part):
    """Everything that the file says."""

    callers: Section = Section()
    operators: Section = Section()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        both = self.callers.names() & self.operators.names()
        if both:
            raise ValueError(f"{min(both)} must not be both a caller and an operator")
        for kind, keys in _keys(self):
            twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
            if twice is not None:
                raise ValueError(f"{kind} {twice} must not stand there twice")
        if not self.callers.names() | self.operators.names():
            raise ValueError("must name somebody")
        return self


def _keys(document: IdentityDocument) -> Iterator[tuple[str, list[str]]]:
    sections = (document.callers, document.operators)
    yield "sha256", [each.sha256 for section in sections for each in section.tokens]
    names = [each for section in sections for each in section.certificates]
    yield "spiffe_id", [each.spiffe_id for each in names if each.spiffe_id]
    yield "dns_name", [each.dns_name for each in names if each.dns_name]
    for section in sections:
        yield "issuer", [each.issuer for each in section.jwt]
        for issuer in section.jwt:
            yield "claim", [f"{each.claim}={each.value}" for each in issuer.names]


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # as it is overridden
        keys = [str(key.value) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.MarkedYAMLError(None, None, "a key stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def document_from_text(content: bytes) -> IdentityDocument:
    """Read a document.

    Raises:
        IdentityError: It is too long, no YAML, or not of the form; tells all that is wrong.
    """
    if len(content) > DOCUMENT_BYTES_MAX:
        raise IdentityError([f"must be at most {DOCUMENT_BYTES_MAX} bytes"])
    try:
        tree = yaml.load(content, Loader=_Loader)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, KeyError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "not YAML"
        raise IdentityError([f"line {mark.line + 1 if mark else 1}: {what}"]) from None
    try:
        return IdentityDocument.model_validate(tree)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise IdentityError(
            f"{'.'.join(map(str, fault['loc'])) or 'document'}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in faults[:_PROBLEMS_MAX]
        ) from None
