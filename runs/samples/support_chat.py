"""The support chat sample: a Dify chatflow. A classifier sends each question to the order service,
to a refund, to the help centre or to small talk; a conversation has two to six turns."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from runs.samples.dify_attributes import version_label
from runs.samples.dify_run import DifyRun, finish, suggested_questions
from runs.samples.schedule import DAY, HOUR, MINUTE, SECOND, days_ago, scheduled_cases
from runs.samples.spans import SEED, SampleRun, uuid_of
from runs.samples.support_steps import SupportDay, SupportTrouble, answer_turn
from runs.samples.text_files import Passage, sections

PROJECT = "Support chat"
CONVERSATIONS = 18
CHANGED = 5 * DAY + 2 * HOUR  # since then a fail branch covers the order service
ARTICLE_CHANGED = 3 * DAY  # since then opened headphones go back within 14 days only
RETURNS = 3  # the question about opened headphones, in texts/support.md


class Talk(NamedTuple):
    """A conversation: questions by their number in texts/support.md, and the turn with trouble."""

    questions: tuple[int, ...]
    troubled: int = -1
    trouble: SupportTrouble = SupportTrouble.NONE


REFUNDED_TWICE = Talk((1, 4, 2, 7))
GATEWAY = Talk((0, 8, 6), 0, SupportTrouble.GATEWAY)
OUT_OF_QUOTA = Talk((18, 16, 19), 0, SupportTrouble.QUOTA)


def support_runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """Yield the week's turns, conversations with something to find first. `limit` counts
    conversations; `times` multiplies all others."""
    special = [
        (now_us - 47 * MINUTE, REFUNDED_TWICE),
        (days_ago(now_us, 6, 10, 5), GATEWAY),
        (days_ago(now_us, 1, 9, 31), GATEWAY),
        (days_ago(now_us, 4, 14, 22), Talk((RETURNS, 7))),
        (days_ago(now_us, 1, 15, 8), Talk((RETURNS, 4, 6))),
        (days_ago(now_us, 3, 11, 48), OUT_OF_QUOTA),
        (days_ago(now_us, 6, 13, 17), Talk((16, 17, 18, 19), 0, SupportTrouble.GATEWAY)),
    ]
    talks = scheduled_cases(PROJECT, special, _random_talk, now_us, CONVERSATIONS, limit, times)
    for name, at_us, talk in talks:
        yield from conversation(name, at_us, now_us, talk)


def _random_talk(rng: random.Random) -> Talk:
    """Draw some questions of one language, thanks last; the double refund stays the only one."""
    questions = sections("support.md")
    language = rng.choices(["en", "de", "ja", "ar", "zh"], [5, 3, 3, 2, 3])[0]
    numbers = [n for n, q in enumerate(questions) if q.fields["language"] == language]
    thanks = [n for n in numbers if questions[n].fields["class"] == "talk"]
    ordinary = [n for n in numbers if n not in (*thanks, *REFUNDED_TWICE.questions[:3:2], RETURNS)]
    chosen = rng.sample(ordinary, k=min(len(ordinary), rng.randrange(1, 6)))
    return Talk((*chosen, rng.choice(thanks)))


def conversation(name: str, at_us: int, now_us: int, talk: Talk) -> Iterator[SampleRun]:
    rng = random.Random(f"{SEED}/{name}")
    user = "user-12" if talk is REFUNDED_TWICE else f"user-{rng.randrange(13, 60)}"
    earlier: list[Passage] = []
    for number, question_number in enumerate(talk.questions):
        question = sections("support.md")[question_number]
        run = _begin_turn(f"{name}/{number}", at_us, now_us, user, question, len(earlier))
        day = SupportDay(
            trouble=talk.trouble if number == talk.troubled else SupportTrouble.NONE,
            has_fail_branch=at_us >= now_us - CHANGED,
            article_changed=at_us >= now_us - ARTICLE_CHANGED,
        )
        yield finish(run, *answer_turn(run, question, earlier, day))
        if number == 0 and day.trouble is SupportTrouble.NONE:
            yield suggested_questions(run, _suggestions(question))
        earlier.append(question)
        at_us = run.at + rng.randrange(25, 110) * SECOND


def _begin_turn(
    name: str, at_us: int, now_us: int, user: str, question: Passage, turns_before: int
) -> DifyRun:
    conversation_id = uuid_of(name.rpartition("/")[0])
    published = now_us - (CHANGED if at_us >= now_us - CHANGED else 33 * DAY + 3 * HOUR)
    return DifyRun(
        name,
        PROJECT,
        at_us,
        random.Random(f"{SEED}/{name}"),
        version=version_label(published),
        user=user,
        inputs={
            "channel": "web",
            "sys.query": question.heading,
            "sys.dialogue_count": turns_before,
        },
        conversation=conversation_id,
        message=uuid_of(f"{name}/message"),
        query=question.heading,
    )


def _suggestions(question: Passage) -> list[str]:
    """Return other questions in the same language."""
    headings = [
        section.heading
        for section in sections("support.md")
        if section.fields["language"] == question.fields["language"]
        and section.fields["class"] != "talk"
        and section != question
    ]
    return headings[:3]
