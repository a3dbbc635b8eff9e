"""The iterations of a loop as a matrix, attempts, lanes, and links from one execution to the
next."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from nodes.models import NodeExecution
from tests.factories import make_execution, make_run
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of

SIDE = FRAGMENT | {"HX-Target": "side"}


def passes_url(execution: NodeExecution, end: str = "/") -> str:
    return f"/runs/{execution.run_id}/tracing/{execution.id}/passes{end}"


def big_loop(passes: int, nodes: int, failed: tuple[int, ...] = ()) -> NodeExecution:
    """Create a loop of so many iterations; in the `failed` ones (from 0) the last node failed."""
    run = make_run(duration_us=passes * nodes * 1000)
    loop = make_execution(run, "Each item", kind="iteration", self_us=0)
    rows = [
        NodeExecution(
            id=uuid4(), run=run, app=run.app, source_id=f"{number}.{node}", service="s",
            title=f"Node {node}", kind="llm", node_id=f"node-{node}", depth=1, parent_id=loop.id,
            index=1 + number * nodes + node, iteration=str(number), counted=True,
            status="failed" if number in failed and node == nodes - 1 else "succeeded",
            started_at=run.started_at + timedelta(milliseconds=number * nodes + node),
            duration_us=900, self_us=900, total_tokens=number,
        )
        for number in range(passes)
        for node in range(nodes)
    ]  # fmt: skip
    NodeExecution.objects.bulk_create(rows, batch_size=500)
    return loop


def cells(tree: Any) -> list[Any]:
    return tree.findall(".//table[@class='matrix']/tbody[@data-status]/tr/td/a")


# -- the matrix ------------------------------------------------------------------------------------


def test_nodes_are_rows_iterations_are_columns_and_each_cell_is_a_link(console: Client) -> None:
    loop = big_loop(3, 2, failed=(1,))
    tree = check_view(console, passes_url(loop))
    text = text_of(tree)
    assert "3 iterations, 1 with failures" in text and "Node 1" in text
    assert len(cells(tree)) == 6
    failing = NodeExecution.objects.get(run=loop.run, status="failed")
    (failed,) = tree.findall(".//td[@data-status='failed']/a")
    assert failed.get("href") == f"?step={failing.id.hex}" and "Failed" in failed.get("title")
    heads = [head.get("data-status") for head in tree.findall(".//thead/tr[1]/th[@data-status]")]
    assert heads == ["succeeded", "failed", "succeeded"]


def test_a_cell_opens_its_step_beside_the_matrix(console: Client) -> None:
    loop = big_loop(3, 2)
    step = NodeExecution.objects.get(run=loop.run, iteration="1", node_id="node-0")
    url = f"{passes_url(loop)}?step={step.id.hex}"
    panel = console.get(url, headers=SIDE | {"HX-Boosted": "true"}).content.decode()
    assert panel.lstrip().startswith("<aside") and "Node 0" in panel
    check_fragment(panel)
    tree = check_page(console.get(url).content.decode())
    assert [cell.get("href") for cell in cells(tree) if cell.get("aria-current")] == [
        f"?step={step.id.hex}"
    ]
    before, after = (tree.find(f".//a[@data-key='{key}']") for key in "[]")
    near = [NodeExecution.objects.get(run=loop.run, iteration=n, node_id="node-0") for n in "02"]
    assert [link.get("href") for link in (before, after)] == [f"?step={step.id}" for step in near]


def test_failed_iterations_first_and_shaded_by_any_measure(console: Client) -> None:
    loop = big_loop(5, 1, failed=(3,))
    tree = check_page(console.get(passes_url(loop) + "?first=failed&heat=tokens").content.decode())
    heads = tree.findall(".//thead/tr[1]/th[@data-status]/a")
    assert [text_of(head) for head in heads] == [
        "4", "1", "2", "3", "5",
    ]  # fmt: skip
    assert "The strongest shade is 4 tokens" in text_of(tree)
    shades = [cell.get("style") for cell in tree.findall(".//tbody/tr/td")]
    assert shades == ["--h:75", "--h:0", "--h:25", "--h:50", "--h:100"]
    plain = check_page(console.get(passes_url(loop) + "?heat=none").content.decode())
    assert {cell.get("style") for cell in plain.findall(".//tbody/tr/td")} == {"--h:0"}


@pytest.mark.any_database
def test_a_thousand_iterations_come_in_parts_and_say_so(console: Client) -> None:
    loop = big_loop(1000, 20, failed=(37, 612))
    response = console.get(passes_url(loop))
    tree = check_page(response.content.decode())
    assert "30 of 1000 iterations are shown" in text_of(tree) and len(cells(tree)) == 600
    assert "601–630 1 failed" in text_of(tree)
    assert len(response.content) < 120_000
    following = tree.find(".//nav[@class='matrix-parts']/a[@rel='next']").get("href")
    assert following == "?from=30"
    assert "991–1000" in text_of(
        check_page(console.get(passes_url(loop) + "?from=990").content.decode())
    )
    assert cells(check_page(console.get(passes_url(loop) + "?from=99999").content.decode())) == []


def test_further_nodes_are_a_link_away(console: Client) -> None:
    loop = big_loop(2, 70)
    tree = check_page(console.get(passes_url(loop)).content.decode())
    assert "Nodes 1–60 of 70." in text_of(tree) and len(cells(tree)) == 120
    (link,) = [a.get("href") for a in tree.findall(".//caption/a")]
    rest = check_page(console.get(passes_url(loop) + link).content.decode())
    assert "Nodes 61–70 of 70." in text_of(rest) and len(cells(rest)) == 20
    assert "nodes=60" in cells(rest)[0].get("href")
    assert [text_of(a) for a in rest.findall(".//caption/a")] == ["Earlier nodes"]
    data = console.get(passes_url(loop, ".json") + "?nodes=60").json()
    assert [node["node_id"] for node in data["nodes"]] == [f"node-{n}" for n in range(60, 70)]


def test_what_follows_a_loop_or_is_of_another_iteration_is_not_read(
    console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.loops.window.MAX_STEPS", 8)
    _, inner = nested()
    assert "very long" not in text_of(check_view(console, passes_url(inner[0])))
    make_execution(inner[0].run, "After")
    for number in range(9):
        make_execution(inner[0].run, f"After {number}")
    assert "very long" not in text_of(check_view(console, passes_url(inner[0])))
    loop = big_loop(9, 1)
    assert "only the first 8 iterations were read" in text_of(check_view(console, passes_url(loop)))


def test_the_number_of_queries_does_not_grow(
    console: Client, django_assert_max_num_queries: Any
) -> None:
    for loop in (big_loop(2, 2), big_loop(300, 5)):
        with django_assert_max_num_queries(10):
            console.get(passes_url(loop))
        step = NodeExecution.objects.filter(parent_id=loop.id).last()
        with django_assert_max_num_queries(20):
            console.get(f"{passes_url(loop)}?step={step and step.id}")


def nested() -> tuple[NodeExecution, list[NodeExecution]]:
    """Create a loop of two iterations, each with an inner loop of three, of which one iteration
    failed. Loop variables as Dify reports them."""
    run = make_run()
    variables = {"0": {"草稿": "第一稿"}, "1": {"草稿": "done", "n": 0}}
    metadata = json.dumps({"loop_variable_map": variables})
    outer = make_execution(
        run, "Until good", kind="loop", received={"attributes": {"metadata": metadata}}
    )
    inner = []
    for number in range(2):
        each = make_execution(
            run, "Each reviewer", kind="iteration", parent_id=outer.id, depth=1,
            iteration=f"{number}",
            inputs={"iterator_selector": ["Ann", "<b>Bo</b>", "سارة"]},
        )  # fmt: skip
        inner.append(each)
        for place in range(3):
            make_execution(
                run, "Review", parent_id=each.id, depth=2, iteration=f"{number}.{place}",
                status="failed" if (number, place) == (1, 2) else "succeeded",
            )  # fmt: skip
    return outer, inner


def test_a_loop_in_a_loop_counts_in_its_cell_and_has_its_own_matrix(console: Client) -> None:
    outer, inner = nested()
    tree = check_view(console, passes_url(outer))
    counted = [text_of(cell) for cell in cells(tree) if text_of(cell).isdecimal()]
    assert counted == ["3", "3"]
    (worst,) = tree.findall(".//td[@data-status='failed']/a")
    assert worst.get("title", "").startswith("1 of 3 failed")
    links = [link.get("href") for link in tree.findall(".//a[@class='inner']")]
    assert links == [passes_url(each) for each in inner]
    below = text_of(check_view(console, links[1]))
    assert (
        "3 iterations, 1 with failures" in below
        and "in iteration #2" in below
        and "previous execution" in below
    )


def values_in(tree: Any) -> list[list[str]]:
    rows = tree.findall(".//tbody[@class='matrix-values']/tr")
    return [[text_of(cell) for cell in row] for row in rows]


def test_loop_variables_and_items_stand_below_the_iterations(console: Client) -> None:
    outer, inner = nested()
    assert values_in(check_view(console, passes_url(outer))) == [
        ["草稿", "第一稿", "done"],
        ["n", "", "0"],
    ]
    assert values_in(check_view(console, passes_url(inner[0]))) == [
        ["item", "Ann", "<b>Bo</b>", "سارة"]
    ]


def test_an_agent_that_comes_back_has_iterations_without_a_container(console: Client) -> None:
    run = make_run(name="research")
    for turn in range(3):
        agent = make_execution(run, "agent", kind="agent", iteration=str(turn))
        make_execution(run, "llm", parent_id=agent.id, depth=1, iteration=str(turn))
    tree = check_view(console, passes_url(agent))
    assert "3 iterations" in text_of(tree) and len(cells(tree)) == 6
    panel = console.get(f"/runs/{run.id}/tracing/{agent.id}/", headers=SIDE).content.decode()
    assert passes_url(agent) in panel


def test_a_step_without_iterations_says_so(console: Client) -> None:
    step = make_execution(make_run(), "Each", kind="iteration")
    assert "No iterations" in text_of(check_view(console, passes_url(step)))


@pytest.mark.parametrize("query", ["?step=x", "?step=%00"])
def test_an_odd_address_is_a_sentence(console: Client, query: str) -> None:
    response = console.get(passes_url(big_loop(1, 1)) + query)
    assert response.status_code == 404 and "must be the id" in response.content.decode()


@pytest.mark.parametrize("query", ["?from=-1", "?from=x", "?heat=<b>", "?first=1&from=99999999999"])
def test_what_is_not_understood_is_left_out(console: Client, query: str) -> None:
    tree = check_page(console.get(passes_url(big_loop(2, 1)) + query).content.decode())
    assert len(cells(tree)) == 2


def test_the_twin_has_the_same_window(client: Client, read_key: str, ingest_key: str) -> None:
    loop = big_loop(70, 20, failed=(1,))
    url = passes_url(loop, ".json")
    data = client.get(url, headers={"x-api-key": read_key}).json()
    assert (data["count"], data["failed_count"], len(data["passes"])) == (70, 1, 30)
    assert data["passes"][1]["status"] == "failed" and data["passes"][1]["number"] == 1
    row = data["nodes"][19]
    assert row["cells"][1]["status"] == "failed"
    (failing,) = row["cells"][1]["executions"]
    assert NodeExecution.objects.get(id=UUID(failing)).status == "failed" and "-" in failing
    rest = client.get(
        data["next"].partition("testserver")[2], headers={"x-api-key": read_key}
    ).json()
    assert len(rest["passes"]) == 30 and "from=60" in rest["next"]
    assert client.get(url).status_code == 401
    assert client.get(url, headers={"x-api-key": ingest_key}).status_code == 403
    missing = client.get(
        f"/runs/{uuid4()}/tracing/{uuid4()}/passes.json", headers={"x-api-key": read_key}
    )
    assert missing.status_code == 404


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(f"/runs/{uuid4()}/tracing/{uuid4()}/passes/").status_code == 302
