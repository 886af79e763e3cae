"""All measures, in the order in which they run."""

from tests.bench import api, cold_start, idle, keys, scale, thousand_replicas, virtual_time
from tests.bench.measure import Figure

BENCHES = [module.BENCH for module in (cold_start, thousand_replicas, api, virtual_time, idle, keys, scale)]


def measured(name: str) -> list[Figure]:
    """Run a measure by name."""
    return next(bench for bench in BENCHES if bench.name == name).run()
