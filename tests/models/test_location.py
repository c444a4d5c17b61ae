from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from healthcheck.models import Location
from tests.factories import make_group, make_location, make_run

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_default_location_is_made_once() -> None:
    Location.objects.all().delete()
    made = Location.objects.default()
    assert (made.slug, made.name) == ("default", "Default")
    assert Location.objects.default() == made
    assert Location.objects.count() == 1


def test_default_location_keeps_the_name_that_a_person_gave_it() -> None:
    Location.objects.update_or_create(slug="default", defaults={"name": "Berlin"})
    assert Location.objects.default().name == "Berlin"


def test_location_slug_is_unique() -> None:
    make_location("berlin")
    with pytest.raises(IntegrityError), transaction.atomic():
        Location.objects.create(slug="berlin", name="Another")


def test_location_with_runs_cannot_be_deleted() -> None:
    run = make_run(make_group())
    with pytest.raises(ProtectedError):
        run.location.delete()
    assert Location.objects.filter(pk=run.location_id).exists()
