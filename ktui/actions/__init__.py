"""Everything keys do: each module exports ACTIONS; together they are the registry."""

from ktui.actions import cluster, folder, navigation, nodes, views, workloads
from ktui.keys import Action

REGISTRY: tuple[Action, ...] = (
    *navigation.ACTIONS,
    *views.ACTIONS,
    *cluster.ACTIONS,
    *workloads.ACTIONS,
    *nodes.ACTIONS,
    *folder.ACTIONS,
)
