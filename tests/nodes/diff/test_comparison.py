"""Which step is which, and where two runs diverge. Without a database."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.diff.pairing import ComparedStep, pair_up
from nodes.diff.rows import ALL_ROWS, ROWS_PER_WINDOW, row_window
from nodes.diff.verdicts import judge, pairs_in_base_order, payload_id_pairs
from nodes.digests import digest_of

_ids = count(1)


def payload(text: str) -> str:
    """Return an id as the store makes it: the last 18 digits depend on the content."""
    return f"{next(_ids):014x}{abs(hash(text)) % 16**18:018x}" if text else ""


def step(name, parent="", *, inputs="in", outputs="out", **facts):
    known = {
        "id": f"{next(_ids):032x}", "parent_id": parent, "node_id": name, "kind": "code",
        "title": name, "status": "succeeded", "iteration": "", "attempt": 1, "taken": "",
        "duration_us": 10_000, "tokens": None, "cost": None, "currency": "", "model": "",
        "inputs": payload(inputs), "process": "", "outputs": payload(outputs), "error": "",
    } | facts  # fmt: skip
    return ComparedStep(**known)


def same(a, b):
    return digest_of(a) == digest_of(b)


def judged(a, b, *, same_start=True, same_value=same):
    return judge(pairs_in_base_order(a, b, b_is_base=False), same_value, same_start=same_start)


def verdicts(a, b, **options):
    return [(pair.step.title, pair.verdict) for pair in judged(a, b, **options).pairs]


def titles(pairs):
    return [(pair.a and pair.a.title, pair.b and pair.b.title) for pair in pairs]


# -- which is which ------------------------------------------------------------------------------


def test_steps_are_paired_by_node_below_the_same_parent():
    a = [group := step("group"), step("x", group.id), step("y", group.id)]
    b = [other := step("group"), step("y", other.id), step("x", other.id), step("x")]
    assert titles(pair_up(a, b)) == [("group", "group"), ("x", "x"), ("y", "y"), (None, "x")]


def test_the_nth_execution_is_paired_with_the_nth():
    a = [step("x", outputs=str(n)) for n in range(3)]
    b = [step("x", outputs=str(n)) for n in range(2)]
    pairs = [(pair.a, pair.b) for pair in pair_up(a, b)]
    assert pairs == [(a[0], b[0]), (a[1], b[1]), (a[2], None)]


def test_a_node_that_ran_once_is_the_first_iteration_of_a_node_that_ran_often():
    a = [agent := step("agent"), step("call", agent.id)]
    b = []
    for number in "01":
        b += [agent := step("agent", iteration=number), step("call", agent.id, iteration=number)]
    pairs = titles(pair_up(a, b))
    assert pairs == [("agent", "agent"), ("call", "call"), (None, "agent"), (None, "call")]


def test_attempts_are_paired_with_attempts():
    a = [step("x", status="retry"), step("x", attempt=2)]
    b = [step("x")]
    pairs = [(pair.a, pair.b) for pair in pair_up(a, b)]
    assert pairs == [(a[0], b[0]), (a[1], None)]


def test_another_node_id_is_matched_by_title_and_marked_as_approximate():
    [pair] = pair_up([step("17", title="Classify")], [step("99", title="Classify")])
    assert pair.a and pair.b and pair.approximate


def test_model_calls_are_matched_though_the_model_names_them():
    a = [step("chat one", kind="llm", model="one"), step("search", kind="tool")]
    b = [step("chat two", kind="llm", model="two"), step("read", kind="tool")]
    assert titles(pair_up(a, b)) == [("chat one", "chat two"), ("search", None), (None, "read")]
    a, b = [step("Small talk", kind="llm", model="m")], [step("Explain", kind="llm", model="m")]
    assert titles(pair_up(a, b)) == [("Small talk", None), (None, "Explain")]


def test_a_step_of_a_single_run_stands_where_it_ran():
    a = [step(name) for name in "adf"]
    b = [step(name) for name in "abcdef"]
    assert "".join((x or y) for x, y in titles(pair_up(a, b))) == "abcdef"


# -- verdicts ------------------------------------------------------------------------------------


def test_the_same_run_is_all_same():
    run = [top := step("a"), step("b", top.id, status="failed", error="no"), step("c", kind="llm")]
    comparison = judged(run, run)
    assert set(comparison.counts) == {"same"} and comparison.first is None


def test_same_inputs_another_output_is_an_origin_and_what_follows_inherits():
    a = [step("start"), step("find", outputs="30 days"), step("answer", inputs="30", outputs="x")]
    b = [step("start"), step("find", outputs="14 days"), step("answer", inputs="14", outputs="y")]
    comparison = judged(a, b)
    assert [pair.verdict for pair in comparison.pairs] == ["same", "origin", "inherited"]
    assert comparison.first is comparison.pairs[1] and comparison.first.reason == "output"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"taken": "refund", "outputs": "r"}, "way"),
        ({"status": "failed", "error": "no", "outputs": ""}, "status"),
        ({"model": "other", "outputs": "r"}, "model"),
        ({"outputs": "r"}, "output"),
    ],
)
def test_an_origin_says_what_it_is(facts, reason):
    a = step("x", taken="order", model="one")
    b = step("x", **({"taken": "order", "model": "one"} | facts))
    assert judged([a], [b]).first.reason == reason


def test_other_inputs_from_the_start_are_no_origin():
    a, b = [step("x", inputs="1", outputs="1")], [step("x", inputs="2", outputs="2")]
    assert verdicts(a, b, same_start=False) == [("x", "inherited")]
    comparison = judged(a, b)  # but where both were given the same, nothing explains them
    assert (comparison.first.verdict, comparison.first.reason) == ("origin", "inputs")


def test_a_step_without_recorded_inputs_inherits_what_differed_before_it():
    a = [step("find", outputs="1"), step("say", inputs="", outputs="1")]
    b = [step("find", outputs="2"), step("say", inputs="", outputs="2")]
    assert verdicts(a, b) == [("find", "origin"), ("say", "inherited")]
    assert verdicts(a[1:], b[1:]) == [("say", "origin")]


def test_a_container_inherits_from_its_steps():
    def run(text):
        return [top := step("loop", outputs=text), step("inner", top.id, outputs=text)]

    assert verdicts(run("1"), run("2")) == [("loop", "inherited"), ("inner", "origin")]


def test_a_container_with_other_inputs_is_the_origin():
    def run(text, *iterations):
        top = step("each", inputs=text, kind="iteration")
        return [
            top,
            *(step("work", top.id, inputs=number, iteration=number) for number in iterations),
        ]

    comparison = judged(run("[0]", "0"), run("[0, 1]", "0", "1"))
    assert [pair.verdict for pair in comparison.pairs] == ["origin", "same", "only_b"]
    assert comparison.first.step.title == "each"
    assert [pair.reason for pair in comparison.pairs] == ["inputs", "", ""]


def test_a_container_whose_steps_are_the_same_is_the_origin_itself():
    def run(text):
        return [top := step("tool", outputs=text), step("http", top.id), step("next", inputs=text)]

    comparison = judged(run("1"), run("2"))
    assert [pair.verdict for pair in comparison.pairs] == ["origin", "same", "inherited"]


def test_the_first_step_of_a_single_run_is_where_they_diverge():
    comparison = judged([step("a"), step("c")], [step("a"), step("b"), step("c")])
    assert comparison.first.step.title == "b" and comparison.first.verdict == "only_b"
    a, b = [step("a", outputs="1")], [step("a", outputs="2"), step("b")]
    assert judged(a, b).first.step.title == "a"


def test_time_and_cost_have_a_verdict_of_their_own():
    slow = step("x", duration_us=900_000)
    assert verdicts([step("x")], [slow]) == [("x", "cost_only")]
    assert verdicts([step("x")], [step("x", duration_us=90_000)]) == [("x", "same")]
    a, b = step("x", tokens=100), step("x", tokens=150)
    assert verdicts([a], [b]) == [("x", "cost_only")]


def test_a_step_that_still_runs_has_no_outcome_to_differ():
    assert verdicts([step("x")], [step("x", status="running", outputs="")]) == [("x", "same")]


def test_values_that_differ_in_ids_alone_hide_no_origin():
    a = [step("find", inputs="id 1", outputs="30")]
    b = [step("find", inputs="id 2", outputs="14")]
    pairs = pairs_in_base_order(a, b, b_is_base=False)
    assert list(payload_id_pairs(pairs)) == [
        (a[0].inputs, b[0].inputs),
        (a[0].outputs, b[0].outputs),
    ]
    known = {(digest_of(a[0].inputs), digest_of(b[0].inputs))}
    comparison = judged(
        a, b, same_value=lambda x, y: same(x, y) or (digest_of(x), digest_of(y)) in known
    )
    assert comparison.first.reason == "output"


# -- mirrored ------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from("12"), st.sampled_from("12"),
              st.sampled_from(["succeeded", "failed"]), st.integers(0, 3)),
    max_size=8,
)  # fmt: skip
MIRROR = {"only_a": "only_b", "only_b": "only_a"}


def tree(rows):
    """Return steps in pre-order; the last number of a row is how far above it its parent stands."""
    made = [(step(n, inputs=i, outputs=o, status=s), up) for n, i, o, s, up in rows]
    steps = [
        replace(made_step, parent_id=made[place - up][0].id if 0 < up <= place else "")
        for place, (made_step, up) in enumerate(made)
    ]
    in_order, waiting = [], [top for top in steps if not top.parent_id][::-1]
    while waiting:
        in_order.append(newest := waiting.pop())
        waiting += [inner for inner in steps if inner.parent_id == newest.id][::-1]
    return in_order


@given(STEPS, STEPS)
def test_swapped_runs_give_the_mirrored_comparison(left, right):
    a, b = tree(left), tree(right)
    there = judge(pairs_in_base_order(a, b, b_is_base=False), same, same_start=True)
    back = judge(pairs_in_base_order(b, a, b_is_base=True), same, same_start=True)
    assert [(pair.a, pair.b) for pair in there.pairs] == [(pair.b, pair.a) for pair in back.pairs]
    mirrored = [MIRROR.get(pair.verdict, pair.verdict) for pair in there.pairs]
    assert mirrored == [pair.verdict for pair in back.pairs]
    firsts = [
        comparison.first and comparison.pairs.index(comparison.first)
        for comparison in (there, back)
    ]
    assert firsts[0] == firsts[1]


@given(STEPS, STEPS)
def test_every_step_is_in_exactly_one_pair(left, right):
    a, b = tree(left), tree(right)
    pairs = pair_up(a, b)
    assert sorted(pair.a.id for pair in pairs if pair.a) == sorted(step.id for step in a)
    assert sorted(pair.b.id for pair in pairs if pair.b) == sorted(step.id for step in b)


@given(STEPS)
def test_a_run_compared_with_itself_is_all_same(rows):
    run = tree(rows)
    assert set(judged(run, run).counts) <= {"same"}


# -- rows ----------------------------------------------------------------------------------------


def test_what_is_the_same_is_counted_and_containers_are_kept():
    a = [*[step(f"s{n}") for n in range(5)], top := step("top"), step("in", top.id), step("end")]
    b = [*[step(f"s{n}") for n in range(5)], top := step("top"),
         step("in", top.id, duration_us=2_000_000), step("end")]  # fmt: skip
    window = row_window(judged(a, b))
    assert [(row.title, row.skipped, row.context) for row in window.rows] == [
        ("top", 5, True),
        ("in", 0, False),
    ]
    assert window.after == 1


def test_a_container_of_a_single_run_is_a_row_with_all_steps_in_it():
    b = [top := step("top"), inner := step("in", top.id), step("deep", inner.id), step("next")]
    window = row_window(judged([], b))
    assert [(row.title, row.inside) for row in window.rows] == [("top", 2), ("next", 0)]
    assert len(row_window(judged([], b), "only_b").rows) == 4


def test_a_window_of_many_rows_and_the_window_with_the_opened_row():
    comparison = judged([step(f"s{n}") for n in range(500)], [])
    window = row_window(comparison, ALL_ROWS)
    assert (len(window.rows), window.earlier, window.later) == (
        ROWS_PER_WINDOW,
        None,
        ROWS_PER_WINDOW,
    )
    last = comparison.pairs[499]
    window = row_window(comparison, ALL_ROWS, last.key)
    assert window.rows[-1].is_open and window.later is None and window.earlier is not None
    assert row_window(comparison, ALL_ROWS, "", 10**6).rows
