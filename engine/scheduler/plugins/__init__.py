"""One file = one filter or score plugin; each module exports PLUGIN (see engine/scheduler/framework.py)."""
