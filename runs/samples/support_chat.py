"""Support chat: a Dify chatflow. A classifier sends each question to the order service, to a
refund, to the help centre or to small talk; a conversation has two to six turns."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from runs.samples.dify_attributes import version_label
from runs.samples.dify_run import DifyRun
from runs.samples.dify_suggestions import suggested_questions
from runs.samples.dify_whole import finish
from runs.samples.schedule import DAY, HOUR, MINUTE, SECOND, days_ago, week
from runs.samples.spans import SEED, SampleRun, uuid_of
from runs.samples.support_steps import SupportDay, SupportTrouble, answer_turn
from runs.samples.text_files import TextSection, sections

PROJECT = "Support chat"
CONVERSATIONS = 18
CHANGED = 5 * DAY + 2 * HOUR  # since then a fail branch covers the order service
ARTICLE_CHANGED = 3 * DAY  # since then opened headphones go back within 14 days only
RETURNS = 3  # the question about opened headphones, in texts/support.md


class Talk(NamedTuple):
    """A conversation: questions by their place in texts/support.md, and the turn with trouble."""

    questions: tuple[int, ...]
    troubled: int = -1
    trouble: SupportTrouble = SupportTrouble.NONE


REFUNDED_TWICE = Talk((1, 4, 2, 7))
GATEWAY = Talk((0, 8, 6), 0, SupportTrouble.GATEWAY)
OUT_OF_QUOTA = Talk((18, 16, 19), 0, SupportTrouble.QUOTA)


def runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """The week's turns; the telling conversations come first. `limit` counts conversations.
    `times`: of all others so many times as many."""
    rng = random.Random(f"{SEED}/{PROJECT}")
    told = [
        (now_us - 47 * MINUTE, REFUNDED_TWICE),
        (days_ago(now_us, 6, 10, 5), GATEWAY),
        (days_ago(now_us, 1, 9, 31), GATEWAY),
        (days_ago(now_us, 4, 14, 22), Talk((RETURNS, 7))),
        (days_ago(now_us, 1, 15, 8), Talk((RETURNS, 4, 6))),
        (days_ago(now_us, 3, 11, 48), OUT_OF_QUOTA),
        (days_ago(now_us, 6, 13, 17), Talk((16, 17, 18, 19), 0, SupportTrouble.GATEWAY)),
    ]
    plain = [(at, _any_talk(rng)) for at in week(now_us, CONVERSATIONS - len(told), rng)]
    plain += [(at, _any_talk(rng)) for at in week(now_us, CONVERSATIONS * (times - 1), rng)]
    for number, (at_us, talk) in enumerate([*told, *plain][:limit]):
        yield from conversation(f"{PROJECT}/{number}", at_us, now_us, talk)


def _any_talk(rng: random.Random) -> Talk:
    """Some questions of one language, thanks last; the double refund stays one of its kind."""
    asked = sections("support.md")
    language = rng.choices(["en", "de", "ja", "ar", "zh"], [5, 3, 3, 2, 3])[0]
    own = [n for n, one in enumerate(asked) if one.fields["language"] == language]
    thanks = [n for n in own if asked[n].fields["class"] == "talk"]
    others = [n for n in own if n not in (*thanks, *REFUNDED_TWICE.questions[:3:2], RETURNS)]
    chosen = rng.sample(others, k=min(len(others), rng.randrange(1, 6)))
    return Talk((*chosen, rng.choice(thanks)))


def conversation(name: str, at_us: int, now_us: int, talk: Talk) -> Iterator[SampleRun]:
    rng = random.Random(f"{SEED}/{name}")
    user = "user-12" if talk is REFUNDED_TWICE else f"user-{rng.randrange(13, 60)}"
    known: list[TextSection] = []
    for number, question in enumerate(talk.questions):
        asked = sections("support.md")[question]
        run = _turn(f"{name}/{number}", at_us, now_us, user, asked, len(known))
        day = SupportDay(
            trouble=talk.trouble if number == talk.troubled else SupportTrouble.NONE,
            has_fail_branch=at_us >= now_us - CHANGED,
            article_changed=at_us >= now_us - ARTICLE_CHANGED,
        )
        yield finish(run, *answer_turn(run, asked, known, day))
        if number == 0 and day.trouble is SupportTrouble.NONE:
            yield suggested_questions(run, _suggestions(asked))
        known.append(asked)
        at_us = run.at + rng.randrange(25, 110) * SECOND


def _turn(
    name: str, at_us: int, now_us: int, user: str, asked: TextSection, turns_before: int
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
            "sys.query": asked.heading,
            "sys.dialogue_count": turns_before,
        },
        conversation=conversation_id,
        message=uuid_of(f"{name}/message"),
        query=asked.heading,
    )


def _suggestions(asked: TextSection) -> list[str]:
    """Other questions in the language of the one that was asked."""
    others = [
        one.heading
        for one in sections("support.md")
        if one.fields["language"] == asked.fields["language"]
        and one.fields["class"] != "talk"
        and one != asked
    ]
    return others[:3]
