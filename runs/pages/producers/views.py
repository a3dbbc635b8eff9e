"""One page for each producer: how to connect it to this console."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from nodes.content.markdown import render_document
from runs.pages.producers.documents import documents


@require_safe
def producer(request: HttpRequest, name: str) -> HttpResponse:
    """Show how to connect the producer of that name."""
    document = documents().get(name)
    if document is None:
        raise Http404("There is no page about a producer with that name.")
    base_url = request.build_absolute_uri("/")[:-1]
    context = {
        "document": document,
        "text": render_document(document.at(base_url)),
        "producers": documents().values(),
    }
    return render(request, "producers/producer.html", context)
