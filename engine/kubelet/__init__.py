"""The kubelet: a pod's life as a pure state machine, the nodes that run it, and the container runtimes below it."""
