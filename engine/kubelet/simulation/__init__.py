"""What simulated containers do: pure functions of the pod, the image and the time."""
