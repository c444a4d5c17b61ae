"""Plants the canaries: a credential of every kind, each on endpoints whose targets fail in another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import trustme
from django.utils import timezone

from healthcheck.models import Credential, EndpointGroup
from healthcheck.notifiers.signatures import make_secret
from tests.canaries.birds import Flock
from tests.canaries.targets import Targets
from tests.engine.test_credentials_parse import make_pair
from tests.factories import (
    make_assertion,
    make_credential,
    make_deploy_hook,
    make_endpoint,
    make_group,
    make_heartbeat_endpoint,
    make_token,
)

GROUP = "canaries"
PLACES = ("refusing", "failing", "asking", "trap", "away", "untrusted")


def plant(flock: Flock, targets: Targets, authority: trustme.CA) -> EndpointGroup:
    """Store the group. Each of its endpoints reads the body, so that there is an excerpt to leak."""
    group = make_group(GROUP, interval_seconds=6, deadline_seconds=5.5)
    header = {
        "X-Option": flock.hatch("option-header"),
        "X-Token": f"Token {flock.hatch_token('option-token')}",
        # The name of a harmless header, but a person's own words.
        "User-Agent": flock.hatch_token("option-agent"),
    }
    for number, credential in enumerate(_make_credentials(flock, targets, authority)):
        # Everybody meets the echo, and three of the others each.
        for place in ("echo", *(PLACES[(number * 3 + step) % len(PLACES)] for step in range(3))):
            name = f"{credential.name} {place}"
            options = {"headers": header} if credential.kind != "headers" else {}
            columns: dict[str, Any] = {"address": targets.urls[place], "timeout_seconds": 5.0, "options": options}
            endpoint = make_endpoint(group, name, credential=credential, **columns)
            make_assertion(endpoint, 'body contains "never there"')
    _plant_dialogues(group, flock, targets)
    _plant_requests(group, flock, targets)
    flock.adopt("heartbeat-token", make_token(make_heartbeat_endpoint(group), at=timezone.now()))
    secrets = {name: make_secret() for name in ("secret", "former")}
    make_deploy_hook(secrets=secrets)
    for name, secret in secrets.items():
        flock.adopt(f"deploy-{name}", secret)
    return group


def _plant_requests(group: EndpointGroup, flock: Flock, targets: Targets) -> None:
    """One with a parameter, and one with a body of each type, all of them said back by the target."""
    bodies = {
        "text": flock.hatch("option-text"),
        "json": json.dumps({"login": {"password": flock.hatch("option-json")}}),
        "form": f"user=x\npassword={flock.hatch('option-form')}",
    }
    options: list[dict[str, Any]] = [{"method": "POST", "body_type": each, "body": bodies[each]} for each in bodies]
    for number, each in enumerate([*options, {"query": [["page", flock.hatch("option-query")], ["t", "{random}"]]}]):
        columns: dict[str, Any] = {"address": targets.urls["echo"], "timeout_seconds": 5.0, "options": each}
        make_assertion(make_endpoint(group, f"request {number}", **columns), 'body contains "never there"')


def _plant_dialogues(group: EndpointGroup, flock: Flock, targets: Targets) -> None:
    """One that does not hear what it waits for, one that is judged by all that it heard, and one that sends bytes."""
    line = f"send line {json.dumps('LOGIN ' + flock.hatch('option-dialogue'))}"
    code = f"{flock.hatch_token('option-bytes')}\r\n".encode().hex()
    dialogues = (
        f'{line}\nexpect line contains "never there"',
        f'{line}\nexpect line contains "heard"',
        f'send hex "{code}"\nexpect line contains "never there"',
    )
    for number, dialogue in enumerate(dialogues):
        columns: dict[str, Any] = {"address": targets.urls["line"], "timeout_seconds": 5.0}
        endpoint = make_endpoint(group, f"dialogue {number}", kind="tcp", options={"dialogue": dialogue}, **columns)
        make_assertion(endpoint, 'body contains "never there"')


def _make_credentials(flock: Flock, targets: Targets, authority: trustme.CA) -> Iterator[Credential]:
    for kind, user in (("basic", "u"), ("digest", flock.hatch_token("digest-user"))):
        yield make_credential(kind, kind, details={"username": user}, secrets={"password": flock.hatch(f"{kind}-word")})
    yield make_credential("bearer", "bearer", secrets={"token": flock.hatch_token("bearer")})
    pairs = [["X-Key", flock.hatch("header")], ["X-Other", flock.hatch_token("other-header")]]
    names = {"header_names": ["X-Key", "X-Other"]}
    yield make_credential("headers", "headers", details=names, secrets={"headers": pairs})
    for place, in_body in (("refusing", False), ("echo", True), ("tokens", False), ("untrusted", True)):
        details = {"token_url": targets.urls[place], "client_id": "c", "sends_secret_in_body": in_body}
        secret = flock.hatch(f"client-{place}")
        yield make_credential(f"oauth2 {place}", "oauth2", details=details, secrets={"client_secret": secret})
    passphrase = flock.hatch("passphrase")
    certificate, key = make_pair(authority, passphrase)
    flock.adopt("private-key", key.splitlines()[3])
    secrets = {"private_key": key, "passphrase": passphrase}
    yield make_credential("certificate", "certificate", details={"certificate": certificate}, secrets=secrets)
