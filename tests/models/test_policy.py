from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from healthcheck.models import NotificationPolicy


@pytest.mark.parametrize(
    ("columns", "field", "cure"),
    [
        ({"hours": "Mon-Fri"}, "hours", "write such as Mon-Fri 08:00-18:00"),
        ({"timezone": "Europe/Nowhere"}, "timezone", "use a name such as Europe/Berlin"),
    ],
)
def test_hours_that_cannot_be_read_are_refused_at_their_field(columns: dict[str, str], field: str, cure: str) -> None:
    with pytest.raises(ValidationError) as caught:
        NotificationPolicy(name="night", **columns).clean()
    assert list(caught.value.message_dict) == [field]
    assert cure in caught.value.message_dict[field][0]


def test_hours_that_can_be_read_are_taken() -> None:
    NotificationPolicy(name="day", hours="Mon-Fri 08:00-18:00, Sat 10:00-14:00", timezone="Europe/Berlin").clean()
