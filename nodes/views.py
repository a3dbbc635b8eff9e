"""The pages of a stored value: presented, as a tree, raw, and as a file."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from nodes.content.payloads import present_payload, view_named
from nodes.http import HtmxHttpRequest, render_region, wants_fragment
from nodes.models import Payload


def _payload_or_404(payload_id: UUID) -> Payload:
    payload = Payload.objects.select_related("app").filter(pk=payload_id).first()
    if payload is None:
        raise Http404("There is no such value. It may have been deleted.")
    return payload


@require_safe
def payload(request: HtmxHttpRequest, payload_id: UUID) -> HttpResponse:
    """Show a value: whole on its page; bounded as in a panel for htmx, which swaps it in there."""
    stored = _payload_or_404(payload_id)
    view = view_named(request.GET.get("view", ""))
    context = {"view": present_payload(stored, view, whole=not wants_fragment(request))}
    return render_region(request, "content/payload.html", "content/_payload.html", context)


@require_safe
def payload_raw(request: HtmxHttpRequest, payload_id: UUID) -> HttpResponse:
    """Send the stored bytes as a download. They come from outside: no browser may run them."""
    stored = _payload_or_404(payload_id)
    is_json = stored.encoding == "json"
    content_type = "application/json" if is_json else "text/plain; charset=utf-8"
    response = HttpResponse(stored.raw, content_type=content_type)
    suffix = "json" if is_json else "txt"
    response["Content-Disposition"] = f'attachment; filename="value-{stored.id}.{suffix}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
