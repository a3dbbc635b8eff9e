"""What is typed into the search box, and what an address says in parameters: one language."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from runs.query.address import query_string, text_from_parameters
from runs.query.fields import FIELDS, LANGUAGE
from runs.query.language import MAX_LENGTH, MAX_TERMS, Query, quoted
from runs.query.values import ValueRange

parse = LANGUAGE.parse


def terms_and_words(text):
    """Return [(field, value, negated)] and the words of a text without errors."""
    query, problems = parse(text)
    assert problems == []
    return [(term.field.name, term.value, term.negated) for term in query.terms], query.words


def only_problem(text):
    """Return the sentence about a text with one error."""
    _, problems = parse(text)
    assert len(problems) == 1
    return str(problems[0])


def test_fields_and_words_apart():
    assert terms_and_words('status:failed refund app:support "in full" -user:u-1') == (
        [("status", "failed", False), ("app", "support", False), ("user", "u-1", True)],
        'refund "in full"',
    )


def test_every_example_in_the_help_is_understood():
    for field in FIELDS:
        [(name, _, _)], words = terms_and_words(field.example)
        assert (name, words) == (field.name, "")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("status:failed,stopped", ["failed", "stopped"]),
        ("status:FAILED status:failed", ["failed"]),
        ("status:partial_succeeded", ["partial-succeeded"]),
        ('node:"Ask the user"', ["Ask the user"]),
        ('node:"a, b",c', ["a, b", "c"]),
        ('tag:"say \\"hi\\" \\\\o/"', ['say "hi" \\o/']),
        ("tag:日本", ["日本"]),
        ("tag:vip", ["vip"]),
        ("tag:“two words”", ["two words"]),
        ("version:#3", ["#3"]),
        ("model:anthropic/claude-3:beta", ["anthropic/claude-3:beta"]),
        ("since:2026-11-22T09:30:00+01:00", ["2026-11-22T09:30:00+01:00"]),
        ("user:-x", ["-x"]),
        ("failed-in:ask", ["ask"]),
        ("env:prod", ["prod"]),
        ('kind:LLM,"HTTP request",Custom', ["llm", "http-request", "Custom"]),
        ("status:partial", ["partial-succeeded"]),
        ('status:"Partly succeeded"', ["partial-succeeded"]),
        ("status:success,fail", ["succeeded", "failed"]),
        ("status=failed", ["failed"]),
        ("status = failed", ["failed"]),
        ('app="Invoice intake"', ["Invoice intake"]),
        ("model=gpt-4o", ["=gpt-4o"]),
        ("model:gpt-4o", ["gpt-4o"]),
        ("user:smith(jr)", ["smith(jr)"]),
    ],
)
def test_values(text, values):
    assert [value for _, value, _ in terms_and_words(text)[0]] == values


@pytest.mark.parametrize(
    ("text", "low", "high", "above", "below"),
    [
        ("tokens:>10k", 10_000, None, True, False),
        ("tokens:>=1.5M", 1_500_000, None, False, False),
        ("tokens:<900", None, 900, False, True),
        ("tokens:900", 900, 900, False, False),
        ("tokens:1k..2k", 1000, 2000, False, False),
        ("tokens:..2k", None, 2000, False, False),
        ("time:>2s", 2_000_000, None, True, False),
        ("time:500ms..1.5s", 500_000, 1_500_000, False, False),
        ("time:<=2", None, 2_000_000, False, False),
        ("cost:>0.05", Decimal("0.05"), None, True, False),
        ("score:-1..0.5", -1, Decimal("0.5"), False, False),
        ("cost>0.05", Decimal("0.05"), None, True, False),
        ("duration>=2s", 2_000_000, None, False, False),
        ("tokens < 100", None, 100, False, True),
        ("steps==3", 3, 3, False, False),
    ],
)
def test_ranges(text, low, high, above, below):
    [term] = parse(text)[0].terms
    assert term.parsed == ValueRange(low, high, above, below)


def test_times():
    assert parse("since:7d")[0].terms[0].parsed == timedelta(days=7)
    assert parse("until:2026-11-22")[0].terms[0].parsed == datetime(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ValueError: bad literal", "ValueError: bad literal"),
        ("https://example.com/a:b", "https://example.com/a:b"),
        ("at 10:30", "at 10:30"),
        ('{"order": "A-17"}', '{"order": "A-17"}'),
        ("  two \n words ", "two words"),
        ('"status:failed"', '"status:failed"'),
        ("--verbose -5", "--verbose -5"),
        ('refund -"status:failed x" -', 'refund -"status:failed x" -'),
        ("状态：x", "状态：x"),
        ("x = 5 name = foo <b>a</b>", "x = 5 name = foo <b>a</b>"),
        ("int(x) (line 3). ((a) b", "int(x) (line 3). ((a) b"),
        ("FILE NOT FOUND (code:500) AND more", "FILE NOT FOUND (code:500) AND more"),
        ("cannot compare (a > b)", "cannot compare (a > b)"),
    ],
)
def test_what_only_looks_like_a_field_is_text(text, words):
    assert terms_and_words(text) == ([], words)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stauts:failed", "Did you mean “status:failed”?"),
        ("latency:>2s", "Did you mean “time:>2s”?"),
        ("colour:red", 'put them in quotes: "colour:red"'),
        ("C:\\new\\", r'put them in quotes: "C:\\new\\"'),
        ("status:broken", "“broken” is not one of running, paused, succeeded"),
        ("status: failed", "as in status:failed"),
        ("status:", "as in status:failed"),
        ("tag:,", "write tag:vip"),
        ('tag:""', "write tag:vip"),
        ("tokens:many", "not a whole number. Write tokens:>10k"),
        ("tokens:1.5", "not a whole number"),
        ("tokens:9..1", "ends before it begins"),
        ("tokens:..", "tokens:>10k"),
        ("time:2s", "one exact duration. Write time:>2s"),
        ("time:>soon", "Write 2s, 500ms or 2m"),
        ("cost:0,05", "not a number"),
        ("cost:>99999999999", "not a number"),
        ("since:yesterday", "Write 2026-11-22"),
        ("since:0001-01-01", "not a time"),
        ('"open', "is not closed"),
        ('-"open', "is not closed"),
        ('node:"open', "is not closed"),
        ('node:"a"b', "belongs after the closing quote"),
        ("status:failed -status:failed", "status:failed is both required and excluded"),
        ("tokens:>10k tokens:<5k", "tokens:>10k and tokens:<5k leave no value between them"),
        ("time:>2s time:..2s", "leave no value between them"),
        ("since:7d since:1d", "since is given 2 times"),
        ("-since:7d", "opposites"),
        ("is:running is:finished", "No run is finished and running at once"),
        ("status:stalled", "Did you mean “is:stalled”?"),
        ("-status:faild", "Did you mean “-status:failed”?"),
        ("time:2s", "Did you mean “time:>=2s”?"),
        ("status>failed", "cannot be compared by >: write status:failed"),
        ("until>7d", "cannot be compared by >: write until:"),
        ("(status:failed OR cost>1", "before “status:failed OR cost>1” is not closed"),
        ("(status:failed OR cost>1))", "more closing parentheses"),
        ("app:x)", "was not opened"),
        ("status:failed OR", "OR stands between two conditions"),
        ("(OR)", "OR stands between two conditions"),
        ("refund OR chargeback", "can be no alternative"),
        ("-(status:failed refund)", "can be no alternative"),
        ("(status:faild OR cost>1)", "Did you mean “status:failed”?"),
        ("(stauts:failed OR cost>1)", "Did you mean “status:failed”?"),
        ("(" * 9 + "tag:a" + ")" * 9, "nested 8 deep"),
        ("x" * (MAX_LENGTH + 1), "longer than 4,000"),
        (" ".join(f"user:u{n}" for n in range(MAX_TERMS + 1)), "more than 100"),
    ],
)  # fmt: skip
def test_errors_suggest_what_is_meant(text, sentence):
    assert sentence in only_problem(text)


def test_a_suggestion_is_the_whole_query_as_it_was_meant():
    _, [problem] = parse("refund stauts:failed app:x")
    assert (problem.suggestion, problem.meant) == ("status:failed", "refund status:failed app:x")
    _, [problem] = parse("refund status:failed OR cost>1")
    assert problem.meant == "(status:failed OR cost:>1) refund"
    assert parse(problem.meant)[1] == []


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("(status:failed OR cost>1) app:x -user:y", "app:x -user:y (status:failed OR cost:>1)"),
        ("status:failed app:x OR cost>1", "(status:failed app:x OR cost:>1)"),
        ("status:failed AND app:x", "status:failed app:x"),
        ("NOT status:failed", "-status:failed"),
        ("NOT -status:failed,stopped", "status:failed status:stopped"),
        ("-(tag:a OR tag:b) word", "-(tag:a OR tag:b) word"),
        ("NOT (tag:a OR tag:b)", "-(tag:a OR tag:b)"),
        ("((tag:a OR tag:b))", "(tag:a OR tag:b)"),
        ("-(-(tag:a tag:b))", "(tag:a tag:b)"),
        ("(tag:a) (tag:b)", "(tag:a) (tag:b)"),
        ("(tag:a refund) (line 3)", "(tag:a) refund (line 3)"),
        ("(tag:a OR (kind:llm (tag:b OR tag:c)))", "(tag:a OR (kind:llm (tag:b OR tag:c)))"),
        ('tag:")" "(" "OR"', 'tag:")" "(" "OR"'),
    ],
)
def test_alternatives(text, meaning):
    query, problems = parse(text)
    assert problems == []
    assert query.text == meaning
    assert parse(meaning)[0] == query


def test_several_errors_are_all_reported_and_the_rest_is_kept():
    query, problems = parse("stauts:x status:failed tokens:many word")
    assert len(problems) == 2
    assert query.text == "status:failed word"


def test_ranges_of_one_field_narrow_each_other():
    assert parse("tokens:>1k tokens:<2k")[1] == []


@given(st.text(min_size=1).map(lambda text: text.replace("\0", "")).filter(str.strip))
def test_any_value_can_be_quoted(value):
    [term] = parse(f"user:{quoted(value)}")[0].terms
    assert term.value == value


PIECES = st.sampled_from([
    "(", ")", "-(", " ", " OR ", " AND ", "NOT ", "-", ":", ">", "=", ",", '"', "status:failed",
    "cost>1", "tag:a", "user:", "word", "stauts:x",
])  # fmt: skip


@given(st.text() | st.lists(PIECES, max_size=25).map("".join))
def test_no_text_breaks_the_parser_and_its_own_text_means_the_same(text):
    query, problems = parse(text)
    reparsed, new_problems = parse(query.text)
    assert reparsed == query
    assert problems or new_problems == []


FIELD_TEXTS = st.sampled_from([field.example for field in FIELDS] + ["refund", '"a b"', "-tag:x"])


@given(st.lists(FIELD_TEXTS, unique=True))
def test_a_query_without_a_term_and_with_it_again(texts):
    query, _ = parse(" ".join(texts))
    for term in query.terms:
        assert not query.without(term).has(term)
        assert query.without(term).plus(term).same_as(query)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("q=tag:a+OR+tag:b&user=x", "user:x (tag:a OR tag:b)"),
        ("q=tag:a+OR+tag:b", "tag:a OR tag:b"),
        ("model=gpt-4o&model_part=claude", "model:=gpt-4o model:claude"),
        ("status=failed&status=stopped&q=refund", "status:failed status:stopped refund"),
        ("q=refund+app:desk&user=a+b", 'user:"a b" refund app:desk'),
        ("min_duration=2s&max_duration=5s", "time:>=2s time:<=5s"),
        ("min_tokens=900&min_cost=0.05", "tokens:>=900 cost:>=0.05"),
        ("tokens=>10k", "tokens:>10k"),
        ("tag=a,b", 'tag:"a,b"'),
        ("user=//host", 'user:"//host"'),
        ("user=&order=-cost&after=x&q=", ""),
    ],
)
def test_parameters_mean_the_same(address, text):
    assert text_from_parameters(LANGUAGE, QueryDict(address).lists()) == (text, [])


def test_an_unknown_parameter_is_terms_and_words():
    assert text_from_parameters(LANGUAGE, QueryDict("colour=red").lists())[1] == [
        "There is no filter “colour”."
    ]


def test_an_address_of_a_query():
    query = parse('status:failed "a b"')[0]
    assert query_string(query, "-cost") == "?q=status%3Afailed+%22a+b%22&order=-cost"
    assert query_string(Query(), "-started_at") == "?"
