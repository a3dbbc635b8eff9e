"""URLs of runs: pages, their machine twins, the machine doors, sign-in."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from runs.exports.formats import SETS, SINGLE
from runs.recording.doors import dify, langfuse, otlp
from runs.recording.doors.proxy import proxy
from runs.views import (
    apps,
    conversations,
    entry,
    files,
    graph,
    history,
    how_read,
    inbox,
    keys,
    run,
    tracing,
    versions,
)

urlpatterns = [
    # pages
    path("", apps.app_list, name="apps"),
    path("runs/", history.run_list, name="runs"),
    path("runs/import/", files.upload, name="runs-import"),
    path("runs/by/<path:source_id>/", entry.run_by_source, name="run-by-source"),
    path("runs/<uuid:run_id>/", run.run_page, name="run"),
    path("runs/<uuid:run_id>/result/", run.result, name="run-result"),
    path("runs/<uuid:run_id>/detail/", run.detail, name="run-detail"),
    path("runs/<uuid:run_id>/tracing/", tracing.tracing, name="run-tracing"),
    path("runs/<uuid:run_id>/header/", run.header, name="run-header"),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/", tracing.execution, name="run-execution"
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/read/",
        how_read.page,
        name="run-execution-read",
    ),
    path("apps/<str:slug>/", history.app_runs, name="app"),
    path("apps/<str:slug>/graph/", graph.graph_page, name="app-graph"),
    path("apps/<str:slug>/versions/", versions.version_list, name="app-versions"),
    path("apps/<str:slug>/versions/<int:number>/", versions.version_page, name="app-version"),
    path(
        "apps/<str:slug>/conversations/", conversations.conversation_list, name="app-conversations"
    ),
    path("apps/<str:slug>/nodes/<path:node_id>/last-run/", graph.last_run, name="last-run"),
    path("conversations/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path("inbox/", inbox.request_list, name="inbox"),
    path("inbox/refused/", inbox.refused_list, name="inbox-refused"),
    path("inbox/refused/replay/", inbox.refused_replay_all, name="inbox-replay-all"),
    path("inbox/refused/<int:record_id>/raw/", inbox.refused_raw, name="inbox-raw"),
    path("inbox/refused/<int:record_id>/replay/", inbox.refused_replay, name="inbox-replay"),
    path("settings/keys/", keys.key_list, name="keys"),
    path("settings/keys/<int:key_id>/revoke/", keys.revoke, name="key-revoke"),
    path("settings/samples/remove/", keys.remove_samples, name="samples-remove"),
    path("projects/", entry.project, name="project"),
    path("trace/<path:source_id>/", entry.run_by_source, name="langfuse-trace"),
    path("project/<path:name>/", entry.langfuse_project, name="langfuse-project"),
    path("healthz", entry.healthz, name="healthz"),
    # machine twins: the same view functions' data as JSON or Markdown
    path("apps.json", apps.app_list_json, name="apps-json"),
    path("runs.json", history.run_list_json, name="runs-json"),
    # runs as files, each also packed
    *[path(f"runs.{form}", files.run_set, {"form": form}, name="runs-file") for form in SETS],
    *[path(f"runs.{form}.gz", files.run_set, {"form": form, "gz": ".gz"}) for form in SETS],
    *[
        path(f"runs/<uuid:run_id>.{form}", files.single_run, {"form": form}, name="run-file")
        for form in SINGLE
    ],
    *[
        path(f"runs/<uuid:run_id>.{form}.gz", files.single_run, {"form": form, "gz": ".gz"})
        for form in SINGLE
    ],
    path("runs/by/<path:source_id>.json", entry.run_by_source_json, name="run-by-source-json"),
    path("runs/<uuid:run_id>.json", run.run_json, name="run-json"),
    path("runs/<uuid:run_id>.md", run.run_markdown, name="run-md"),
    path("runs/<uuid:run_id>/tracing.json", tracing.tracing_json, name="run-tracing-json"),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>.json",
        tracing.execution_json,
        name="run-execution-json",
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/read.json",
        how_read.twin,
        name="run-execution-read-json",
    ),
    path("inbox.json", inbox.request_list_json, name="inbox-json"),
    path("inbox/refused.json", inbox.refused_list_json, name="inbox-refused-json"),
    path("apps/<str:slug>.json", apps.app_json, name="app-json"),
    path("apps/<str:slug>/versions.json", versions.version_list_json, name="app-versions-json"),
    path(
        "apps/<str:slug>/versions/<int:number>.json",
        versions.version_page_json,
        name="app-version-json",
    ),
    path("apps/<str:slug>/graph.json", graph.graph_json, name="app-graph-json"),
    path(
        "apps/<str:slug>/conversations.json",
        conversations.conversation_list_json,
        name="app-conversations-json",
    ),
    path(
        "apps/<str:slug>/nodes/<path:node_id>/last-run.json",
        graph.last_run_json,
        name="last-run-json",
    ),
    path(
        "conversations/<uuid:conversation_id>.json",
        conversations.conversation_json,
        name="conversation-json",
    ),
    # machine doors
    path("v1/traces", otlp.traces, name="otlp-traces"),
    path("v1/logs", otlp.logs, name="otlp-logs"),
    path("v1/metrics", otlp.set_aside, name="otlp-metrics"),
    path("api/public/otel/v1/traces", langfuse.traces, name="langfuse-otlp-traces"),
    path("api/public/ingestion", langfuse.ingestion, name="langfuse-ingestion"),
    path("api/public/scores", langfuse.scores, name="langfuse-scores"),
    path("api/public/projects", langfuse.projects, name="langfuse-projects"),
    path("api/public/health", langfuse.health, name="langfuse-health"),
    path("api/dify/events", dify.events, name="dify-events"),
    path("dify/<str:slug>/v1/<path:path>", proxy, name="dify-proxy"),
    # sign-in
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
