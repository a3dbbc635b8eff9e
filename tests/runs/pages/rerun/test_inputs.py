"""Recorded inputs, as a run can be run again with them."""

from runs.pages.rerun.inputs import recorded_inputs_of


def test_recorded_inputs_are_taken_apart() -> None:
    values = {"q": 1, "sys.query": "Who?", "sys.files": [], "sys.workflow_id": "w"}
    recorded = recorded_inputs_of(values, True)
    assert (recorded.inputs, recorded.query) == ({"q": 1}, "Who?")
    assert (recorded.files, recorded.workflow) == ([], "w")
    assert recorded_inputs_of({"sys.workflow_id": "../x"}, False).workflow == ""
    assert (
        recorded_inputs_of("Who?", True).query == "Who?"
        and recorded_inputs_of("Who?", False).whole == "Who?"
    )
    assert recorded_inputs_of({"query": "Who?", "a": 1}, True).inputs == {"a": 1}
    assert recorded_inputs_of({"query": "Who?"}, False).inputs == {"query": "Who?"}
    assert recorded_inputs_of([1, 2], False).whole == [1, 2]
