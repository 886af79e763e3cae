"""Named bounds of queues, loops and bodies, with their units. A queue without a bound here is a defect."""

REQUEST_BODY_BYTES_MAX = 3 * 1024 * 1024
"""apiserver/pkg/server/config.go MaxRequestBodyBytes."""
JSON_PATCH_OPERATIONS_MAX = 10_000
OBJECT_BYTES_MAX = 1_572_864
"""etcd's default request limit of 1.5 MiB."""
ANNOTATIONS_BYTES_MAX = 256 * 1024
CONFIG_OBJECT_BYTES_MAX = 1024 * 1024
"""ConfigMap and Secret data."""
GENERATE_NAME_BASE_BYTES_MAX = 58
NESTING_MAX = 200
"""Deepest JSON or YAML nesting that is read; a Pod has about 12 levels, a CRD's schema 60."""

REQUEST_TIMEOUT_S = 60.0
HEADER_BYTES_MAX = 64 * 1024
"""Of one header and of the request line, which carries label selectors; Go's limit is 1 MiB for all of them."""
READING_REQUESTS_MAX = 400
CHANGING_REQUESTS_MAX = 200
"""In flight at once, over HTTPS; beyond it 429 (apiserver/pkg/server/config.go MaxRequestsInFlight, MaxMutatingRequestsInFlight)."""
CONNECTION_IDLE_S = 90.0
"""A connection without a whole request for so long is closed (IdleTimeout in apiserver/pkg/server/secure_serving.go)."""
STREAM_WRITE_TIMEOUT_S = 30.0
"""A watcher that takes nothing of what it was sent for so long is cut."""
SHUTDOWN_S = 2.0
"""What requests get to finish in when the server stops."""

WATCH_HISTORY_S = 300.0
"""How long watch events are kept to resume from; upstream's cache keeps at least 75 s."""
WATCH_HISTORY_EVENTS_MAX = 100_000
"""1 KB each where objects are replaced; upstream's watch cache keeps at most 102,400 of each resource."""
WATCH_BUFFER_EVENTS_MAX = 100_000
"""A watcher that lags further behind is cut with 410 and lists again."""
BOOKMARK_PERIOD_S = 60.0
JOURNAL_HISTORY_S = 3_600.0
"""How long past revisions can be listed, unless configured otherwise."""
JOURNAL_PENDING_EVENTS_MAX = 5_000
"""Events that may wait to be written to the journal; beyond it a commit blocks until the disk has caught up."""

EVENT_TTL_S = 3_600.0
EVENTS_MAX = 50_000
"""Events (the kind) that are kept; beyond it the oldest go before their hour is over. Each takes 2 KB of memory: 150,000 pods make 600,000
when they start. Upstream has them on etcd's disk."""

FOLDER_BYTES_MAX = 10 * 1024 * 1024
YAML_ALIASES_MAX = 1_000

FRAME_BYTES_MAX = 256 * 1024 * 1024
"""Largest msgpack frame on the unix socket: a list of 100,000 Pods is about 30 MB."""
