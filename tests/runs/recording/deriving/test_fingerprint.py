"""Messages of the same failure are normalised alike; those of different failures are not."""

from itertools import combinations

import pytest

from runs.recording.deriving.fingerprint import KEPT, ErrorFingerprint, normalized_message

RATE = (
    "Error code: 429 - {{'error': {{'message': 'Rate limit reached for {model} in organization "
    "{org} on tokens per min (TPM): Limit 30000, Used {used}, Requested 5021. Please try again in "
    "{wait}. Visit https://platform.openai.com/account/rate-limits to learn more.', 'type': "
    "'tokens', 'param': None, 'code': 'rate_limit_exceeded'}}}}"
)
# Each list: messages of one kind of failure.
ALIKE = [
    [
        RATE.format(model="gpt-4o", org="org-AbCdEf1234567890", used=28112, wait="6.266s"),
        RATE.format(model="gpt-4o", org="org-ZyXwVu0987654321", used=9, wait="820ms"),
        RATE.format(model="gpt-4o", org="org-qqqqqqqqqqqqqqq1", used=1, wait="1m2.5s"),
    ],
    [
        "Error code: 429 - {'error': {'message': 'You exceeded your current quota, please check "
        "your plan and billing details.', 'type': 'insufficient_quota', 'param': None, 'code': "
        "'insufficient_quota'}}",
    ],
    [
        "Error code: 500 - {'error': {'message': 'The server had an error while processing your "
        "request. (request id req_0a1b2c3d4e5f)', 'type': 'server_error'}}",
        "Error code: 500 - {'error': {'message': 'The server had an error while processing your "
        "request. (request id req_ffeeddccbbaa)', 'type': 'server_error'}}",
    ],
    [
        "This model's maximum context length is 128000 tokens. However, your messages resulted in "
        "130512 tokens. Please reduce the length of the messages.",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in "
        "8,200 tokens. Please reduce the length of the messages.",
    ],
    ["order A-17 not found", "order A-8 not found", "order B17 not found", "order 99 not found"],
    ["Order “A-17” is locked by 'bob'", "Order “Z 9” is locked by 'Eve O.'"],
    ["User bob@example.com may not read /srv/files/a.txt", "User eve@mail.example.org may not read "
     "/srv/files/deep/er/b.csv"],
    [
        "HTTPSConnectionPool(host='api.one.example', port=443): Max retries exceeded with url: "
        "/v1/orders?id=7 (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object "
        "at 0x7f3c2a1b9d90>: Failed to establish a new connection: [Errno 111] refused'))",
        "HTTPSConnectionPool(host='api.two.example', port=8443): Max retries exceeded with url: "
        "/v1/orders?id=8 (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object "
        "at 0x7f3c2b000000>: Failed to establish a new connection: [Errno 111] refused'))",
    ],
    ["Cannot connect to host 10.0.0.7:6379", "Cannot connect to host [2001:db8::17]:6379",
     "Cannot connect to host redis-0.cache.svc:6379"],
    ["connect ETIMEDOUT after 30s", "connect ETIMEDOUT after 1m 30s", "connect ETIMEDOUT after "
     "250 ms", "connect ETIMEDOUT after 2 minutes"],
    ["Token expired at 2026-11-22T10:00:00.123Z", "Token expired at 2025-01-02 23:59:59+01:00",
     "Token expired at Sat, 22 Nov 2026 14:00:00 GMT", "Token expired at Nov 3, 2026"],
    ["run 4bf92f35-77b3-4da6-a3ce-929d0e0e4736 is gone", "run 4bf92f3577b34da6a3ce929d0e0e4736 is "
     "gone", "run 01J9ZQ8F6TQ3Z7XK2M4N5P6R7S is gone"],
    [
        "1 validation error for Order\nquantity\n  Input should be a valid integer, unable to "
        "parse string as an integer [type=int_parsing, input_value='zwei', input_type=str]\n    "
        "For further information visit https://errors.pydantic.dev/2.11/v/int_parsing",
        "1 validation error for Order\nquantity\n  Input should be a valid integer, unable to "
        "parse string as an integer [type=int_parsing, input_value='一二', input_type=str]\n    "
        "For further information visit https://errors.pydantic.dev/2.9/v/int_parsing",
    ],
    [
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 12, in run\n    call()\n"
        "  File \"/app/b.py\", line 3, in call\n    raise ValueError(n)\nValueError: no item 17\n",
        "Traceback (most recent call last):\n  File \"/srv/a.py\", line 99, in run\n    other()\n"
        "ValueError: no item 18",
        "ValueError: no item 19",
    ],
    [
        "TypeError: x is not a function\n    at run (/app/index.js:12:4)\n    at main (/app/m.js)",
        "TypeError: x is not a function\n    at start (C:\\app\\index.js:9:4)",
    ],
    ["Could not parse LLM output: I think the order was sent.", "Could not parse LLM output: `42`"],
    ["Client error '404 Not Found' for url 'https://a.example/1'",
     "Client error '404 Not Found' for url 'https://b.example/2?x=y'"],
    ["Client error '401 Unauthorized' for url 'https://a.example/1'"],
    ["HTTP 503 Service Unavailable"],
    ["HTTP 502 Bad Gateway"],
    ["Request failed with status code 429"],
    ["Request failed with status code 400"],
    ["订单12345不存在，请在30秒后重试", "订单9不存在，请在5秒后重试"],
    ["无法读取「报告 3.pdf」：状态码 500", "无法读取「年度总结.docx」：状态码 500"],
    ["无法读取「报告 3.pdf」：状态码 404"],
    ["Artikel „Größe 4“ fehlt", "Artikel „Menge“ fehlt"],
    ["L'article «nom» est vide", "L'article «prix d'achat» est vide"],
    ["الطلب ١٢٣ غير موجود", "الطلب ٤٥ غير موجود"],
    ['{"error": "{\\"message\\": \\"No such order A-17\\", \\"code\\": \\"not_found\\"}"}',
     '{"error": "{\\"message\\": \\"No such order A-18\\", \\"code\\": \\"not_found\\"}"}'],
    ["Recursion limit of 25 reached without hitting a stop condition.",
     "Recursion limit of 50 reached without hitting a stop condition."],
    ["pod web-7d9f8c6b5-x2x4z was evicted", "pod web-6c8b7d9f4-q9w8e was evicted"],
    ["Rows 3, 7 and 12 are empty", "Rows 4, 8, 15 and 16 are empty"],
    [
        "Error code: 529 - {'type': 'error', 'error': {'type': 'overloaded_error', 'message': "
        "'Overloaded'}, 'request_id': 'req_011CX7J5ZXp3npD8nY7VYZvm'}",
        "Error code: 529 - {'type': 'error', 'error': {'type': 'overloaded_error', 'message': "
        "'Overloaded'}, 'request_id': 'req_vrtx_01aaJ5ZXp3npD8nY7VYZvm'}",
    ],
    [
        "Error code: 429 - {'error': {'code': '429', 'message': 'Requests to the Create Operation "
        "under Azure OpenAI API version 2024-02-15-preview have exceeded the token rate limit. "
        "Please retry after 7 seconds.'}}",
        "Error code: 429 - {'error': {'code': '429', 'message': 'Requests to the Create Operation "
        "under Azure OpenAI API version 2024-10-21 have exceeded the token rate limit. Please "
        "retry after 1 second.'}}",
    ],
    [
        "{'error': {'code': 'content_filter', 'innererror': {'hate': {'filtered': True, 'severity':"
        " 'high'}, 'jailbreak': {'filtered': False, 'detected': False}}}}",
        "{'error': {'code': 'content_filter', 'innererror': {'hate': {'filtered': False, 'severity'"
        ": 'safe'}, 'jailbreak': {'filtered': True, 'detected': True}}}}",
    ],
    ["Incorrect API key provided: sk-proj-********abcd.",
     "Incorrect API key provided: sk-1234****************wxyz."],
    ["Token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123 is invalid",
     "Token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI5OTk5In0.xyz-987_abc is invalid"],
    ["Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a rejected",
     "Bearer xoxb-123-456-abcDEFghi rejected"],
    ["No function arn:aws:lambda:eu-west-1:123456789012:function:refund-order",
     "No function arn:aws:lambda:us-east-1:999956789012:function:send-mail"],
    ["Host fe80::1%eth0 is down", "Host ::ffff:10.0.0.1 is down", "Host ::1 is down",
     "Host 2001:db8:85a3::8a2e:370:7334 is down"],
    ["GET /v1/orders/17?expand=items gave nothing", "GET /v1/orders gave nothing"],
    ["文件 /data/用户/报告.pdf 已损坏", "文件 /data/客户/合同.docx 已损坏"],
    ["参数〈金额〉不合法", "参数〈数量〉不合法"],
    ["duplicate key value violates unique constraint DETAIL: Key (id)=(17) already exists.",
     "duplicate key value violates unique constraint DETAIL: Key (id)=(abc-18) already exists."],
    [
        "1 validation error for Chunk [type=missing, input_value={'model': 'a', 'n': ''}, "
        "input_type=dict]",
        "1 validation error for Chunk [type=missing, input_value={'choices': []}, input_type=dict]",
    ],
    ["Received 429 from upstream"],
    ["Received 500 from upstream"],
    ["KeyError: 'A-17'", "KeyError: 'A-18'", 'KeyError: "O\'Neil"'],
    ["KeyError: 'customer_id'"],
    ["KeyError: 'order_id'"],
    ["'customer_id'"],
    ["'order_id'"],
    ["'NoneType' object has no attribute 'get'"],
    ["'NoneType' object has no attribute 'items'"],
    ["'str' object has no attribute 'items'"],
    ["name 'total' is not defined"],
    ["name 'json' is not defined"],
    ["main() got an unexpected keyword argument 'arg'"],
    ["main() got an unexpected keyword argument 'query'"],
    ["Cannot read properties of undefined (reading 'length')"],
    ["Cannot read properties of undefined (reading 'map')"],
    [""],
]  # fmt: skip


@pytest.mark.parametrize("messages", ALIKE)
def test_messages_of_one_kind_are_normalised_alike(messages: list[str]) -> None:
    assert len({normalized_message(message) for message in messages}) == 1, [
        *map(normalized_message, messages)
    ]


def test_different_failures_stay_apart() -> None:
    kinds = [normalized_message(messages[0]) for messages in ALIKE]
    same = [(first, other) for first, other in combinations(kinds, 2) if first == other]
    assert same == []


def test_what_is_left_can_be_read() -> None:
    assert normalized_message(ALIKE[0][0]) == (
        "Error code: 429 - {error: {message: Rate limit reached for gpt-# in organization # on "
        "tokens per min (TPM): Limit #, Used #, Requested #. Please try again in #. Visit <address>"
        " to learn more., type: tokens, param: None, code: rate_limit_exceeded}}"
    )


@pytest.mark.parametrize(
    "message",
    [
        "Use std::vector, utf8 and sha256, not and/or in main.py at v2",
        "The users' data isn't there, can't go on",
        "</tool> closed twice",
    ],
)
def test_words_stay(message: str) -> None:
    assert normalized_message(message) == message


def test_a_long_message_is_fingerprinted_by_its_beginning() -> None:
    long = "The answer was not JSON " + "x " * 5_000
    assert len(normalized_message(long)) == KEPT
    assert normalized_message(long) == normalized_message(long + "and more 17")
    assert normalized_message("Bad value '" + "a" * 9_000) == normalized_message(
        "Bad value '" + "b c" * 9_000
    )


def test_what_no_page_can_hold_is_shown_as_a_sign() -> None:
    assert normalized_message("a\x00b\x1bc \ud800".encode("utf-8", "replace").decode()) == "a␀b␛c ?"


def test_groups_differ_by_node_and_type_but_not_by_title() -> None:
    fingerprint = ErrorFingerprint.of("node", "Title", "ValueError", "no item 17")
    assert fingerprint.group(1) == ErrorFingerprint.of(
        "node", "Renamed", "ValueError", "no item 18"
    ).group(1)
    others = [
        ErrorFingerprint.of("other", "Title", "ValueError", "no item 17").group(1),
        ErrorFingerprint.of("node", "Title", "KeyError", "no item 17").group(1),
        ErrorFingerprint.of("node", "Title", "ValueError", "no page 17").group(1),
        fingerprint.group(2),
    ]
    assert len({fingerprint.group(1), *others}) == 5


HOSTILE = [
    '"', "'", "“", "`", "„", "a", "1", "a1", "/", ":", "1:", "a.", "\\", "'error':", "'error':'\\",
    "[a@", "\n ", "(' ", " 'a ", "org-", "1.", "::", "f:", "1-", "#, ", "output:", "~/.",
    "0x", "a-", "arn:a:", "input_value=", ")=(", "eyJ-.", "****", "/用", "?a=", "%",
    "Mon, 1 Jan ", "1 s ", "  File x\n    y\n", "\n  at ",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_message_costs_no_more_than_a_long_one(part: str) -> None:
    """Patterns that backtrack through every possible match would take hours for these."""
    megabyte = part * (1_000_000 // len(part))
    assert len(normalized_message(megabyte)) <= KEPT
    assert len(normalized_message("Traceback (most recent call last):\n" + megabyte)) <= KEPT
