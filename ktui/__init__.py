"""ktui: a terminal cluster manager that brings its own Kubernetes."""
