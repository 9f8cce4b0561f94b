import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions

from server import __version__
from server.base.instance import address_of
from server.base.limits import STOP_S_MAX
from server.base.settings import NAMES, read_config

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deploy" / "kubernetes.yaml").read_text()
# Whatever Kubernetes supports with the fields that are used here.
VERSIONS = sorted(
    {version for version in all_versions() if int(version.split(".")[1]) >= 27}
)


def objects(text: str = TEXT) -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def with_advertise() -> str:
    """The manifest as its comment tells those to change it who want the addresses."""
    told = re.sub(r"(?m)^( *)# (- name: ONSALE_ADVERTISE\n *)# ", r"\1\2", TEXT)
    assert told != TEXT
    return told


POD = objects()["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
ENV = {one["name"]: one for one in CONTAINER["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("text", [TEXT, with_advertise()], ids=["as it is", "told"])
def test_kubernetes_knows_every_field(text, version):
    made = objects(text)
    assert set(made) == {
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    for one in made.values():
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize(
    ("field", "value"), [("topologySpreadConstraint", []), ("hostname", 1)]
)
def test_a_field_that_there_is_not_is_found(field, value):
    deployment = deepcopy(objects()["Deployment"])
    deployment["spec"]["template"]["spec"][field] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


def test_nobody_is_told_an_address_inside_the_cluster():
    assert "ONSALE_ADVERTISE" not in ENV


@pytest.mark.parametrize(
    ("pod_ip", "address"),
    [("10.244.0.7", "http://10.244.0.7:8080"), ("fd00::7", "http://[fd00::7]:8080")],
)
def test_those_who_want_it_tell_it_for_either_family(pod_ip, address):
    deployment = objects(with_advertise())["Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (told,) = (one for one in container["env"] if one["name"] == "ONSALE_ADVERTISE")
    assert told["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
    config = read_config({"ONSALE_ADVERTISE": pod_ip})
    assert address_of(config, 0) == address


def test_a_probe_does_not_take_a_busy_second_for_death():
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = CONTAINER[name]
        assert probe["timeoutSeconds"] > 1, name
        assert probe["httpGet"]["path"] in {"/readyz", "/livez"}
    # What an upgrade does to a large database takes minutes.
    startup = CONTAINER["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300


def test_pods_stand_apart():
    spread = POD["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    for one in spread:
        assert one["labelSelector"]["matchLabels"] == POD["metadata"]["labels"]
        # With one machine left, all of them are better there than nowhere.
        assert one["whenUnsatisfiable"] == "ScheduleAnyway"


def test_pods_hold_nothing_that_they_do_not_need():
    assert POD["spec"]["automountServiceAccountToken"] is False
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    context = CONTAINER["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_only_those_who_serve_clients_or_read_metrics_ask_the_server():
    policy = objects()["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == POD["metadata"]["labels"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    (allowed,) = policy["ingress"]
    assert all("namespaceSelector" in one for one in allowed["from"])
    assert [port["port"] for port in allowed["ports"]] == ["http"]
    assert {"http"} == {port["name"] for port in CONTAINER["ports"]}


def test_the_server_may_ask_all_that_it_needs_and_nothing_else():
    policy = objects()["NetworkPolicy"]["spec"]
    ports = {
        (port["protocol"], port["port"])
        for rule in policy["egress"]
        for port in rule["ports"]
    }
    needed = {"names": 53, "postgres": 5432, "redis": 6379, "s3": 443, "smtps": 465}
    assert {("TCP", port) for port in [*needed.values(), 587]} | {("UDP", 53)} == ports


def needs(name: str) -> bool:
    """Whether a pod does not start where its setting was not made."""
    source: dict[str, Any] = next(iter(ENV[name].get("valueFrom", {}).values()), {})
    return bool(source) and not source.get("optional", False)


def test_what_the_server_can_do_without_need_not_be_made():
    needed = {name for name in ENV if needs(name)}
    assert needed == {"DATABASE_URL", "REDIS_URL", "ONSALE_TRUSTED_PROXIES"}
    values = {
        "DATABASE_URL": "postgresql://a.example/onsale",
        "REDIS_URL": "rediss://a.example",
        "ONSALE_TRUSTED_PROXIES": "10.244.0.0/16",
    }
    plain = {name: one["value"] for name, one in ENV.items() if "value" in one}
    assert read_config(plain | values).images_url is None


def test_every_variable_is_a_setting():
    assert set(ENV) <= set(NAMES)


def test_a_pod_has_the_time_that_its_end_takes():
    (_, pause) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    seconds = POD["spec"]["terminationGracePeriodSeconds"]
    assert seconds > int(pause) + 2 * STOP_S_MAX


def test_all_parts_mean_the_same_pods_and_the_version_of_today():
    made, labels = objects(), POD["metadata"]["labels"]
    deployment = made["Deployment"]["spec"]
    assert deployment["selector"]["matchLabels"] == labels
    assert made["Service"]["spec"]["selector"] == labels
    budget = made["PodDisruptionBudget"]["spec"]
    assert budget["selector"]["matchLabels"] == labels
    assert budget["maxUnavailable"] < deployment["replicas"]
    assert CONTAINER["image"] == f"onsale:{__version__}"
