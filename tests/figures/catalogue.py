"""The figures by name. The file of the same name measures it; sizes and bounds are here, so that they can be listed."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """`size` is the default of what `counted` names; a measurement may take `bound_seconds` and is ended then."""

    sentence: str
    counted: str
    size: int
    bound_seconds: int
    by_database: bool = True


FIGURES = {
    "probe": Figure("CPU of one check by itself over http, https, tcp", "checks", 20_000, 120, by_database=False),
    "dns": Figure("CPU of one DNS check by itself, nothing stored", "checks", 10_000, 90, by_database=False),
    "cpu": Figure("CPU of the worker per stored HTTP check", "groups of 20", 80, 150),
    "slow": Figure("wall time of a group whose members all answer after 1 s", "endpoints", 200, 90),
    "silent": Figure("lateness of healthy groups beside as many silent ones", "groups of each", 200, 240),
    "statements": Figure("database statements per run", "endpoints of the largest group", 300, 90),
    "bytes": Figure("bytes per stored result, indexes included", "results", 400_000, 300),
    "rollup": Figure("time of rolling up one hour of endpoints checked every 30 s", "endpoints", 10_000, 3600),
    "prune": Figure("lateness of checks while raw rows are pruned", "raw rows", 5_000_000, 3600),
    "kills": Figure("what kill -9 of worker, scheduler and broker costs", "kills of each", 3, 400),
    # Names of its own are answered in a network of its own, which takes root, or a system that gives people one.
    "faults": Figure("what faults of our own side cost", "faulted slots of endpoints", 10_000, 900),
    "spool": Figure("what is lost and doubled while the database comes and goes", "outages", 200, 2400),
    "growth": Figure(
        "what group runs leave behind in memory, handles, tasks", "group runs", 100_000, 1900, by_database=False
    ),
    "pages": Figure("server time, size, queries and painting of the status page", "endpoints", 1000, 150),
    "uptime": Figure("server time and queries of 90 days of a status page", "raw rows", 1_000_000, 3600),
    # By hand with --size 50000000, where the disk has 20 GB.
    "history": Figure("what raw rows cost, in one table and in day partitions", "raw rows", 1_000_000, 5400),
    "changes": Figure("time and statements of changing many endpoints at once", "endpoints", 10_000, 300),
    "hostile": Figure("healthy targets beside all hostile ones at once", "rounds", 10, 300, by_database=False),
    "reach": Figure("connections to what the address policy forbids", "not used", 1, 300, by_database=False),
    "simulator": Figure("a year of schedules with faults against a truth second by second", "days", 366, 1800),
    "slots": Figure("16 schedulers and 8 workers under a virtual clock", "slots", 1_000_000, 7200, by_database=False),
    "messages": Figure("time from the end of a failing run to its message", "failing runs", 200, 400),
    "deliveries": Figure("what kill -9 at each step of a delivery costs", "kills", 1000, 1800),
    # By hand with --size 10000: ten million results.
    "admin": Figure("server time and queries of the admin's lists and pages", "endpoints", 300, 2400),
}
