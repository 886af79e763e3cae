"""Results of cycles by pod template: replicas of one workload share them."""

from typing import NamedTuple

import orjson

from engine.kinds.common.memo import Memo
from engine.scheduler.cycle import Profile, TemplateResults
from engine.scheduler.framework import Surroundings
from engine.scheduler.pods import PodInfo
from engine.scheduler.volumes import claim_names

TEMPLATES_MAX = 256
"""Templates whose results are kept; each costs about 300 bytes a node."""


class TemplateKey(NamedTuple):
    """What makes two pods alike to every plugin."""

    namespace: str
    spec: bytes
    labels: tuple[tuple[str, str], ...]
    owner: str


class Templates:
    """The results of the templates used last. Pods with claims are never alike: their volumes decide."""

    def __init__(self, profile: Profile, around: Surroundings) -> None:
        self._profile = profile
        self._around = around
        self._known: dict[TemplateKey, TemplateResults] = {}
        self._digests: Memo[bytes] = Memo(lambda spec: orjson.dumps(spec))

    def results(self, pod: PodInfo) -> TemplateResults:
        """Current results for a pod.

        Raises:
            Unschedulable: a plugin rejects it before any node is looked at.
        """
        if claim_names(pod):
            return TemplateResults(self._profile, pod, self._around)
        key = TemplateKey(pod.namespace, self._digests(pod.spec), tuple(pod.labels.items()), pod.owner_uid)
        known = self._known.pop(key, None)
        if known is None or not known.refresh():
            known = TemplateResults(self._profile, pod, self._around)
            if known.narrowed:
                return known
        while len(self._known) >= TEMPLATES_MAX:
            del self._known[next(iter(self._known))]
        self._known[key] = known
        return known

    def clear(self, namespace: str = "") -> None:
        """Forget the results of a namespace (all where empty): something changed that they do not follow."""
        if namespace:
            self._known = {key: results for key, results in self._known.items() if key.namespace != namespace}
        else:
            self._known.clear()
