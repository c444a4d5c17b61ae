"""A client certificate on its way into an SSL context, which wants files: ours exist only in memory."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from healthcheck.engine.types import ConfigurationError


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What we show to a server that asks who we are: a chain that begins with our own certificate, and its key."""

    certificate_pem: str = field(repr=False)
    key_pem: str = field(repr=False)
    passphrase: str = field(default="", repr=False)


def load_client_certificate(context: ssl.SSLContext, client: ClientCertificate) -> None:
    """Let the context show the certificate. Raises ConfigurationError; its sentence holds nothing of the pair."""
    try:
        with _name_secret_file(f"{client.key_pem}\n{client.certificate_pem}\n".encode()) as path:
            # Called with the passphrase even when there is none: OpenSSL would ask the terminal for it.
            context.load_cert_chain(path, password=client.passphrase)
    except (ssl.SSLError, ValueError):
        raise ConfigurationError(
            "The client certificate and its key cannot be used for TLS; enter the pair again.", field="certificate"
        ) from None


@contextmanager
def _name_secret_file(content: bytes) -> Iterator[str]:
    """Name a file with this content that no other user can read and that is gone afterwards, even after a crash.

    On Linux an anonymous file in memory: it has no name in any folder and ends with its descriptor, or the process.
    Elsewhere a file of mode 0600, which is removed on the way out.
    """
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("client-certificate", os.MFD_CLOEXEC), "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as named:
            named.write(content)
            named.flush()
            yield named.name
