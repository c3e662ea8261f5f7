"""Traces of calls, by OpenTelemetry, where somebody asks for them. Only `spans` and `export` know its SDK."""
