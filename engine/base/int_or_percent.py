"""Int-or-percent values (apimachinery/pkg/util/intstr)."""


def resolve(value: int | str, total: int, up: bool) -> int:
    """The number that a value stands for: `25%` of 10 is 3 rounded `up`, 2 rounded down (GetScaledValueFromIntOrPercent).

    Raises:
        ValueError: a text that is no percentage.
    """
    if isinstance(value, int):
        return value
    percent = int(value.removesuffix("%"))
    if not value.endswith("%"):
        raise ValueError(f"invalid value for IntOrString: {value!r} is not a percentage")
    return -(-percent * total // 100) if up else percent * total // 100
