"""Whose fault an error is and what to look at first: one sentence each per ErrorKind, for the person on call."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.phases import asks_names, sends_echoes, speaks_freely
from healthcheck.engine.types import ErrorKind


class Blame(Enum):
    """Whose it is. Ours is never the target's outage: nothing was measured then."""

    TARGET = "target"
    CONFIGURATION = "configuration"
    CHECKER = "checker"
    # There was nothing to measure yet.
    NOBODY = "nobody"
    # Only a newer release could tell.
    OTHER = "other"
    # Who knows why what it is judged by is not known: its own page.
    SOURCE = "source"


BLAME_SENTENCES: Mapping[Blame, Promise] = {
    Blame.TARGET: _("The fault lies with the target or on the way to it."),
    Blame.CONFIGURATION: _("Nothing was measured: the configuration stands in the way, not the target."),
    Blame.CHECKER: _("Nothing was measured: the fault lies with the checker, not with the target."),
    Blame.NOBODY: _("Nothing was measured yet, and that is nobody's fault."),
    Blame.SOURCE: _("Nothing was judged: the fault lies with what it is judged by."),
    Blame.OTHER: _("A newer release made this check, and this page is of an older one that does not know the reason."),
}

BLAMES: Mapping[ErrorKind, Blame] = {
    **dict.fromkeys(ErrorKind, Blame.TARGET),
    ErrorKind.BLOCKED: Blame.CONFIGURATION,
    ErrorKind.CREDENTIAL: Blame.CONFIGURATION,
    ErrorKind.CAPACITY: Blame.CHECKER,
    ErrorKind.INTERNAL: Blame.CHECKER,
    ErrorKind.AWAY: Blame.CHECKER,
    ErrorKind.UPLINK: Blame.CHECKER,
    ErrorKind.SILENT: Blame.NOBODY,
    ErrorKind.NO_DATA: Blame.SOURCE,
    ErrorKind.OTHER: Blame.OTHER,
}

FIRST_STEPS: Mapping[ErrorKind, Promise] = {
    ErrorKind.TIMEOUT: _("See below in which phase the time ran out. Is it slow, or does a firewall drop packets?"),
    ErrorKind.DNS: _("Is the name spelt right, and does its DNS zone still hold it?"),
    ErrorKind.REFUSED: _("Nothing listens at that address and port. Is the program running there?"),
    ErrorKind.CONNECTION: _("It was reachable and hung up. Look at its log, and at proxies on the way."),
    ErrorKind.TLS: _("Does that port speak TLS, and a version that is still accepted?"),
    ErrorKind.CERTIFICATE: _("See the certificates below: dates, names and issuer."),
    ErrorKind.REDIRECT: _("Follow the redirects below by hand, or raise the number that is followed."),
    ErrorKind.PROTOCOL: _("What answers at that port may be no web server, or one that is cut short."),
    ErrorKind.TOO_LARGE: _("Check a smaller page, or raise the body limit of the endpoint."),
    ErrorKind.STATUS: _("It runs and answers. Its own log says why with this status."),
    ErrorKind.ASSERTION: _("It runs and answers. Compare what was expected with what was found, below."),
    ErrorKind.BLOCKED: _("If it is to be checked, allow its network in the setting ADDRESS_ALLOW."),
    ErrorKind.CAPACITY: _("Look at the load of the workers, their file handles and their resolver."),
    ErrorKind.INTERNAL: _(
        "The worker's log has the details; save the endpoint again if its configuration is unreadable."
    ),
    ErrorKind.CREDENTIAL: _(
        "Enter the credential's secret parts again, and see whether its issuer still accepts them."
    ),
    ErrorKind.MISSED: _("Did the job run at all? Look at what starts it, then at whether it reaches this server."),
    ErrorKind.FAILED: _("The job ran and said so itself. Read what it said below, then its own log."),
    ErrorKind.SILENT: _("Have the job call the address that was shown when its token was made."),
    ErrorKind.AWAY: _("Nothing to do for the job: its next signal settles it. See why no scheduler was running."),
    ErrorKind.MEMBERS: _("Open those of its members that are not up: each says why on a page of its own."),
    ErrorKind.NO_DATA: _("Open what it is judged by, and see why nothing is known of it."),
    ErrorKind.UPLINK: _("Look at the network of the workers: not one of the location's control targets answered."),
    ErrorKind.OTHER: _("Finish the upgrade: restart the web processes with the newer release."),
}
# Where no request and no page is involved, they would mislead.
_FIRST_STEPS_OF_STREAMS: Mapping[ErrorKind, Promise] = {
    ErrorKind.CONNECTION: _("It was reachable and hung up. Look at its log: did the dialogue go on too long for it?"),
    ErrorKind.PROTOCOL: _("What answers at that port speaks otherwise than the dialogue says."),
    ErrorKind.TOO_LARGE: _("It said more than a dialogue may hear; expect less of it."),
}

_FIRST_STEPS_OF_NAMES: Mapping[ErrorKind, Promise] = {
    ErrorKind.CONNECTION: _("The name server was reachable and hung up. Look at its log."),
    ErrorKind.PROTOCOL: _("What answers there is no name server, or its answer is broken. Ask it with the line below."),
    ErrorKind.TOO_LARGE: _("It has more records for this name than are read; ask for another type."),
    ErrorKind.STATUS: _("Does the zone still hold the name, and does this server answer for it? Ask another one."),
}


_FIRST_STEPS_OF_ECHOES: Mapping[ErrorKind, Promise] = {
    ErrorKind.TIMEOUT: _("Is the host up? Many firewalls drop echo requests without a word: does it answer others?"),
    ErrorKind.REFUSED: _("Somebody on the way, named below, lets no echo requests through: ask for a rule that does."),
    ErrorKind.CONNECTION: _(
        "Somebody on the way, named below, does not know how to reach it: look at routes and hosts."
    ),
    ErrorKind.INTERNAL: _("See below what keeps this process from sending ICMP; the sentence names the cure."),
}


def find_first_step(error: ErrorKind, kind: str) -> str:
    """Return what to look at first when a check of this kind ended so."""
    own = _FIRST_STEPS_OF_STREAMS if speaks_freely(kind) else _FIRST_STEPS_OF_ECHOES if sends_echoes(kind) else {}
    own = _FIRST_STEPS_OF_NAMES if asks_names(kind) else own
    return str({**FIRST_STEPS, **own}[error])
