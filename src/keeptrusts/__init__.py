"""Keeptrusts: a gateway for AI traffic that enforces a policy pack."""

__version__ = "0.1.0"
