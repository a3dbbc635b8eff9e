"""Looks up the records that an address names, or raises Http404 with a sentence for people."""

from uuid import UUID

from django.http import Http404

from nodes.ids import as_uuid
from nodes.models import NodeExecution
from nodes.numbers import whole_number
from runs.models import App, Conversation, Run, Version


def printable(text: str) -> str:
    """Return the beginning of a typed text, fit to be shown in a sentence."""
    return "".join(sign for sign in text[:200] if sign.isprintable())


def app_or_404(slug: str, only_app: App | None = None) -> App:
    """Return the app with this slug. `only_app` is the one app that the reader's key may read;
    None: all."""
    # PostgreSQL takes no NUL, not even in a query.
    apps = App.objects.readable_by(only_app)
    app = None if "\0" in slug else apps.filter(slug=slug).first()
    if app is None:
        raise Http404(f"There is no app “{printable(slug)}”.")
    return app


def run_or_404(run_id: UUID, only_app: App | None = None) -> Run:
    """Return the run of this id, loaded for its page; also by the id that it had before it turned
    out to be part of another run."""
    run = Run.objects.for_page().for_app(only_app).by_id(run_id)
    if run is None:
        raise Http404("There is no such run. It may have been deleted.")
    return run


def run_named(name: str, only_app: App | None = None) -> Run | None:
    """Return the run that Waylog's or the producer's id names; None for no name."""
    name = name.strip()
    if not name:
        return None
    runs = Run.objects.for_page().for_app(only_app)
    run = None
    if run_id := as_uuid(name):
        run = runs.by_id(run_id)
    if not run and "\0" not in name:
        run = runs.with_source_id(name[:200]).first()
    if not run:
        raise Http404("There is no such run. It may have been deleted.")
    return run


def app_run_or_404(app: App, run_id: str) -> Run:
    """Return the run of the app with this id, in any typed form."""
    known_id = as_uuid(run_id)
    run = known_id and Run.objects.for_app(app).for_page().filter(pk=known_id).first()
    if not run:
        raise Http404(f"{app.name} has no run {printable(run_id)[:40]}.")
    return run


def execution_or_404(
    run_id: UUID, execution_id: UUID, *, with_payloads: bool = True
) -> NodeExecution:
    """Return an execution of the run, with its stored values unless told otherwise."""
    executions = NodeExecution.objects.in_run(run_id)
    if with_payloads:
        executions = executions.with_payloads()
    execution = executions.filter(id=execution_id).first()
    if execution is None:
        raise Http404("This run has no such execution. Its parent may not have been received yet.")
    return execution


def version_or_404(app: App, number: str | int, *, with_graph: bool = True) -> Version:
    """Return the version of the app with this number, which may be anything that was typed."""
    versions = app.versions.all() if with_graph else app.versions.defer("graph", "configuration")
    # Longer numbers than the column holds are none of its rows.
    version = versions.filter(number=whole_number(str(number), 9) or 0).first()
    if version is None:
        raise Http404(f"{app.name} has no version {printable(str(number))[:20]}.")
    return version


def conversation_or_404(conversation_id: UUID, only_app: App | None = None) -> Conversation:
    """Return the conversation of this id, with what a list shows of it."""
    conversations = Conversation.objects.readable_by(only_app).for_list()
    conversation = conversations.filter(pk=conversation_id).first()
    if conversation is None:
        raise Http404("There is no such conversation.")
    return conversation
