"""What is accepted with a warning."""

import pytest

from engine.base.objects import Obj, frozen
from engine.kinds.cronjobs import KIND as CRONJOB
from engine.kinds.pods import KIND as POD

SPECS: dict[str, tuple[Obj, str]] = {
    "an environment variable twice": (
        {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]},
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    ),
    "a label of old": (
        {"nodeSelector": {"beta.kubernetes.io/os": "linux"}},
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    ),
    "a part of a byte": (
        {"containers": [{"name": "c", "resources": {"requests": {"memory": "100m"}}}]},
        'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    ),
    "a port twice": (
        {"containers": [{"name": "c", "ports": [{"containerPort": 80, "protocol": "TCP"}] * 2}]},
        "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
    ),
    "a volume of a driver that is gone": (
        {"volumes": [{"name": "v", "glusterfs": {}}]},
        "spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+",
    ),
    "a negative grace period": (
        {"terminationGracePeriodSeconds": -1},
        "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    ),
}


@pytest.mark.parametrize(("spec", "text"), SPECS.values(), ids=SPECS)
def test_pods(spec: Obj, text: str) -> None:
    assert list(POD.warnings(frozen({"metadata": {"name": "p"}, "spec": spec}), None)) == [text]


def test_a_variable_may_extend_its_earlier_value() -> None:
    env = [{"name": "PATH", "value": "/a"}, {"name": "PATH", "value": "$(PATH):/b"}]
    assert list(POD.warnings(frozen({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "env": env}]}}), None)) == []


def test_a_name_that_makes_a_bad_host_name() -> None:
    (text,) = POD.warnings({"metadata": {"name": "a.b"}, "spec": {}}, None)
    assert text.startswith("metadata.name: this is used in the Pod's hostname")


def test_templates_say_where_they_are_and_only_when_they_change() -> None:
    spec = {"terminationGracePeriodSeconds": -1}
    job = frozen({"metadata": {"name": "j"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}})
    (text,) = CRONJOB.warnings(job, None)
    assert text.startswith("spec.jobTemplate.spec.template.spec.terminationGracePeriodSeconds: ")
    assert list(CRONJOB.warnings(job, job)) == []
