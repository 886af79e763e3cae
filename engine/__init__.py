"""The embedded reconciliation engine: a Kubernetes control plane, its nodes and the folder watcher, in one process."""
