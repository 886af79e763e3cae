"""Numbers of replicas: int-or-percent values and the bounds of a rolling update (apimachinery/pkg/util/intstr, deployment_util.go)."""


def resolve(value: int | str, total: int, up: bool) -> int:
    """An int-or-percent of `total`: `25%` of 10 is 3 rounded `up`, 2 rounded down (GetScaledValueFromIntOrPercent).

    Raises:
        ValueError: a text that is no percentage.
    """
    if isinstance(value, int):
        return value
    percent = int(value.removesuffix("%"))
    if not value.endswith("%"):
        raise ValueError(f"invalid value for IntOrString: {value!r} is not a percentage")
    return -(-percent * total // 100) if up else percent * total // 100


def resolve_fenceposts(max_surge: int | str, max_unavailable: int | str, desired: int) -> tuple[int, int]:
    """(surge rounded up, unavailable rounded down); both zero would stand still, so then one may be unavailable."""
    surge, unavailable = resolve(max_surge, desired, True), resolve(max_unavailable, desired, False)
    return (surge, unavailable) if surge or unavailable else (0, 1)
