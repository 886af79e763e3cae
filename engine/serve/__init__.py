"""The asyncio shells around the API server: bytes in, bytes out, no logic."""
