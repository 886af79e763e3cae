"""Deployments, StatefulSets, DaemonSets, Jobs and CronJobs in one table."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

_SAME = {"Images": "{Images}"}

PANE = table_pane(
    View(
        "workloads",
        "Workloads",
        (
            Source(
                "deployments.apps", "Deployment", {"Ready": "{Ready}", "Up-to-date": "{Up-to-date}", "Available": "{Available}", **_SAME}
            ),
            Source("statefulsets.apps", "StatefulSet", {"Ready": "{Ready}", **_SAME}),
            Source(
                "daemonsets.apps",
                "DaemonSet",
                {"Ready": "{Ready}/{Desired}", "Up-to-date": "{Up-to-date}", "Available": "{Available}", **_SAME},
            ),
            Source("jobs.batch", "Job", {"Ready": "{Completions}", "Status": "{Status}", **_SAME}),
            Source("cronjobs.batch", "CronJob", {"Status": "{Schedule}", **_SAME}),
        ),
        merged=("Kind", "Name", "Ready", "Up-to-date", "Available", "Status", "Age", "Images"),
        aliases=("wl", "workload"),
    ),
    resources=(),
)
