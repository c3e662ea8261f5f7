"""Closed-loop scenarios by wrk: calls per second, latency of a single connection, tail latency at half load."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from contestants import GATEWAY, GATEWAY_FULL, GATEWAY_PII, NGINX, open_all, open_contestant, open_instant_upstream
from figures import Budget, Figure, ratios
from load import Load, Shape, apply_load, chat_body
from peers import open_peer
from processes import Tested

Limits = tuple[float | None, float | None]
"""Bar and aim."""

CONTESTANTS = (NGINX, GATEWAY, GATEWAY_PII, GATEWAY_FULL)
THINKING_CONNECTIONS = 256
PEER_CONNECTIONS = 32
PEER_LIMITS: dict[str, Limits] = {"litellm": (60, 120), "portkey": (8, 20)}
SATURATED = 0.9
"""Share of its core from which on a contestant, and nothing else, set the pace."""

FINDING = "Please write to ann.smith@example.com about it. "

Rounds = dict[str, list[Load]]


class FailedCalls(RuntimeError):
    """A figure that was bought with failed calls is none."""


def measure_throughput(budget: Budget, folder: Path) -> list[Figure]:
    """Calls per second with 64 busy connections, beside nginx; once more with an address to redact in each call."""
    clean, finding = _bodies(folder)
    with open_instant_upstream(folder) as upstream, open_all(CONTESTANTS, upstream, folder) as tested:
        rounds = _in_turn(tested, budget, Shape(body=clean, seconds=budget.round_s))
        redacting = {GATEWAY_FULL.name: tested[GATEWAY_FULL.name]}
        rewriting = _in_turn(redacting, budget, Shape(body=finding, seconds=budget.round_s))
    rounds[f"{GATEWAY_FULL.name}-rewriting"] = rewriting[GATEWAY_FULL.name]
    figures = [_rate(name, loads) for name, loads in rounds.items()]
    figures += [_cost(name, loads) for name, loads in rounds.items()]
    for name, limits in {GATEWAY.name: (0.30, 0.45), GATEWAY_FULL.name: (0.12, 0.20)}.items():
        figures += _beside(f"throughput.{name}", rounds[name], NGINX.name, rounds[NGINX.name], limits)
    return figures


def _beside(name: str, own: list[Load], other: str, loads: list[Load], limits: Limits) -> list[Figure]:
    """Calls per second and per CPU second, as multiples of another's. They agree where each had its core to itself.

    Otherwise the rates say little, and the bar is held against the CPU time.
    """
    bar, aim = limits
    is_saturated = min(load.tested_cpu for load in (*own, *loads)) >= SATURATED
    rates = ratios([load.rate for load in own], [load.rate for load in loads])
    by_rate = Figure(name=f"{name}.vs_{other}", unit="ratio", samples=rates, better="higher")
    if not all(load.tested_cpu for load in loads):  # it runs elsewhere
        return [replace(by_rate, bar=bar, aim=aim)]
    costs = ratios([load.call_cpu_us for load in loads], [load.call_cpu_us for load in own])
    by_cost = Figure(name=f"{name}.cpu_vs_{other}", unit="ratio", samples=costs, better="higher")
    if is_saturated:
        return [replace(by_rate, bar=bar, aim=aim), by_cost]
    return [replace(by_rate, note=f"others used the core: see cpu_vs_{other}"), replace(by_cost, bar=bar, aim=aim)]


def measure_peers(budget: Budget, folder: Path) -> list[Figure]:
    """Calls per second of the full chain beside each other gateway, which does less, in turn."""
    clean, _ = _bodies(folder)
    shape = Shape(body=clean, connections=PEER_CONNECTIONS, seconds=budget.round_s)
    figures = []
    with open_instant_upstream(folder) as upstream:
        for peer in budget.peers:
            with open_peer(peer, upstream, folder) as other, open_contestant(GATEWAY_FULL, upstream, folder) as own:
                rounds = _in_turn({peer.name: other, GATEWAY_FULL.name: own}, budget, shape)
            figures += [replace(_rate(one, loads), name=f"peers.{peer.name}.{one}") for one, loads in rounds.items()]
            limits = PEER_LIMITS.get(peer.name, (None, None))
            name = f"peers.{GATEWAY_FULL.name}"
            figures += _beside(name, rounds[GATEWAY_FULL.name], peer.name, rounds[peer.name], limits)
    return figures


def measure_latency(budget: Budget, folder: Path) -> list[Figure]:
    """One connection, one call at a time."""
    clean, _ = _bodies(folder)
    shape = Shape(body=clean, connections=1, seconds=max(1, budget.round_s - 1))
    with open_instant_upstream(folder) as upstream, open_all(CONTESTANTS, upstream, folder) as tested:
        rounds = _in_turn(tested, budget, shape)
    figures = []
    for name, loads in rounds.items():
        figures.append(Figure(name=f"latency.{name}.p50", unit="us", samples=tuple(load.p50_us for load in loads)))
        figures.append(Figure(name=f"latency.{name}.p99", unit="us", samples=tuple(load.p99_us for load in loads)))
    nginx = [load.p50_us for load in rounds[NGINX.name]]
    for contestant in (GATEWAY, GATEWAY_FULL):
        samples = ratios([load.p50_us for load in rounds[contestant.name]], nginx)
        name = f"latency.{contestant.name}.p50.vs_nginx"
        figures.append(Figure(name=name, unit="ratio", samples=samples, bar=1.8, aim=1.4))
    return figures


def measure_tail(budget: Budget, folder: Path) -> list[Figure]:
    """p99 at half of the highest rate: 256 connections that think between calls, so that arrivals are random."""
    clean, _ = _bodies(folder)
    figures = []
    with open_instant_upstream(folder) as upstream, open_all(CONTESTANTS, upstream, folder) as tested:
        for name, process in tested.items():
            highest = apply_load(process, Shape(body=clean, seconds=max(2, budget.round_s - 1))).rate
            think_ms = THINKING_CONNECTIONS / (highest / 2) * 1000
            shape = Shape(body=clean, connections=THINKING_CONNECTIONS, seconds=budget.round_s + 1, think_ms=think_ms)
            loads = [_checked(name, apply_load(process, shape)) for _ in range(max(1, budget.rounds - 2))]
            figures += _tail_figures(name, loads, highest)
    return figures


def _tail_figures(name: str, loads: list[Load], highest: float) -> list[Figure]:
    reached = sum(load.rate for load in loads) / len(loads) / highest
    note = f"at {reached:.2f} of {highest:.0f} requests/s"
    bar, aim = (5000, 3000) if name == GATEWAY_FULL.name else (None, None)
    p99 = tuple(load.p99_us for load in loads)
    p50 = tuple(load.p50_us for load in loads)
    return [
        Figure(name=f"tail.{name}.p99", unit="us", samples=p99, bar=bar, aim=aim, note=note),
        Figure(name=f"tail.{name}.p50", unit="us", samples=p50, note=note),
    ]


def _in_turn(tested: Mapping[str, Tested], budget: Budget, shape: Shape) -> Rounds:
    """A B C, A B C, ...: absolute figures drift with the machine, so each round measures all."""
    for process in tested.values():
        apply_load(process, Shape(body=shape.body, connections=shape.connections, seconds=1))
    rounds: Rounds = {name: [] for name in tested}
    for _ in range(budget.rounds):
        for name, process in tested.items():
            rounds[name].append(_checked(name, apply_load(process, shape)))
    return rounds


def _checked(name: str, load: Load) -> Load:
    if load.errors:
        raise FailedCalls(f"{name}: {load.status_errors} bad answers, {load.socket_errors} broken connections: {load}")
    return load


def _rate(name: str, loads: list[Load]) -> Figure:
    used = sum(load.tested_cpu for load in loads) / len(loads)
    p99 = sorted(load.p99_us for load in loads)[len(loads) // 2]
    note = f"{used:.0%} of its core, p99 {p99} us"
    samples = tuple(load.rate for load in loads)
    return Figure(name=f"throughput.{name}", unit="requests/s", samples=samples, better="higher", note=note)


def _cost(name: str, loads: list[Load]) -> Figure:
    samples = tuple(load.call_cpu_us for load in loads)
    return Figure(name=f"throughput.{name}.cpu", unit="us CPU/call", samples=samples)


def _bodies(folder: Path) -> tuple[Path, Path]:
    clean, finding = folder / "clean.json", folder / "finding.json"
    clean.write_bytes(chat_body())
    finding.write_bytes(chat_body(FINDING))
    return clean, finding
