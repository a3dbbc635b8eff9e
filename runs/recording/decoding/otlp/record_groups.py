"""The walk through an OTLP request, in either encoding and of either signal: the spans or logs of
each scope, with what they share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from runs.recording.decoding.otlp import json_values as in_json
from runs.recording.decoding.otlp import protobuf_values as in_protobuf
from runs.recording.decoding.otlp.salvage import salvage, single_record_request
from runs.recording.records.record import Refused
from runs.recording.records.span import BadSpan

RecordT = TypeVar("RecordT")
# The fields of a request that lead to its records, as protobuf names them; JSON has camelCase.
FieldNames = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """The spans or logs of one scope, as they were sent. `resource` and `scope_attributes` are
    attributes, which all records share; `scope` is its name and version. `refuse` makes a refused
    record of one and a reason; `unreadable` are those that do not even parse."""

    resource: dict[str, Any]
    scope: str
    scope_attributes: dict[str, Any]
    records: Iterable[Any]
    refuse: Callable[[Any, str], Refused]
    unreadable: Sequence[Refused] = ()


def decode_records(
    groups: Iterable[RecordGroup], read: Callable[[Any, RecordGroup], RecordT]
) -> tuple[list[RecordT], list[Refused]]:
    """Return what `read` makes of each record, in the order sent, and the records refused: those
    that do not parse, and those of which `read` raises BadSpan."""
    records: list[RecordT] = []
    refused: list[Refused] = []
    for group in groups:
        refused.extend(group.unreadable)
        for record in group.records:
            try:
                records.append(read(record, group))
            except BadSpan as error:
                refused.append(group.refuse(record, str(error)))
    return records, refused


def protobuf_groups(
    body: bytes, request: Message, record_type: type[Message], names: FieldNames
) -> Iterator[RecordGroup]:
    """Yield the groups of a body, parsed into `request`, an empty message; of one that does not
    parse, those that can be salvaged. Raises UnreadableBody when it is no such message."""
    try:
        request.ParseFromString(body)
        scopes = _scopes_of(request, names)
    except DecodeError:
        scopes = salvage(body, record_type)
    for resource, scope, records, unreadable in scopes:
        yield RecordGroup(
            in_protobuf.attributes_in(resource),
            in_protobuf.scope_of(scope),
            in_protobuf.attributes_in(scope),
            records,
            partial(_refuse_message, resource, scope),
            unreadable,
        )


def _scopes_of(request: Message, names: FieldNames) -> list[tuple[Any, Any, Any, list[Refused]]]:
    return [
        (of_resource.resource, of_scope.scope, getattr(of_scope, names[2]), [])
        for of_resource in getattr(request, names[0])
        for of_scope in getattr(of_resource, names[1])
    ]


def _refuse_message(resource: Message, scope: Message, record: Message, reason: str) -> Refused:
    parts = (message.SerializeToString() for message in (record, resource, scope))
    return Refused(reason, in_protobuf.raw_of(record), single_record_request(*parts))


def json_groups(document: dict[str, Any], names: FieldNames) -> Iterator[RecordGroup]:
    """Yield the groups of a request in JSON, whose fields may be named in either way."""
    keys = _camel_case(names[0]), _camel_case(names[1]), _camel_case(names[2])
    for of_resource in in_json.objects(document, keys[0], names[0]):
        resource = in_json.attributes_in(of_resource.get("resource"))
        for of_scope in in_json.objects(of_resource, keys[1], names[1]):
            envelope = of_resource.get("resource"), of_scope.get("scope")
            yield RecordGroup(
                resource,
                in_json.scope_of(of_scope),
                in_json.attributes_in(of_scope.get("scope")),
                in_json.items_of(of_scope, keys[2], names[2]),
                partial(_refuse_item, keys, envelope),
            )


def _refuse_item(keys: FieldNames, envelope: tuple[Any, Any], item: Any, reason: str) -> Refused:
    request = in_json.single_record_request(keys, item, *envelope)
    return Refused(reason, in_json.raw_of(item), request)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
