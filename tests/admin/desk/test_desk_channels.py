"""Channels on which nobody is told, on the start page: a red line each, and none for who may not see channels."""

from __future__ import annotations

import pytest
from django.test import Client

from healthcheck.models import ChannelState
from tests.factories import NOW, make_channel, make_group

pytestmark = pytest.mark.django_db

DESK = "/admin/healthcheck/endpointgroup/desk/"
REFUSED = "Webhook refused it (HTTP 401); renew its credential there and enter it again."


def test_start_page_says_where_nobody_is_told(operator: Client) -> None:
    make_group()
    refused, _works = make_channel("<b>team</b>"), make_channel("works")
    ChannelState.objects.create(channel=refused, disabled_at=NOW, failures=1, last_error=REFUSED)
    page = operator.get(f"{DESK}?part").content.decode()
    link = f'<a href="/admin/healthcheck/notificationchannel/{refused.pk}/change/">'
    sentence = "Messages do not get out on the channel “&lt;b&gt;team&lt;/b&gt;”."
    assert f'<ul class="hc-alarms"><li>{link}{sentence}</a> {REFUSED}</li></ul>' in page
    assert "works" not in page


def test_who_may_not_see_channels_is_told_of_none(viewer: Client) -> None:
    make_group()
    ChannelState.objects.create(channel=make_channel("secret works"), disabled_at=NOW, last_error=REFUSED)
    assert "secret works" not in viewer.get(f"{DESK}?part").content.decode()
