"""The WSGI entry that the server loads."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Recording makes many short-lived objects. With Python's default thresholds the collector walks
# them every few spans, which costs a seventh of the time of decoding
# (tests/benchmarks/recording.py); what exists after start-up never has to be walked again.
gc.freeze()
gc.set_threshold(50_000, 20, 50)

from runs.search import worker  # noqa: E402  it needs the apps, which are loaded now

worker.start()
