"""The priority classes that every cluster has (pkg/apis/scheduling/v1/helpers.go)."""

CLUSTER_CRITICAL, NODE_CRITICAL = "system-cluster-critical", "system-node-critical"
SYSTEM_CLASSES = {CLUSTER_CRITICAL: 2_000_000_000, NODE_CRITICAL: 2_000_001_000}
