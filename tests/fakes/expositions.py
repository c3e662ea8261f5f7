"""A strict reader of Prometheus' text format: whatever a real one might take amiss is an error here."""

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\]|\\\\|\\n)*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
UNESCAPE = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass
class Metric:
    """One family: its samples by name (with its suffix) and labels."""

    kind: str
    help: str
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    def value(self, suffix: str = "", **labels: str) -> float:
        """The only sample with these labels among its own."""
        [found] = [
            value
            for (name, own), value in self.samples.items()
            if name.endswith(suffix or name) and labels.items() <= dict(own).items()
        ]
        return found


def read_exposition(page: bytes) -> dict[str, Metric]:
    """The families of a page, by name."""
    text = page.decode("utf-8")
    assert text.endswith("\n")
    metrics: dict[str, Metric] = {}
    current = ""
    helped: tuple[str, str] | None = None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP"):
            helped = HELP.fullmatch(line).groups()
        elif line.startswith("#"):
            current, kind = TYPE.fullmatch(line).groups()
            assert helped is not None, f"{current} has no help"
            assert helped[0] == current
            assert current not in metrics, f"{current} comes twice"
            assert (kind == "counter") == current.endswith("_total"), current
            metrics[current] = Metric(kind, helped[1])
        else:
            name, labels, value = read_sample(line)
            metric = metrics[current]
            endings = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
            assert name in {current + ending for ending in endings}, line
            assert (name, labels) not in metric.samples, f"{line} comes twice"
            metric.samples[name, labels] = value
    for name, metric in metrics.items():
        if metric.kind == "histogram":
            check_histogram(name, metric)
        assert all(value >= 0 for value in metric.samples.values())
    return metrics


def read_sample(line: str) -> tuple[str, tuple[tuple[str, str], ...], float]:
    name, inside, value = SAMPLE.fullmatch(line).groups()
    labels, position = [], 0
    while inside is not None and position < len(inside):
        label = LABEL.match(inside, position)
        assert label is not None, line
        labels.append((label[1], re.sub(r'\\[\\n"]', lambda escape: UNESCAPE[escape[0]], label[2])))
        position = label.end()
    assert len(dict(labels)) == len(labels), line
    return name, tuple(labels), float(value)


def check_histogram(name: str, metric: Metric) -> None:
    """Buckets ascend in bound and count, the last is +Inf and says what `_count` says; and there is a sum."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for (sample, labels), value in metric.samples.items():
        if sample.endswith("_bucket"):
            rest = tuple(label for label in labels if label[0] != "le")
            groups.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    assert len(metric.samples) == sum(len(buckets) + 2 for buckets in groups.values())
    for labels, buckets in groups.items():
        bounds, counts = zip(*buckets, strict=True)
        assert list(bounds) == sorted(set(bounds))
        assert list(counts) == sorted(counts)
        assert bounds[-1] == float("inf")
        assert metric.samples[f"{name}_count", labels] == counts[-1]
        assert f"{name}_sum" in {sample for sample, own in metric.samples if own == labels}
