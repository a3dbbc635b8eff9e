"""The research agent sample: a LangGraph loop that plans, searches until it knows enough and
writes."""

import random
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from runs.samples.calls import model_call
from runs.samples.langgraph import SCOPE, GraphRun, ai_message, message
from runs.samples.research_tools import TOOLS, tool_calls, use_tools
from runs.samples.schedule import DAY, HOUR, MINUTE, days_ago, scheduled_cases
from runs.samples.spans import SEED, Producer, SampleRun, dumps, uuid_of
from runs.samples.text_files import Passage, sections

PROJECT = "Research agent"
COUNT = 20
CHANGED = 4 * DAY + 5 * HOUR  # before now: release 0.9.0
PLAN = "Split the question into at most four searches. Answer with one search per line."
AGENT = (
    "You research a question with the tools you have. Search, read, compare sources, and check "
    "numbers with the calculator. When you know enough, answer without calling a tool."
)
WRITE = "Write a short report with headings from the notes. Name what is uncertain."
RECURSION = (
    "Recursion limit of 25 reached without hitting a stop condition. You can increase the limit by "
    "setting the `recursion_limit` config key.\nFor troubleshooting, visit: "
    "https://docs.langchain.com/oss/python/langgraph/errors/GRAPH_RECURSION_LIMIT"
)
RECURSION_LOOPS = 12  # plan, then twelve times agent and tools: 25 steps


class ResearchEnding(Enum):
    WRITTEN, RECURSION = range(2)


class ResearchCase(NamedTuple):
    """A question and how its research goes; `slips` is the loop in which the calculator raises,
    which the tool node catches; from the loop `exhausted` on a search returns nothing."""

    topic: int
    loops: int
    ending: ResearchEnding = ResearchEnding.WRITTEN
    slips: int = -1
    exhausted: int = 1_000


def research_runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """Yield the week's runs, those with something to find first; `times` multiplies all others."""
    endless = ResearchEnding.RECURSION
    special = [
        (days_ago(now_us, 2, 9, 12), ResearchCase(1, RECURSION_LOOPS, endless)),
        (now_us - 55 * MINUTE, ResearchCase(0, 4, slips=2)),
        (days_ago(now_us, 1, 13, 40), ResearchCase(2, 37, exhausted=6)),
        (days_ago(now_us, 5, 15, 3), ResearchCase(3, RECURSION_LOOPS, endless)),
        (now_us - 19 * MINUTE, ResearchCase(3, 2)),
    ]
    cases = scheduled_cases(PROJECT, special, _random_case, now_us, COUNT, limit, times)
    for name, at_us, case in cases:
        yield research(name, at_us, now_us, case)


def _random_case(rng: random.Random) -> ResearchCase:
    return ResearchCase(rng.randrange(4), rng.randrange(2, 8), slips=rng.choice([-1, -1, -1, 1]))


def research_producer(version: str) -> Producer:
    resource = (
        ("deployment.environment.name", "staging" if version == "0.9.0" else "production"),
        ("openinference.project.name", PROJECT),
        ("service.instance.id", uuid_of(f"{PROJECT}/{version}")),
        ("service.name", "research-agent"),
        ("service.version", version),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.38.0"),
    )
    return Producer(resource, *SCOPE)


def research(name: str, at_us: int, now_us: int, case: ResearchCase) -> SampleRun:
    rng = random.Random(f"{SEED}/{name}")
    version = "0.9.0" if at_us >= now_us - CHANGED else "0.8.2"
    tags = ["deep"] if case.loops > RECURSION_LOOPS else ["quick"]
    run = GraphRun(
        name, at_us, f"user-{rng.randrange(3, 30)}", [*tags, "library"], {"release": version}
    )
    topic, notes = _topic_with_notes(case.topic)
    state: dict[str, Any] = {"question": topic.heading, "plan": [], "messages": []}
    run.open("research", "CHAIN", {"input.value": topic.heading})
    _add_plan(run, state, notes)
    state["messages"] = [message("human", topic.heading, id=uuid_of(f"{name}/question"))]
    for loop in range(case.loops):
        known = notes if loop < case.exhausted else []
        _add_loop(run, state, notes, loop, slips=loop == case.slips, known=known)
    if case.ending is ResearchEnding.RECURSION:
        run.node_metadata = {}
        run.close(error=("langgraph.errors.GraphRecursionError", RECURSION))
        return run.finish(research_producer(version))
    _add_agent_step(run, state, "I know enough to write the report.")
    report = _add_report(run, state, topic, notes)
    run.close(state | {"report": report})
    return run.finish(research_producer(version))


def _topic_with_notes(number: int) -> tuple[Passage, list[Passage]]:
    """Return a question and the notes that belong to it."""
    topics: list[tuple[Passage, list[Passage]]] = []
    for section in sections("research.md"):
        if "slug" in section.fields:
            topics.append((section, []))
        else:
            topics[-1][1].append(section)
    return topics[number]


def _add_plan(run: GraphRun, state: dict[str, Any], notes: list[Passage]) -> None:
    run.node("plan", state)
    searches = [note.heading.removeprefix("note: ") for note in notes]
    prompts = [message("system", PLAN), message("human", state["question"])]
    _add_sequence(run, PLAN, prompts, "\n".join(searches), "gpt-4o-mini")
    state["plan"] = searches
    run.close({"plan": searches})


def _add_sequence(run: GraphRun, template: str, prompts: list[Any], text: str, model: str) -> None:
    """Add a prompt template piped into a model, with the spans that LangChain makes of it."""
    question = prompts[-1]["data"]["content"]
    run.open("RunnableSequence", "CHAIN", {"input.value": question})
    run.open(
        "ChatPromptTemplate",
        "PROMPT",
        {"input.value": question, "llm.prompt_template.template": template},
    )
    run.close({"messages": [prompt["data"] for prompt in prompts]})
    call = model_call(
        run.rng, model, "".join(prompt["data"]["content"] for prompt in prompts), text
    )
    answer = ai_message(text, call, [], uuid_of(f"{run.name}/{len(run.spans)}"))
    run.model(call, prompts, answer, [])
    run.close(answer)


def _add_loop(
    run: GraphRun,
    state: dict[str, Any],
    notes: list[Passage],
    loop: int,
    *,
    slips: bool,
    known: list[Passage],
) -> None:
    """Add one loop: the agent calls tools, the tools answer from the notes that are `known`."""
    calls = tool_calls(run.name, notes, loop, slips)
    _add_agent_step(run, state, "", calls)
    results = use_tools(run, state, calls, known)
    state["messages"] = [*state["messages"], *results]


def _add_agent_step(
    run: GraphRun, state: dict[str, Any], text: str, calls: list[dict[str, Any]] | None = None
) -> None:
    calls = calls or []
    run.node("agent", state, "AGENT")
    prompts = [message("system", AGENT), *state["messages"]]
    prompt_text = "".join(
        prompt["data"]["content"] + dumps(prompt["data"].get("tool_calls", ""))
        for prompt in prompts
    )
    call = model_call(
        run.rng, "claude-sonnet-4-5", prompt_text + "".join(TOOLS), text + dumps(calls)
    )
    answer = ai_message(text, call, calls, uuid_of(f"{run.name}/{len(run.spans)}"))
    run.model(call, prompts, answer, TOOLS)
    after = state | {"messages": [*state["messages"], answer]}
    run.router("tools_condition", after, "tools" if calls else "write")
    run.close({"messages": [answer]})
    state["messages"] = after["messages"]


def _add_report(run: GraphRun, state: dict[str, Any], topic: Passage, notes: list[Passage]) -> str:
    run.node("write", state)
    parts = [f"## {note.heading.removeprefix('note: ')}\n\n{note.text}" for note in notes]
    report = f"# {topic.heading}\n\n" + "\n\n".join(parts)
    prompts = [message("system", WRITE), message("human", "\n\n".join(note.text for note in notes))]
    _add_sequence(run, WRITE, prompts, report, "gpt-4o")
    run.close({"report": report})
    return report
