"""Calls of deploy hooks as CI makes them, signed."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from typing import Any

from healthcheck.models import DeployHook
from healthcheck.models.secrets import make_key
from healthcheck.notifiers.signatures import read_secret, sign
from healthcheck.pipeline.deploy_calls import SignedCall
from tests.factories import NOW, SIGNING

# What the secrets of hooks are sealed with.
KEY = make_key()
_ids = count()


def write_body(verb: str, deploy: str = "build-42", **data: Any) -> bytes:
    """Return the body that says that a deploy is started or finished."""
    return json.dumps({"type": f"deploy.{verb}", "data": {"deploy": deploy, **data}}).encode()


def sign_call(
    hook: DeployHook, body: bytes, *, at: datetime = NOW, secret: str = SIGNING, call_id: str = ""
) -> SignedCall:
    """Return the call as of `at`, under an id of its own unless one is given."""
    own_id, timestamp = call_id or f"msg_{next(_ids)}", int(at.timestamp())
    signatures = sign([read_secret(secret, field="secret")], own_id, timestamp, body=body)
    return SignedCall(hook.public_id, own_id, timestamp, signatures, body)


def write_headers(call: SignedCall) -> dict[str, str]:
    timestamp = str(call.timestamp)
    return {"webhook-id": call.call_id, "webhook-timestamp": timestamp, "webhook-signature": call.signatures}
