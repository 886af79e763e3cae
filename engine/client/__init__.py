"""The ways to reach an API server: in process, over the engine's unix socket. `Client` itself is in engine.base.api."""
