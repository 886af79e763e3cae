"""Images: pull policy, failures and their back-off (pkg/kubelet/images/image_manager.go)."""

from engine.kubelet import containers, events, restarts
from engine.kubelet.effects import PullImage, StartContainer
from engine.kubelet.inputs import Pulled, PullFailed, Pulling
from engine.kubelet.plan import ContainerPlan
from engine.kubelet.podstate import NEVER, ContainerState
from engine.kubelet.turn import Turn

PULL_RETRY_S = 12.0
"""Until a name that cannot be pulled is looked at again (pod_workers.go: failed pods are synced every 10 s and jitter)."""
NOTICE_S = 2.0
"""How long a container says ErrImagePull before a sync of the pod finds the pull in back-off."""


def begin(turn: Turn, i: int) -> None:
    """Ask the runtime for the container's image."""
    c = turn.containers[i]
    turn.change(i, c._replace(life=containers.after(c.life, "pull"), due=NEVER))
    turn.effects.append(PullImage(i, c.instance))


def pulling(turn: Turn, news: Pulling) -> None:
    """The runtime fetches the image."""
    c = turn.containers[news.container]
    if containers.happens(c, news.instance, "pulled"):
        turn.effects.append(events.pulling(turn.plan.containers[news.container]))


def pulled(turn: Turn, news: Pulled) -> None:
    """The image is there: create and start the container."""
    c = turn.containers[news.container]
    if not containers.happens(c, news.instance, "pulled"):
        return
    plan = turn.plan.containers[news.container]
    turn.effects.append(events.pulled(plan, news))
    turn.effects.append(StartContainer(news.container, c.instance))
    life = containers.after(c.life, "pulled")
    turn.change(news.container, c._replace(life=life, image=news.image, reason="", message="", pull_backoff_s=0.0))


def failed(turn: Turn, news: PullFailed) -> None:
    """The container waits with the error, which turns into ImagePullBackOff at the next look."""
    c = turn.containers[news.container]
    if not containers.happens(c, news.instance, "pull failed"):
        return
    plan = turn.plan.containers[news.container]
    turn.effects += events.pull_failed(plan, news.reason, news.message)
    retried = news.reason == "ErrImagePull"
    backoff = restarts.next_pull_backoff(c.pull_backoff_s) if retried else 0.0
    due = turn.now + (NOTICE_S if retried else PULL_RETRY_S)
    message = _shown(plan, news)
    life = containers.after(c.life, "pull failed")
    failing = c._replace(life=life, reason=news.reason, message=message, due=due, pull_backoff_s=backoff)
    turn.change(news.container, failing)


def _shown(plan: ContainerPlan, news: PullFailed) -> str:
    if news.reason == "ErrImageNeverPull":
        return f'Container image "{plan.image}" is not present with pull policy of Never'
    return news.message


def back_off(turn: Turn, i: int, c: ContainerState) -> None:
    """A sync found the pull in back-off: say so until it is tried again."""
    plan = turn.plan.containers[i]
    message = f'Back-off pulling image "{plan.image}": ErrImagePull: {c.message}'
    turn.effects += events.pull_backoff(plan, f'Back-off pulling image "{plan.image}"')
    turn.change(i, c._replace(reason="ImagePullBackOff", message=message, due=turn.now + c.pull_backoff_s - NOTICE_S))
