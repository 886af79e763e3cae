"""The shop window gets a new version: how many pods there are at every single commit, and what a bad version breaks."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.base.objects import Obj, dig, is_terminating, labels_of
from engine.store.events import DELETED, Event
from tests.scenarios.shop import Shop, is_ready, play

T = TypeVar("T")

REPLICAS = 8
MAX_SURGE = MAX_UNAVAILABLE = 2
"""25 % of 8, rounded up and down."""
UNREACHABLE = "registry.invalid/nginx:1.28"


class Counts:
    """The pods of `web` at every commit: how many are available, how many its ReplicaSets ask for, the extremes of both.

    What is asked for is what the surge limits: a pod that is to go is still there for the moment that its ReplicaSet's controller takes.
    """

    def __init__(self, shop: Shop) -> None:
        store = shop.cluster.store
        self._pods: dict[str, Obj] = {pod["metadata"]["uid"]: pod for pod in shop.pods(app="web")}
        self._asked: dict[str, int] = {
            s["metadata"]["uid"]: s["spec"]["replicas"] for s in store.list("replicasets.apps", "prod") if is_web(s)
        }
        self.least, self.most = self.available, self.asked
        store.subscribe("pods", "prod", 0, self._on_pod)
        store.subscribe("replicasets.apps", "prod", 0, self._on_set)

    @property
    def available(self) -> int:
        return sum(is_ready(pod) and not is_terminating(pod) for pod in self._pods.values())

    @property
    def asked(self) -> int:
        return sum(self._asked.values())

    def _on_pod(self, event: Event) -> None:
        if is_web(event.object):
            _keep(self._pods, event, event.object)
            self.least = min(self.least, self.available)

    def _on_set(self, event: Event) -> None:
        if is_web(event.object):
            _keep(self._asked, event, event.object["spec"]["replicas"])
            self.most = max(self.most, self.asked)


def is_web(obj: Obj) -> bool:
    return labels_of(obj).get("app") == "web"


def _keep(known: dict[str, T], event: Event, value: T) -> None:
    if event.type == DELETED:
        known.pop(event.object["metadata"]["uid"], None)
    else:
        known[event.object["metadata"]["uid"]] = value


def edit(shop: Shop, change: Callable[[str], str]) -> None:
    """Change the manifest of the shop window."""
    path = shop.manifests / "prod" / "web.yaml"
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    shop.cluster.folder.changed()


def use(shop: Shop, image: str) -> None:
    """Roll out another image by editing the manifest."""
    edit(shop, lambda text: "\n".join(f"          image: {image}" if " image: " in line else line for line in text.splitlines()))


async def scale_up(shop: Shop) -> None:
    edit(shop, lambda text: text.replace("replicas: 3", f"replicas: {REPLICAS}"))
    await shop.until(lambda: len(shop.pods(app="web")) == REPLICAS and shop.is_healthy(), 60)


def images(shop: Shop) -> list[str]:
    return sorted({pod["spec"]["containers"][0]["image"] for pod in shop.pods(app="web") if not is_terminating(pod)})


def progress(shop: Shop) -> tuple[str, str]:
    """(status, reason) of the condition Progressing."""
    found = shop.cluster.store.get("deployments.apps", "prod", "web")
    conditions = dig(found or {}, "status", "conditions", default=())
    return next((c["status"], c["reason"]) for c in conditions if c["type"] == "Progressing")


def test_rolling_update_never_goes_below_min_available_nor_above_max_surge(tmp_path: Path) -> None:
    async def scenario(shop: Shop) -> None:
        await scale_up(shop)
        counts = Counts(shop)
        use(shop, "nginx:1.28")
        await shop.until(lambda: images(shop) == ["nginx:1.28"] and shop.is_healthy(), 120)
        assert counts.least == REPLICAS - MAX_UNAVAILABLE
        assert counts.most == REPLICAS + MAX_SURGE
        assert progress(shop) == ("True", "NewReplicaSetAvailable")
        shop.check_consistency()

    play(scenario, folder=tmp_path)


def test_a_bad_image_stops_at_max_unavailable_and_undoing_it_recovers(tmp_path: Path) -> None:
    async def scenario(shop: Shop) -> None:
        await scale_up(shop)
        before = {pod["metadata"]["uid"] for pod in shop.pods(app="web")}
        counts = Counts(shop)
        use(shop, UNREACHABLE)
        await shop.cluster.pass_time(300)
        assert (counts.available, counts.asked) == (REPLICAS - MAX_UNAVAILABLE, REPLICAS + MAX_SURGE)
        assert (counts.least, counts.most) == (counts.available, counts.asked)
        assert progress(shop) == ("True", "ReplicaSetUpdated")
        await shop.cluster.pass_time(310)
        assert progress(shop) == ("False", "ProgressDeadlineExceeded")
        use(shop, "nginx:1.27")
        await shop.until(lambda: images(shop) == ["nginx:1.27"] and shop.is_healthy(), 60)
        kept = before & {pod["metadata"]["uid"] for pod in shop.pods(app="web")}
        assert len(kept) == REPLICAS - MAX_UNAVAILABLE
        assert counts.least == REPLICAS - MAX_UNAVAILABLE
        shop.check_consistency()

    play(scenario, folder=tmp_path)
