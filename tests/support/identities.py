"""Makes what callers show: authorities, certificates and signed tokens."""

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

ISSUER = "https://issuer.example"
AUDIENCE = "okx-gateway"
SUBJECT = "system:serviceaccount:trading:algo"


@dataclass(frozen=True)
class Shown:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        paths = folder / f"{name}.crt", folder / f"{name}.key"
        paths[0].write_bytes(self.certificate)
        paths[1].write_bytes(self.key)
        return paths


class Authority:
    """Signs certificates."""

    def __init__(self, name: str = "Test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key.public_key(), days=1)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        signed = builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())
        self.certificate = signed.public_bytes(serialization.Encoding.PEM)

    def issue(self, *names: str, from_days: float = -1, days: float = 1) -> Shown:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
        builder = self._builder(subject, key.public_key(), from_days=from_days, days=days)
        if names:
            sans = x509.SubjectAlternativeName([_general(name) for name in names])
            builder = builder.add_extension(sans, critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Shown(
            signed.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        from_days: float = -1,
        days: float,
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=from_days))
            .not_valid_after(now + dt.timedelta(days=days))
        )


def _general(name: str) -> x509.GeneralName:
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Signer:
    """An issuer of tokens, with a key of each kind."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {
            "RS256": rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }

    def jwks(self) -> dict[str, Any]:
        makers: dict[str, Any] = {
            "RS256": jwt.algorithms.RSAAlgorithm,
            "ES256": jwt.algorithms.ECAlgorithm,
            "EdDSA": jwt.algorithms.OKPAlgorithm,
        }
        rows = []
        for name, key in self.keys.items():
            row = json.loads(makers[name].to_jwk(key.public_key()))
            rows.append({**row, "kid": name, "use": "sig"})
        return {"keys": rows}

    def token(self, algorithm: str = "RS256", *, key_id: str | None = None, **claims: Any) -> str:
        """A good token, but for `claims`; one that is None is left out."""
        # As a forger would: the library looks at what is claimed.
        return jwt.PyJWS().encode(
            json.dumps(self.claims(**claims)).encode(),
            self.keys["RS256" if algorithm == "PS256" else algorithm],
            algorithm=algorithm,
            headers={"kid": key_id or ("RS256" if algorithm == "PS256" else algorithm)},
        )

    def claims(self, **claims: Any) -> dict[str, Any]:
        now_s = int(time.time())
        good = {
            "iss": ISSUER,
            "aud": [AUDIENCE],
            "sub": SUBJECT,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + 600,
        }
        return {key: each for key, each in {**good, **claims}.items() if each is not None}

    def public_pem(self) -> bytes:
        public: bytes = (
            self.keys["RS256"]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return public


def letters(part: Any) -> str:
    """A part of a token."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def forged(signer: Signer) -> dict[str, str]:
    """Tokens that nobody should believe, by what is wrong with them."""
    now_s = int(time.time())
    other = Signer()
    good = signer.token()
    head, body, tail = good.split(".")
    claims = signer.claims()

    def signed(header: dict[str, Any], algorithm: str = "RS256") -> str:
        return jwt.encode(claims, signer.keys[algorithm], algorithm=algorithm, headers=header)

    def secret(header: dict[str, Any], key: bytes) -> str:

        text = f"{letters(header)}.{letters(claims)}"
        return f"{text}.{letters(hmac.digest(key, text.encode(), hashlib.sha256))}"

    unsigned = {
        f"alg {name or 'empty'}": f"{letters({'alg': name, 'kid': 'RS256'})}.{letters(claims)}."
        for name in ("none", "None", "NONE", "nOnE", "")
    }
    return {
        **unsigned,
        "alg none, with a signature": f"{letters({'alg': 'none', 'kid': 'RS256'})}.{body}.{tail}",
        "no alg": f"{letters({'kid': 'RS256'})}.{body}.{tail}",
        "alg is a list": f"{letters({'alg': ['RS256'], 'kid': 'RS256'})}.{body}.{tail}",
        "HS256 with the public key": secret({"alg": "HS256", "kid": "RS256"}, signer.public_pem()),
        "HS256 with nothing": secret({"alg": "HS256", "kid": "RS256"}, b""),
        "HS256 with the modulus": secret(
            {"alg": "HS256", "kid": "RS256"}, signer.jwks()["keys"][0]["n"].encode()
        ),
        "expired": signer.token(iat=now_s - 700, nbf=None, exp=now_s - 60),
        "expired long ago": signer.token(iat=0, nbf=0, exp=600),
        "not valid yet": signer.token(nbf=now_s + 120),
        "issued in the future": signer.token(iat=now_s + 120, nbf=None, exp=now_s + 600),
        "valid for too long": signer.token(exp=now_s + 86_400),
        "valid for ever": signer.token(exp=None),
        "not told when issued": signer.token(iat=None),
        "exp is no number": signer.token(exp="tomorrow"),
        "no claims": f"{head}.{letters({})}.{tail}",
        "audience of another": signer.token(aud="billing"),
        "audiences of others": signer.token(aud=["billing", "okx-gateway-2"]),
        "audience in other letters": signer.token(aud="OKX-Gateway"),
        "audience empty": signer.token(aud=[]),
        "no audience": signer.token(aud=None),
        "another issuer": signer.token(iss="https://other.example"),
        "an issuer that looks alike": signer.token(iss=f"{ISSUER}/"),
        "issuer is a list": signer.token(iss=[ISSUER]),
        "no issuer": signer.token(iss=None),
        "another subject": signer.token(sub="system:serviceaccount:trading:other"),
        "a longer subject": signer.token(sub=f"{SUBJECT}2"),
        "no subject": signer.token(sub=None),
        "another's key": other.token(),
        "another's key of a curve": other.token("ES256"),
        "another's Edwards key": other.token("EdDSA"),
        "an unknown key id": signer.token(key_id="k9"),
        "a path as key id": signer.token(key_id="../../../../dev/null"),
        "a query as key id": signer.token(key_id="' OR 1=1 --"),
        "a long key id": signer.token(key_id="k" * 300),
        "no key id": jwt.encode(claims, signer.keys["RS256"], algorithm="RS256"),
        "key id is a list": f"{letters({'alg': 'RS256', 'kid': ['RS256']})}.{body}.{tail}",
        "key of another kind": jwt.encode(
            claims, signer.keys["ES256"], algorithm="ES256", headers={"kid": "RS256"}
        ),
        "a head that brings a key": jwt.encode(
            claims,
            other.keys["RS256"],
            algorithm="RS256",
            headers={"kid": "RS256", "jwk": other.jwks()["keys"][0], "jku": "http://127.0.0.1:9/"},
        ),
        "a head with a critical part": signed({"kid": "RS256", "crit": ["exp"], "exp": now_s}),
        "unsigned": f"{head}.{body}.",
        "truncated": good[: -1 - len(tail) // 2],
        "truncated by two": f"{head}.{body}",
        "a part too many": f"{good}.{tail}",
        "no head": f".{body}.{tail}",
        "changed claims": f"{head}.{letters(signer.claims(exp=now_s + 900))}.{tail}",
        "changed signature": f"{head}.{body}.{'A' * len(tail)}",
        "signature of another token": f"{head}.{body}.{signer.token(jti='2').split('.')[2]}",
        "a head that is no JSON": f"{letters(b'{{{')}.{body}.{tail}",
        "claims that are no object": f"{head}.{letters([1, 2])}.{tail}",
        "nested without end": f"{head}.{letters(b'[' * 3_000)}.{tail}",
        "too long": signer.token(note="n" * 6_200),
    }
