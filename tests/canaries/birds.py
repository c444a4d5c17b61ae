"""The canaries: one unique secret per field, and the spellings in which it could come out."""

from __future__ import annotations

import html
import json
import secrets
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus


@dataclass
class Flock:
    """Every canary by the name of its field. Found in a text, it is a leak."""

    birds: dict[str, str] = field(default_factory=dict)

    def hatch(self, name: str) -> str:
        """Return a new secret with characters that pages, URLs and JSON write differently."""
        self.birds[name] = f'can"ary&{name} {secrets.token_hex(12)}'
        return self.birds[name]

    def hatch_token(self, name: str) -> str:
        """Return one that fits where no space does."""
        self.birds[name] = f"canary-{name}-{secrets.token_hex(12)}"
        return self.birds[name]

    def adopt(self, name: str, secret: str) -> None:
        self.birds[name] = secret

    def find(self, place: str, text: str) -> list[str]:
        """Return what leaked there, by field and place, never the secret itself."""
        return [f"{name} in {place}" for name, secret in self.birds.items() if any(s in text for s in _spell(secret))]

    def find_all(self, texts: Iterable[tuple[str, str]]) -> list[str]:
        return [leak for place, text in texts for leak in self.find(place, text)]


def _spell(secret: str) -> set[str]:
    # The random end of a canary is enough to give it away, whatever was done to the rest.
    tail = secret[-24:]
    spellings = {secret, tail, quote(secret), quote_plus(secret), html.escape(secret), json.dumps(secret)[1:-1]}
    # Base64 of a text that ends with it, at each of the three places where it can begin.
    encoded = (b64encode(bytes(shift) + tail.encode()).decode()[4:].rstrip("=")[:-2] for shift in range(3))
    return spellings | set(encoded)
