"""Running the protocols of a study, and keeping what is done until the report is there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synsim import catalogue, results
from synsim.networks import need
from synsim.protocol import Result, Running
from synsim.settings import from_texts, to_texts
from synsim.studies import page
from synsim.unfinished import Unfinished


@dataclass(frozen=True)
class Row:
    """A number of the study beside ours, as texts; empty where nothing was published."""

    what: str
    published: str
    ours: str


@dataclass(frozen=True)
class Part:
    """A protocol of a study.

    protocol : its name
    title : what it shows, and which figure of the study that is
    compare : rows of an outcome, beside what was published
    settings : texts, on top of those that the caller gives
    takes : settings of the caller that this protocol has
    """

    protocol: str
    title: str
    compare: Callable[[Any], Iterable[Row]]
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    takes: tuple[str, ...] = ("preset",)


@dataclass(frozen=True)
class Study:
    """A published study: what it is called, where it is, and its parts."""

    name: str
    title: str
    citation: str
    parts: tuple[Part, ...]


def reproduce(
    study: Study,
    out: Path | str,
    settings: dict[str, str] | None = None,
    *,
    seed: int = 1,
    force: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Path:
    """Run a study's protocols and write its report.

    Parameters
    ----------
    out : a new directory: report.html, summary.json, and of each part its table, its summary and
        its figure under the protocol's name
    settings : texts of settings, given to the parts that take them
    progress : told the part at work, and the fraction of it that is done

    An interrupted run goes on from ``OUT.unfinished`` when it is started again.

    Raises
    ------
    InputError
        when `out` is in the way, a setting is wrong, or images are missing
    SynsimError
        when writing fails
    """
    out = results.refuse_existing(out, force=force)
    chosen = [_settings(part, settings or {}) for part in study.parts]
    place = out.with_name(f"{out.name}.unfinished")
    need.jax()
    about = {
        "study": study.name,
        "seed": seed,
        "parts": [to_texts(one) for one in chosen],
        "versions": results.versions("jax", "optax"),
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    kept = Unfinished(
        place, "reproduce.json", {"digest": digest},
        run="report", parts="parts", other="parts of a report with other settings",
    )  # fmt: skip
    done = False
    try:
        outcomes = [
            _outcome(part, one, seed, place, progress)
            for part, one in zip(study.parts, chosen, strict=True)
        ]
        compared = [list(part.compare(o)) for part, o in zip(study.parts, outcomes, strict=True)]
        contents: dict[str, results.Content] = {
            "report.html": page.html(study, outcomes, compared),
            "summary.json": results.to_json(_summary(study, outcomes, compared, seed)),
        }
        for part in study.parts:
            contents |= _files(place / part.protocol, part.protocol)
        results.write_directory(out, contents, force=force)
        done = True
    finally:
        kept.release()
        if done or not any(at.is_dir() for at in place.iterdir()):  # else it can be gone on with
            shutil.rmtree(place, ignore_errors=True)
    return out


def _settings(part: Part, given: dict[str, str]) -> Any:
    texts = {k: v for k, v in given.items() if k in part.takes}
    return from_texts(catalogue.protocol(part.protocol).Settings, part.settings | texts)


def _outcome(
    part: Part,
    settings: Any,
    seed: int,
    place: Path,
    progress: Callable[[str, float], None] | None,
) -> Result:
    """The outcome of a part: the one that is kept, or a new one, which is then kept."""
    module = catalogue.protocol(part.protocol)
    at = place / part.protocol
    if (at / "summary.json").exists():
        kept: Result = module.Outcome.load(at)
        return kept
    unfinished = place / f"{part.protocol}.unfinished"

    def tell(fraction: float) -> None:
        if progress is not None:
            progress(part.protocol, fraction)

    tell(0.0)
    resumable = getattr(module, "RESUMABLE", False)
    running = Running(seed=seed, progress=tell, unfinished=unfinished if resumable else None)
    outcome: Result = module.run(settings, running)
    outcome.save(at)
    shutil.rmtree(unfinished, ignore_errors=True)
    return outcome


def _files(place: Path, name: str) -> dict[str, results.Content]:
    """A part's result: ``data.csv`` becomes NAME.csv, a further table NAME_table.csv."""
    known = {"data.csv": "csv", "summary.json": "json", "figure.png": "png", "figure.svg": "svg"}
    return {
        f"{name}.{known[path.name]}" if path.name in known else f"{name}_{path.name}":
        path.read_bytes()
        for path in sorted(place.iterdir())
    }  # fmt: skip


def _summary(
    study: Study, outcomes: list[Result], compared: list[list[Row]], seed: int
) -> dict[str, Any]:
    """As a run's, with the parts side by side."""
    citations = [study.citation] + [c for o in outcomes for c in o.citations]
    packages = {name for o in outcomes for name in o.packages}
    return results.summary_document(
        command=f"reproduce {study.name}",
        settings={
            p.protocol: to_texts(o.settings) for p, o in zip(study.parts, outcomes, strict=True)
        },
        conventions={},
        results={
            p.protocol: {"numbers": o.results, "compared": [dataclasses.asdict(r) for r in rows]}
            for p, o, rows in zip(study.parts, outcomes, compared, strict=True)
        },
        seed=seed,
        backend=None,
        threads=None,
        citations=list(dict.fromkeys(citations)),
        warnings=[f"{o.protocol}: {text}" for o in outcomes for text in o.warnings],
        packages=sorted(packages),
    )
