"""The only code that writes the content of versions: graph, configuration and comment.

A version is known by its label, which runs name, and by its content. What is defined twice is one
version; moving boxes about on the canvas makes no other one. A definition without a label (a DSL
file) belongs to the version whose runs show the same steps, where there is one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from nodes.graph.alignment import GraphMatch, match_steps
from nodes.graph.graph import sent_graph
from nodes.graph.loading import load_graph_steps
from runs.models import App, Run, Version
from runs.recording.decoding.dify.definition import Definition, same_content
from runs.recording.decoding.dify.dsl import Dsl
from runs.recording.records.payload_values import clean
from runs.recording.storing import bulk, related_rows
from runs.recording.storing.related_rows import DEFINED

# Versions without a graph that a file is compared with, and runs of each.
COMPARED_VERSIONS, COMPARED_RUNS = 20, 20


@dataclass(frozen=True, slots=True)
class DefinitionResult:
    """What became of a definition: its version, whether it is new, and what shows that the
    version's runs ran it ("" where nothing does)."""

    version: Version
    is_new: bool
    matched_by: str = ""

    @property
    def sentence(self) -> str:
        """Return what became of it, for a person."""
        name = f"version {self.version.number} of {self.version.app.name}"
        if self.matched_by:
            return f"This is {name}, recognised by {self.matched_by}."
        return f"Stored as {name}." if self.is_new else f"The file is the same as {name}."


def define(
    app: App, label: str, definition: Definition, source_id: str = "", comment: str = ""
) -> Version:
    """Give the version with this label its definition; the same again changes nothing."""
    with transaction.atomic():
        version = Version.objects.get(pk=related_rows.version_id(app.pk, clean(label, 200)))
        _update_version(version, definition, clean(source_id, 128), clean(comment))
    return version


def _update_version(version: Version, definition: Definition, source_id: str, comment: str) -> None:
    """Update a version. What is known is not erased by what is missing: a run sends its graph
    alone."""
    values: dict[str, Any] = {"graph": definition.graph.stored, "digest": definition.digest}
    if same_content(version.digest, definition.digest):
        values["digest"] = max(version.digest, definition.digest, key=len)
    if definition.behaviour is not None or version.configuration is None:
        values["configuration"] = definition.configuration
    values |= {"source_id": source_id} if source_id else {}
    values |= {"comment": comment} if comment else {}
    changed = {name: value for name, value in values.items() if getattr(version, name) != value}
    for name, value in changed.items():
        setattr(version, name, value)
    if changed:
        version.save(update_fields=list(changed))


def store_dsl(dsl: Dsl, app_name: str = "") -> DefinitionResult:
    """Store the definition of an exported app. `app_name` is a name or a slug; without it the name
    in the file counts. The app is created where there is none."""
    definition = dsl.definition
    app = App.objects.known_as(app_name).first() if app_name else None
    if app is None:
        [app_id] = related_rows.app_ids([app_name or dsl.name or "Dify app"]).values()
        app = App.objects.get(pk=app_id)
    with transaction.atomic():
        bulk.lock(bulk.Stage.VERSIONS, [str(app.pk)])
        same = _version_with_content(app, definition.digest)
        if same and _has_runs(same):
            _update_version(same, definition, "", "")
            return DefinitionResult(same, False)
        matching, matched_by = _version_with_steps(app, definition)
        if matching:
            if same:
                # Raw: a run that was put there just now must stop this, not go with it.
                gone = Version.objects.filter(pk=same.pk)
                gone._raw_delete(gone.db)
            _update_version(matching, definition, "", "")
            return DefinitionResult(matching, same is None, matched_by)
        if dsl.mode == "chatflow" and not Run.objects.for_app(app).exists():
            App.objects.filter(pk=app.pk).update(mode=dsl.mode)
        if same:
            _update_version(same, definition, "", "")
            return DefinitionResult(same, False)
        return DefinitionResult(define(app, f"{DEFINED}{definition.digest[:8]}", definition), True)


def adopt(run_ids: Collection[UUID]) -> None:
    """Give the versions of these ended runs the definition that was stored before them, if it has
    no runs of its own and shows all their steps."""
    if not run_ids:
        return
    versions = Version.objects.filter(
        graph__isnull=True, pk__in=Run.objects.order_by().filter(pk__in=run_ids).values("version")
    )
    for version in versions.exclude(label__startswith=DEFINED).select_related("app"):
        newest = Run.objects.newest_of_version(version.app, version)[:COMPARED_RUNS]
        steps = list(load_graph_steps([run_id for run_id, _ in newest]).values())
        defined = version.app.versions.filter(label__startswith=DEFINED, graph__isnull=False)
        runs = Run.objects.order_by().filter(version=OuterRef("pk"))
        for candidate in defined.exclude(Exists(runs)).order_by("-number")[:COMPARED_VERSIONS]:
            if match_steps(sent_graph(candidate.graph), steps) is not GraphMatch.NONE:
                _take_definition(version, candidate)
                break


def _take_definition(version: Version, candidate: Version) -> None:
    """Replace `candidate` by `version`, as if the runs had come first."""
    bulk.lock(bulk.Stage.VERSIONS, [str(version.app_id)])
    # Raw: a run that was put there just now must stop this, not go with it.
    gone = Version.objects.filter(pk=candidate.pk)
    gone._raw_delete(gone.db)
    version.number = min(version.number, candidate.number)
    version.graph, version.digest = candidate.graph, candidate.digest
    version.configuration = candidate.configuration or version.configuration
    version.comment = version.comment or candidate.comment
    version.save(update_fields=["number", "graph", "digest", "configuration", "comment"])


def _version_with_content(app: App, digest: str) -> Version | None:
    known = app.versions.exclude(digest="").defer("graph", "configuration").order_by("-number")
    return next((version for version in known if same_content(version.digest, digest)), None)


def _has_runs(version: Version) -> bool:
    return Run.objects.filter(version=version).exists()


def _version_with_steps(app: App, definition: Definition) -> tuple[Version | None, str]:
    """Return the newest version whose graph nobody sent and whose runs had no step that this
    definition lacks, and how the steps were matched."""
    graph = sent_graph(definition.graph.stored)
    runs = Run.objects.order_by().filter(version=OuterRef("pk"))
    without_graph = app.versions.filter(Exists(runs), graph__isnull=True).order_by("-number")
    for version in without_graph[:COMPARED_VERSIONS]:
        newest = Run.objects.newest_of_version(app, version)[:COMPARED_RUNS]
        steps = load_graph_steps([run_id for run_id, _ in newest])
        match = match_steps(graph, steps.values())
        if match is not GraphMatch.NONE:
            return version, match.value
    return None, ""
