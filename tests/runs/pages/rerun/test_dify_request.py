"""Paths and values as Dify's API takes them."""

from runs.pages.rerun.dify_request import run_path, stop_path, value_for_dify


def test_the_path_that_runs_an_app_of_dify() -> None:
    assert run_path(True, {"dify-run"}) == "chat-messages"
    assert run_path(False, {"dify-run", "trace"}) == "workflows/run"
    assert run_path(False, {"dify-run"}, "w1") == "workflows/w1/run"
    assert run_path(False, {"dify-message"}) == "completion-messages"


def test_the_path_that_stops_a_run_of_dify() -> None:
    assert stop_path(True, {"dify-task": "t", "dify-run": "r"}) == "chat-messages/t/stop"
    assert stop_path(False, {"dify-task": "t", "dify-run": "r"}) == "workflows/tasks/t/stop"
    assert stop_path(False, {"dify-task": "t"}) == "completion-messages/t/stop"
    assert stop_path(False, {"dify-run": "r"}) == ""


def test_files_are_named_as_dify_wants_them() -> None:
    file = {"dify_model_identity": "__dify__file__", "type": "image", "size": 3}
    assert value_for_dify(
        {"a": [file | {"transfer_method": "local_file", "related_id": "f1"}], "b": 2}
    ) == {
        "a": [{"type": "image", "transfer_method": "local_file", "upload_file_id": "f1"}],
        "b": 2,
    }
    named_file = value_for_dify(file | {"transfer_method": "tool_file", "related_id": "t1"})
    assert named_file == {"type": "image", "transfer_method": "tool_file", "tool_file_id": "t1"}
    named_file = value_for_dify(
        file | {"transfer_method": "remote_url", "remote_url": "https://x.example/a"}
    )
    assert named_file == {
        "type": "image",
        "transfer_method": "remote_url",
        "url": "https://x.example/a",
    }
    reference = "dify-file-ref:eyJyZWNvcmRfaWQiOiJmMSJ9"
    named_file = value_for_dify(file | {"transfer_method": "local_file", "reference": reference})
    assert named_file == {
        "type": "image",
        "transfer_method": "local_file",
        "upload_file_id": reference,
    }
    # Dify has signed the address of its own copy, and it ends.
    signed = {"transfer_method": "remote_url", "remote_url": "https://d.example/f?sign=x"}
    assert value_for_dify(file | signed | {"related_id": "f1"}) == {
        "type": "image", "transfer_method": "remote_url", "url": "https://d.example/f?sign=x",
        "upload_file_id": "f1",
    }  # fmt: skip
    named_file = value_for_dify(file | {"transfer_method": "datasource_file", "related_id": "d1"})
    assert named_file["datasource_file_id"] == "d1" and "url" not in named_file
