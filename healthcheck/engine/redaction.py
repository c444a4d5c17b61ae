"""Takes the secrets of a check out of what is kept of it: a target may say back whatever it was told."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from healthcheck.engine.types import AssertionOutcome, Certificate, Evidence, SubResult

MASK = "[hidden]"
# A piece of a secret that was cut off at the edge of an excerpt; shorter ones tell nothing, and are everywhere.
MIN_PIECE_CHARS = 4


class Redactor:
    """Knows the secrets of one check, in the spellings in which a page or a log says them back."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spell(secret)}
        # The longest first: what contains another must not be left with its rest in view.
        self._spellings = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))

    def clean(self, text: str) -> str:
        """Return the text without the secrets, and without pieces of them at its edges."""
        if not text or not self._spellings:
            return text
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return self._trim_end(self._trim_start(text))

    def clean_url(self, url: str) -> str:
        """Return the URL without the secrets, in whatever mixture of encodings they stand in it."""
        cleaned = self.clean(url)
        if not any(self._is_said(decode(cleaned)) for decode in (unquote, unquote_plus)):
            return cleaned
        beginning = cleaned.partition("?")[0]
        return MASK if self._is_said(unquote(beginning)) else f"{beginning}?{MASK}"

    def _is_said(self, text: str) -> bool:
        return any(spelling in text for spelling in self._spellings)

    def clean_evidence(self, evidence: Evidence) -> Evidence:
        """Return the evidence with every text cleaned that a target or a token server had a hand in."""
        if not self._spellings:
            return evidence
        return replace(
            evidence,
            expected=self.clean(evidence.expected),
            found=self.clean(evidence.found),
            excerpt=self.clean(evidence.excerpt),
            redirects=tuple(self.clean_url(hop) for hop in evidence.redirects),
            certificate=self.clean_certificate(evidence.certificate) if evidence.certificate is not None else None,
            chain=tuple(self.clean_certificate(each) for each in evidence.chain),
            assertions=self.clean_assertions(evidence.assertions),
            parts=self.clean_parts(evidence.parts),
        )

    def clean_certificate(self, certificate: Certificate) -> Certificate:
        """Return the certificate with its names cleaned: who was told a secret yesterday may present it today."""
        return replace(certificate, subject=self.clean(certificate.subject), issuer=self.clean(certificate.issuer))

    def clean_assertions(self, assertions: Iterable[AssertionOutcome]) -> tuple[AssertionOutcome, ...]:
        """Return the outcomes with every text cleaned."""
        return tuple(
            replace(each, text=self.clean(each.text), expected=self.clean(each.expected), found=self.clean(each.found))
            for each in assertions
        )

    def clean_parts(self, parts: Iterable[SubResult]) -> tuple[SubResult, ...]:
        """Return the parts with every text cleaned that a target had a hand in."""
        return tuple(replace(each, found=self.clean(each.found)) for each in parts)

    def _trim_start(self, text: str) -> str:
        cut = max((_find_overlap(spelling, text) for spelling in self._spellings), default=0)
        return MASK + text[cut:] if cut else text

    def _trim_end(self, text: str) -> str:
        cut = max((_find_overlap(text, spelling) for spelling in self._spellings), default=0)
        return text[:-cut] + MASK if cut else text


def _find_overlap(before: str, after: str) -> int:
    """Return how many characters at the end of `before` are the beginning of `after`."""
    # Only where the first few are found is more looked at: trying every length would cost the square of it.
    beginning = after[:MIN_PIECE_CHARS]
    if len(beginning) < MIN_PIECE_CHARS:
        return 0
    start = before.find(beginning, max(0, len(before) - len(after)))
    while start >= 0:
        if after.startswith(before[start:]):
            return len(before) - start
        start = before.find(beginning, start + 1)
    return 0


def _spell(secret: str) -> Iterable[str]:
    if not secret:
        return ()
    quoted = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    encoded = quote(secret, safe=""), quote_plus(secret), quote(secret)
    # A page in another charset than the secret's is read as latin-1.
    return secret, *quoted, *encoded, html.escape(secret), secret.encode().decode("latin-1")
