"""The rules that `docker-compose.yml` and the image keep."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
import yaml

from project import gunicorn_conf
from project.embedded.child import SECONDS_TO_END
from tests.deployment.compose import (
    MissingVariableError,
    Service,
    load_services,
    read_compose_file,
    use_secret_files,
)
from tests.deployment.dockerfile import find_last, read_command, read_dockerfile, read_environment
from tests.deployment.engine import PATH

SECRETS = {
    "SECRET_KEY": "one-of-at-least-fifty-characters-one-of-at-least-fifty-characters",
    "POSTGRES_PASSWORD": "word",
    "HEALTHCHECK_ENCRYPTION_KEYS": "WEVQr0OUZ9rmWbZlCgIQ6f8bM3Rro4wA8b4PRqeBuz0=",
}
SERVICES = load_services(read_compose_file(), SECRETS)
WITH_FILES = load_services(use_secret_files(read_compose_file()), {})
EVERY = pytest.mark.parametrize("service", [*SERVICES.values(), *WITH_FILES.values()], ids=lambda each: each.name)
# It ends by itself, and is asked for its exit status instead of its health.
ONE_SHOT = "migrate"
LASTING = pytest.mark.parametrize("name", [name for name in SERVICES if name != ONE_SHOT])
OURS = [name for name, service in SERVICES.items() if "build" in service.definition]


def test_services_are_those_of_a_whole_deployment() -> None:
    assert list(SERVICES) == ["db", "redis", "migrate", "web", "worker", "scheduler"]
    assert OURS == ["migrate", "web", "worker", "scheduler"]
    assert SERVICES["scheduler"].replicas == 2


@EVERY
def test_service_is_confined(service: Service) -> None:
    confined = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
    }
    assert {key: service.definition.get(key) for key in confined} == confined
    assert not service.definition.keys() & {"cap_add", "privileged", "network_mode", "pid"}


@EVERY
def test_service_runs_as_a_user_by_number_that_is_not_root(service: Service) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service.definition["user"])


@EVERY
def test_image_is_pinned_to_a_full_version(service: Service) -> None:
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", service.image)


@EVERY
def test_service_writes_to_memory_or_to_a_volume_only(service: Service) -> None:
    assert all(path.startswith("/") for path in service.definition["tmpfs"])
    named = yaml.safe_load(read_compose_file())["volumes"]
    assert all(volume.split(":")[0] in named for volume in service.definition.get("volumes", []))


@LASTING
def test_lasting_service_has_a_health_check_and_is_restarted(name: str) -> None:
    check = SERVICES[name].definition["healthcheck"]
    assert check["test"][0] == "CMD"
    assert set(check) == {"test", "interval", "timeout", "retries", "start_period"}
    assert SERVICES[name].restart == "unless-stopped"


def test_migration_runs_once_and_everything_of_ours_waits_for_it() -> None:
    assert (SERVICES[ONE_SHOT].restart, SERVICES[ONE_SHOT].health_check) == ("no", ())
    assert SERVICES[ONE_SHOT].needs == {"db": "service_healthy"}
    for name in set(OURS) - {ONE_SHOT}:
        assert SERVICES[name].needs == {"redis": "service_healthy", "migrate": "service_completed_successfully"}


@pytest.mark.parametrize("name", OURS)
def test_grace_is_longer_than_our_own_stop_takes(name: str) -> None:
    assert SERVICES[name].stop_grace_seconds > 2 * max(SECONDS_TO_END, gunicorn_conf.graceful_timeout)


def test_only_the_pages_are_published_and_on_loopback_only() -> None:
    assert SERVICES["web"].definition["ports"] == ["127.0.0.1:8000:8000"]
    assert [name for name, service in SERVICES.items() if "ports" in service.definition] == ["web"]


@pytest.mark.parametrize("name", SECRETS)
def test_secret_is_required_with_a_sentence(name: str) -> None:
    with pytest.raises(MissingVariableError, match=f"^set {name}"):
        load_services(read_compose_file(), {key: value for key, value in SECRETS.items() if key != name})


def test_no_secret_has_a_default() -> None:
    asked = re.findall(rf"\$\{{(?:{'|'.join(SECRETS)})(..)", read_compose_file())
    assert set(asked) == {":?"}


def test_secrets_may_be_files_instead() -> None:
    declared: dict[str, Any] = yaml.safe_load(use_secret_files(read_compose_file()))["secrets"]
    assert set(declared) == {"secret_key", "postgres_password", "encryption_keys"}
    assert [name for name, service in WITH_FILES.items() if "secrets" in service.definition] == ["db", *OURS]


@pytest.mark.parametrize("name", ["db", *OURS])
def test_service_reads_each_of_its_secret_files_and_no_variable_beside_it(name: str) -> None:
    environment = WITH_FILES[name].environment
    given = [f"/run/secrets/{secret}" for secret in WITH_FILES[name].definition["secrets"]]
    files = {key: value for key, value in environment.items() if value.startswith("/run/secrets/")}
    assert sorted(files.values()) == sorted(given)
    assert {key[-5:] for key in files} == {"_FILE"}
    assert not {key.removesuffix("_FILE") for key in files} & set(environment)
    assert {key.removesuffix("_FILE") for key in files} <= set(SERVICES[name].environment)


def test_proxies_are_trusted_when_they_are_named() -> None:
    proxies = {"HEALTHCHECK_TRUSTED_PROXIES": "172.16.0.0/12"}
    named = load_services(read_compose_file(), SECRETS | proxies)
    for name in OURS:
        assert SERVICES[name].environment["HEALTHCHECK_TRUSTED_PROXIES"] == ""
        assert named[name].environment["HEALTHCHECK_TRUSTED_PROXIES"] == "172.16.0.0/12"


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_exists(name: str) -> None:
    program, *rest = SERVICES[name].command or read_command(read_dockerfile())
    assert shutil.which(program, path=PATH)
    assert rest


def test_image_is_pinned_and_owns_none_of_its_code() -> None:
    instructions = read_dockerfile()
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm", find_last(instructions, "FROM"))
    assert find_last(instructions, "USER") == SERVICES["web"].definition["user"]
    assert "pip install --require-hashes -r requirements.txt" in [each.rest for each in instructions]
    assert not [each for each in instructions if each.word == "COPY" and "--chown" in each.rest]


def test_spool_is_a_volume_that_the_workers_own_and_nobody_looks_into() -> None:
    owner, group = SERVICES["worker"].definition["user"].split(":")
    folder = SERVICES["worker"].environment["HEALTHCHECK_SPOOL_DIR"]
    [made] = [each.rest for each in read_dockerfile() if each.rest.startswith("install ")]
    assert made == f"install --directory --owner={owner} --group={group} --mode=700 {folder}"
    assert SERVICES["worker"].definition["volumes"] == [f"spool:{folder}"]


def test_image_holds_no_secret() -> None:
    assert not set(read_environment(read_dockerfile())) & {*SECRETS, "DATABASE_URL", "DATABASE_PASSWORD"}
