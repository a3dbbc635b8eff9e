"""Notes on a run or a step, all notes in one list, and all as a data set; the same for machines."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url, trigger_client_event

from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.models import NodeExecution
from runs.access import ReadRequest, refusal, session_or_read_key, signed_in
from runs.json.note import ListedNoteJson
from runs.lookup import run_or_404
from runs.models import App, Note, Run
from runs.pages.notes import data_set
from runs.pages.notes.forms import NoteEditForm, NoteFilterForm, NoteForm
from runs.pages.notes.notes import (
    NoteEntry,
    note_counts,
    note_json,
    notes_in_header,
    notes_of_step,
    notes_on_page,
    steps_of_notes,
)
from runs.pages.notes.ownership import may_change, write_notes
from runs.pages.notes.tables import NO_NOTES_MATCH, NoteTable
from runs.paging import BadCursor, Order, Page, page_of

NEWEST = Order("created_at")
MAX_ADDRESS = 4_000
# Ids of the elements that show notes, as htmx names them; of a turn the id begins so.
HEADER, RUN, STEP, TURN = "header-notes", "notes", "step-notes", "turn-notes-"


def step_or_404(run: Run, step_id: UUID | None) -> NodeExecution | None:
    """Return the step without its values; None where the run itself is meant."""
    if step_id is None:
        return None
    steps = NodeExecution.objects.in_run(run.id).only("id", "run_id", "source_id", "hints", "title")
    step = steps.filter(id=step_id).first()
    if step is None:
        raise Http404("This run has no such step.")
    return step


@require_http_methods(["GET", "HEAD", "POST"])
def run_notes(request: HtmxHttpRequest, run_id: UUID) -> HttpResponse:
    """Take notes on a run or a step; a GET by htmx gets the part of a page that shows them."""
    run = run_or_404(run_id)
    form = NoteForm(request.POST if request.method == "POST" else request.GET)
    is_valid = form.is_valid()
    step = step_or_404(run, form.cleaned_data.get("step"))
    if request.method != "POST":
        return (
            _notes_region(request, run, step)
            if wants_fragment(request)
            else redirect(_notes_address(run))
        )
    if not is_valid:
        return _refused_form(request, run, step, form)
    write_notes(run, step.source_id if step else "", request.user.get_username(), form.drafts())
    if not wants_fragment(request):
        return redirect(_return_address(request, run))
    # Whatever shows notes of this run asks for them again, the form with them.
    return trigger_client_event(HttpResponse(status=204), f"notes-{run.pk.hex}")


def _notes_region(
    request: HtmxHttpRequest, run: Run, step: NodeExecution | None, **more: Any
) -> HttpResponse:
    """Return the part that htmx asks for, of the page that it is on."""
    target = request.htmx.target or ""
    context = {"run": run, "step": step, "back": request.htmx.current_url_abs_path, **more}
    if target.startswith(TURN):
        counts = note_counts([run.pk], request.user.get_username()).get(run.pk)
        return render(request, "notes/_note_turn.html", context | {"counts": counts})
    if target == HEADER:
        return render(request, "notes/_note_header.html", context | {"notes": notes_in_header(run)})
    notes = notes_of_step(run, step) if step else notes_on_page(run)
    return render(request, "notes/_note_region.html", context | {"notes": notes})


def _refused_form(
    request: HtmxHttpRequest, run: Run, step: NodeExecution | None, form: NoteForm
) -> HttpResponse:
    """Return the form with its errors and what was typed. To htmx it is sent with 200, because htmx
    does not swap in an error response."""
    if wants_fragment(request) and request.htmx.target in (RUN, STEP):
        return _notes_region(request, run, step, note_form=form)
    context = {"run": run, "step": step, "note_form": form, "back": _return_address(request, run)}
    return render(request, "notes/note.html", context, status=400)


def _notes_address(run: Run) -> str:
    return reverse("run-detail", args=[run.pk]) + "#notes"


def _return_address(request: HttpRequest, run: Run | None) -> str:
    """Return the address of the page that a form was on."""
    address, hosts = (request.POST or request.GET).get("back", ""), {request.get_host()}
    # Anything else would be taken for the name of a view.
    is_path = address.startswith("/") and len(address) <= MAX_ADDRESS
    if is_path and url_has_allowed_host_and_scheme(address, hosts, request.is_secure()):
        return address
    return _notes_address(run) if run else reverse("notes")


def own_note_or_404(request: HttpRequest, note_id: UUID) -> Note:
    note = Note.objects.select_related("run__app").filter(pk=note_id).first()
    if note is None:
        raise Http404("There is no such note. It may have been deleted.")
    if not may_change(note, signed_in(request)):
        raise PermissionDenied(
            "Only its author, or staff, can change a note; a producer's note cannot be changed."
        )
    return note


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, note_id: UUID) -> HttpResponse:
    note = own_note_or_404(request, note_id)
    form = NoteEditForm(request.POST if request.method == "POST" else None, note=note)
    if form.is_valid():
        form.save()
        return redirect(_return_address(request, note.run))
    context = {"note": note, "form": form, "back": _return_address(request, note.run)}
    return render(request, "notes/edit.html", context, status=400 if form.errors else 200)


@require_POST
def delete(request: HtmxHttpRequest, note_id: UUID) -> HttpResponse:
    note = own_note_or_404(request, note_id)
    run = note.run
    note.delete()
    if wants_fragment(request) and run:
        return trigger_client_event(HttpResponse(status=204), f"notes-{run.pk.hex}")
    messages.success(request, f"The note “{note.name}” was deleted.")
    return redirect(_return_address(request, run))


@require_safe
def note_list(request: HtmxHttpRequest) -> HttpResponse:
    """List all notes, newest first."""
    form = NoteFilterForm(request.GET)
    apps = App.objects.in_use().order_by("name")[:500]
    context: dict[str, Any] = {"form": form, "apps": apps, "problems": form.sentences}
    if form.is_valid():
        try:
            page, query = _note_page(request, form), form.query()
            empty = NO_NOTES_MATCH if query or not page.first else None
            table = NoteTable(_note_entries(page.rows), empty=empty)
            context |= {"page": page, "table": table, "query": query}
        except BadCursor as problem:
            context["problems"] = [str(problem)]
    response = render_region(request, "notes/notes.html", "notes/_list.html", context)
    query = form.query(request.GET.get("after", ""))
    address = f"{request.path}?{query}" if query else request.path
    return push_url(response, address) if wants_fragment(request) else response


@require_safe
@session_or_read_key
def note_list_twin(request: ReadRequest) -> HttpResponse:
    form = NoteFilterForm(request.GET, request.only_app)
    if not form.is_valid():
        return refusal(400, " ".join(form.sentences))
    try:
        page = _note_page(request, form, request.only_app)
    except BadCursor as problem:
        return refusal(400, str(problem))
    base_url = request.build_absolute_uri("/")[:-1]
    following = f"{base_url}{request.path}?{form.query(page.next)}" if page.next else None
    rows = [_listed_note_json(entry, base_url) for entry in _note_entries(page.rows)]
    return JsonResponse({"notes": rows, "next": following})


def _note_page(
    request: HttpRequest, form: NoteFilterForm, only_app: App | None = None
) -> Page[Note]:
    notes = form.apply(Note.objects.for_list().for_app(only_app))
    return page_of(notes, NEWEST, request.GET.get("after", ""))


def _note_entries(notes: list[Note]) -> list[NoteEntry]:
    steps = steps_of_notes(notes)
    return [
        NoteEntry(note, steps.get((note.run_id, note.about_step)) if note.run_id else None)
        for note in notes
    ]


def _listed_note_json(entry: NoteEntry, base_url: str) -> ListedNoteJson:
    note, run = entry.note, entry.note.run
    return {
        **note_json(entry),
        "text_cut": entry.cut,
        "about": note.about or None,
        "about_step": note.about_step or None,
        "run": {
            "id": str(run.pk),
            "url": base_url + run.get_absolute_url(),
            "app": {"slug": run.app.slug, "name": run.app.name},
        }
        if run
        else None,
    }


@require_safe
@session_or_read_key
def notes_file(request: ReadRequest) -> HttpResponse:
    """Send the runs and steps with notes that match the filters, as a data set."""
    form = NoteFilterForm(request.GET, request.only_app)
    if not form.is_valid():
        return refusal(400, " ".join(form.sentences))
    notes = form.apply(Note.objects.with_run().for_app(request.only_app))
    lines: Iterator[bytes] = data_set.data_set_lines(notes)
    name = f"waylog-notes-{timezone.localtime():%Y%m%d-%H%M%S}.ndjson"
    response = StreamingHttpResponse(
        () if request.method == "HEAD" else lines,
        content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    return response  # type: ignore[return-value]
