"""Prepares a start: migrates the database, builds static files and, the first time, creates
samples, a key and an account. Whether it is the first time is read from the data: the account is
made last, so a first start that was interrupted is simply done again."""

import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from runs.models import IngestKey

ADMIN = "admin"
FIRST_KEY = "first key"
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that are mistaken for one another
Say = Callable[[str], object]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Secrets:
    """What a first start generated. "" where the environment sets the value: the user has it."""

    password: str
    key: str


def prepare_database(say: Say) -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)


def _static_state() -> str:
    """Return a digest of the names, sizes and times of all static files."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def prepare_static(say: Say) -> None:
    """Build the hashed and compressed static files, unless they are up to date."""
    built = Path(settings.STATIC_ROOT) / ".built-from"
    state = _static_state()
    if built.exists() and built.read_text() == state:
        return
    say("Building static files …")
    call_command("collectstatic", verbosity=0, interactive=False)
    built.write_text(state)


def is_first() -> bool:
    return not get_user_model().objects.exists()


def load_samples(say: Say, progress: Progress) -> None:
    """Load the sample runs, unless WAYLOG_SAMPLES is false. Loading them twice changes nothing."""
    if not settings.WAYLOG_SAMPLES:
        return
    from runs import samples  # only here: their texts and generators are of no use to a start

    say("Loading sample runs …")
    samples.load(progress)


@transaction.atomic
def create_access() -> Secrets:
    """Create the account `admin` and the first key, from the environment or generated."""
    preset_key = os.environ.get("WAYLOG_INGEST_KEY", "").strip()
    preset_password = os.environ.get("WAYLOG_ADMIN_PASSWORD", "").strip()
    secret = ""
    if not preset_key or IngestKey.find(preset_key) is None:
        _, secret = IngestKey.create(FIRST_KEY, preset_key, can_ingest=True, can_read=True)
    password = preset_password or "".join(secrets.choice(LETTERS) for _ in range(16))
    get_user_model().objects.create_superuser(ADMIN, password=password)
    return Secrets("" if preset_password else password, "" if preset_key else secret)
