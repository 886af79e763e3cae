"""Who changed something and what made them: every commit carries one `Cause` (decision 7)."""

from typing import NamedTuple


class Cause(NamedTuple):
    """Why a request is made.

    `actor` is the component or user that acts (`deployment-controller`, `kubelet/node-2`, `ktui-gitops`, a user name);
    `revision` is the store revision of the object version that made it act (0: nothing in this cluster did);
    `source` is where the intent is written down: `shop/web.yaml:12`, `key ctrl-d`, a drill's name.
    """

    actor: str
    revision: int = 0
    source: str = ""


UNKNOWN = Cause("unknown")
