"""What the commands for CSV files share: which kind of definition a file is about."""

from __future__ import annotations

from argparse import ArgumentParser

from django.db.models import Model

from healthcheck.models import Endpoint, EndpointGroup


def add_kind_option(parser: ArgumentParser) -> None:
    parser.add_argument("--groups", action="store_true", help="Groups in the place of endpoints.")


def choose_model(*, groups: bool) -> type[Model]:
    return EndpointGroup if groups else Endpoint
