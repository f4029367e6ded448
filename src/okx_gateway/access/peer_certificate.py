"""Whose is a certificate?  Pure.

Whether it is to be believed at all, the TLS handshake has decided. Only its alternative names
count: what stands in its subject is for people.
"""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509


@dataclass(frozen=True, slots=True)
class PeerNames:
    """What a certificate says of whose it is; a SPIFFE id only where it is the one URI."""

    spiffe_id: str
    dns_names: tuple[str, ...]
    from_s: float
    until_s: float


@lru_cache(maxsize=1_024)
def peer_names(certificate: bytes) -> PeerNames | None:
    """Read a certificate in PEM or DER; None where it is none, or says nothing of use."""
    try:
        load = (
            x509.load_pem_x509_certificate
            if certificate.startswith(b"-----BEGIN")
            else x509.load_der_x509_certificate
        )
        parsed = load(certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        dns_names = names.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    # SPIFFE X.509-SVID, 2: exactly one URI.
    spiffe_id = uris[0] if len(uris) == 1 and uris[0].startswith("spiffe://") else ""
    return PeerNames(
        spiffe_id,
        tuple(dns_names),
        parsed.not_valid_before_utc.timestamp(),
        parsed.not_valid_after_utc.timestamp(),
    )
