"""Which nodes a pod may use by their labels: nodeSelector and required node affinity."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.base.objects import Obj, dig
from engine.base.selectors import EVERYTHING, Requirement, Selector, from_map, requirement_of


@dataclass(frozen=True, slots=True)
class Term:
    """A node selector term: all expressions must hold; one without any matches nothing."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def match(self, labels: Mapping[str, str], name: str) -> bool:
        """Whether a node with these labels and this name is selected."""
        if not self.labels and not self.fields:
            return False
        return all(r.matches(labels) for r in self.labels) and all(r.matches({"metadata.name": name}) for r in self.fields)


def term_of(term: Obj) -> Term:
    """A node selector term from its object."""
    return Term(
        tuple(requirement_of(e) for e in term.get("matchExpressions") or ()),
        tuple(requirement_of(e) for e in term.get("matchFields") or ()),
    )


@dataclass(frozen=True, slots=True)
class RequiredNodes:
    """nodeSelector AND (any of the required terms)."""

    selector: Selector
    terms: tuple[Term, ...] | None

    @classmethod
    def of(cls, spec: Obj) -> "RequiredNodes":
        """What a pod spec requires."""
        required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
        terms = tuple(term_of(term) for term in required.get("nodeSelectorTerms") or ()) if required else None
        chosen = spec.get("nodeSelector")
        return cls(from_map(chosen) if chosen else EVERYTHING, terms)

    @property
    def anything(self) -> bool:
        """Whether every node will do."""
        return self.selector.empty and self.terms is None

    def match(self, labels: Mapping[str, str], name: str) -> bool:
        """Whether the pod may use a node."""
        if not self.selector.matches(labels):
            return False
        return self.terms is None or any(term.match(labels, name) for term in self.terms)
