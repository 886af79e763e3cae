"""Prefers nodes that have the pod's images (plugins/imagelocality)."""

from typing import Any

from engine.scheduler.framework import MAX_NODE_SCORE, Plugin, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "ImageLocality"
MIN_BYTES = 23 * 1024 * 1024
MAX_CONTAINER_BYTES = 1000 * 1024 * 1024


def normalized(image: str) -> str:
    """An image name with a tag: `latest` where it has neither tag nor digest."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def prepare(pod: PodInfo, around: Surroundings) -> list[tuple[str, float]] | None:
    """The pod's images and on which part of the nodes they are; nothing to say where no node has any of them."""
    counts, total = around.snapshot.image_nodes, len(around.snapshot.nodes)
    images = [normalized(image) for image in pod.shape.images]
    if not total or not any(counts.get(image) for image in images):
        return None
    return [(image, counts.get(image, 0) / total) for image in images]


def score(state: Any, pod: PodInfo, node: NodeInfo) -> int:
    """The bytes that are there, scaled down for images that few nodes have so that one node does not draw all pods."""
    present = sum(int(node.images[image] * spread) for image, spread in state if image in node.images)
    ceiling = MAX_CONTAINER_BYTES * len(state)
    bounded = min(max(present, MIN_BYTES), ceiling)
    return MAX_NODE_SCORE * (bounded - MIN_BYTES) // (ceiling - MIN_BYTES)


PLUGIN = Plugin(NAME, order=140, prepare=prepare, score=score, weight=1)
