"""HTTP digest authentication (RFC 7616): read a challenge that a stranger wrote, and answer it."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from healthcheck.engine.credentials.model import DigestCredential
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind, Phase

# More than any server sends; what is longer is not read.
MAX_CHALLENGE_CHARS = 8 * 1024
MAX_CHALLENGES = 20

# The strongest first. A session's variant is the same function with the nonces mixed in.
_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a pattern
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?:[ \t]+|(?=,)|$)")
_PARAMETER = re.compile(rf'[\s,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))[ \t]*(?=,|$)')
# What other schemes put in the place of parameters, such as `Negotiate YII=`.
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")
_UNQUOTED = re.compile(r"\\(.)")
# What a server may not send us to say back: it would end our header or forge another one.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One usable challenge. `qop` is `auth` or empty, the latter as in RFC 2069."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    is_named: bool
    is_session: bool
    qop: str
    is_stale: bool
    has_userhash: bool


def choose_challenge(values: Iterable[str]) -> Challenge | None:
    """Return the strongest digest challenge of the WWW-Authenticate headers; None when nobody asks for digest.

    Raises ProbeFailure: PROTOCOL for a challenge that breaks the rules, CREDENTIAL for one that we cannot answer.
    """
    offered = [parameters for value in values for scheme, parameters in _split(value) if scheme == "digest"]
    if not offered:
        return None
    complete = [parameters for parameters in offered if parameters.get("nonce") and "realm" in parameters]
    if not complete or any(_CONTROL.search(value) for each in complete for value in each.values()):
        raise ProbeFailure(ErrorKind.PROTOCOL, Phase.HEADERS, "a digest challenge without a readable realm and nonce")
    usable = [challenge for parameters in complete if (challenge := _read(parameters))]
    if not usable:
        raise ProbeFailure(
            ErrorKind.CREDENTIAL,
            Phase.HEADERS,
            "It asks for a kind of digest that is not supported here; let it offer SHA-256 or MD5 with qop “auth”.",
        )
    return min(usable, key=lambda challenge: list(_HASHES).index(challenge.algorithm))


def answer_challenge(
    credential: DigestCredential, challenge: Challenge, *, method: str, target: str, cnonce: str | None = None
) -> str:
    """Return the value of the Authorization header. `target` is the path and query of the request line."""
    cnonce = cnonce or secrets.token_hex(16)
    username, realm, nonce = credential.username, challenge.realm, challenge.nonce

    def digest(text: str) -> str:
        return _HASHES[challenge.algorithm](text.encode("utf-8", "replace")).hexdigest()

    first = digest(f"{username}:{realm}:{credential.password}")
    if challenge.is_session:
        first = digest(f"{first}:{nonce}:{cnonce}")
    second = digest(f"{method}:{target}")
    between = f"{nonce}:00000001:{cnonce}:{challenge.qop}" if challenge.qop else nonce
    parts = [_name_user(username, digest(f"{username}:{realm}") if challenge.has_userhash else "")]
    parts += [_quote("realm", realm), _quote("nonce", nonce), _quote("uri", target)]
    parts.append(_quote("response", digest(f"{first}:{between}:{second}")))
    if challenge.is_named:
        parts.append(f"algorithm={challenge.algorithm}{'-sess' if challenge.is_session else ''}")
    if challenge.opaque is not None:
        parts.append(_quote("opaque", challenge.opaque))
    if challenge.qop:
        parts.append(f"qop={challenge.qop}, nc=00000001")
    if challenge.qop or challenge.is_session:
        parts.append(_quote("cnonce", cnonce))
    return "Digest " + ", ".join([*parts, *(["userhash=true"] if challenge.has_userhash else [])])


def _name_user(username: str, hashed: str) -> str:
    if hashed:
        return _quote("username", hashed)
    if username.isascii():
        return _quote("username", username)
    # RFC 7616, 3.4, and RFC 8187.
    return f"username*=UTF-8''{quote(username, safe='')}"


def _quote(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _read(parameters: dict[str, str]) -> Challenge | None:
    name = parameters.get("algorithm", "MD5").upper()
    algorithm = name.removesuffix("-SESS")
    offered = [each.strip().lower() for each in parameters.get("qop", "").split(",") if each.strip()]
    if algorithm not in _HASHES or (offered and "auth" not in offered):
        return None
    return Challenge(
        realm=parameters["realm"],
        nonce=parameters["nonce"],
        opaque=parameters.get("opaque"),
        algorithm=algorithm,
        is_named="algorithm" in parameters,
        is_session=name.endswith("-SESS"),
        qop="auth" if offered else "",
        is_stale=parameters.get("stale", "").lower() == "true",
        has_userhash=parameters.get("userhash", "").lower() == "true",
    )


def _split(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each challenge of one header (RFC 9110, 11.6.1) in linear time; ends at what cannot be read."""
    text, position = value[:MAX_CHALLENGE_CHARS], 0
    for _ in range(MAX_CHALLENGES):
        scheme = _SCHEME.match(text, position)
        if scheme is None:
            return
        position = scheme.end()
        if token := _TOKEN68.match(text, position):
            position = token.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, position):
            name, quoted, plain = parameter.groups()
            # The first one counts, as it does for those who sign what they read.
            parameters.setdefault(name.lower(), _UNQUOTED.sub(r"\1", quoted) if quoted is not None else plain)
            position = parameter.end()
        yield scheme[1].lower(), parameters
