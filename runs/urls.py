"""URLs of runs: pages, their machine twins, the machine doors, sign-in."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from runs.recording import views as doors
from runs.views import apps, conversations, entry, graph, history, keys, run, tracing

urlpatterns = [
    # pages
    path("", apps.app_list, name="apps"),
    path("runs/", history.run_list, name="runs"),
    path("runs/by/<path:source_id>/", entry.run_by_source, name="run-by-source"),
    path("runs/<uuid:run_id>/", run.run_page, name="run"),
    path("runs/<uuid:run_id>/result/", run.result, name="run-result"),
    path("runs/<uuid:run_id>/detail/", run.detail, name="run-detail"),
    path("runs/<uuid:run_id>/tracing/", tracing.tracing, name="run-tracing"),
    path("runs/<uuid:run_id>/header/", run.header, name="run-header"),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/", tracing.execution, name="run-execution"
    ),
    path("apps/<str:slug>/", history.app_runs, name="app"),
    path("apps/<str:slug>/graph/", graph.graph_page, name="app-graph"),
    path("apps/<str:slug>/versions/", apps.version_list, name="app-versions"),
    path(
        "apps/<str:slug>/conversations/", conversations.conversation_list, name="app-conversations"
    ),
    path("apps/<str:slug>/nodes/<path:node_id>/last-run/", graph.last_run, name="last-run"),
    path("conversations/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path("settings/keys/", keys.key_list, name="keys"),
    path("settings/keys/<int:key_id>/revoke/", keys.revoke, name="key-revoke"),
    path("settings/samples/remove/", keys.remove_samples, name="samples-remove"),
    path("projects/", entry.project, name="project"),
    path("healthz", entry.healthz, name="healthz"),
    # machine twins: the same view functions' data as JSON or Markdown
    path("apps.json", apps.app_list_json, name="apps-json"),
    path("runs.json", history.run_list_json, name="runs-json"),
    path("runs/by/<path:source_id>.json", entry.run_by_source_json, name="run-by-source-json"),
    path("runs/<uuid:run_id>.json", run.run_json, name="run-json"),
    path("runs/<uuid:run_id>.md", run.run_markdown, name="run-md"),
    path("runs/<uuid:run_id>/tracing.json", tracing.tracing_json, name="run-tracing-json"),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>.json",
        tracing.execution_json,
        name="run-execution-json",
    ),
    path("apps/<str:slug>.json", apps.app_json, name="app-json"),
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
    path("v1/traces", doors.traces, name="otlp-traces"),
    path("v1/metrics", doors.set_aside, name="otlp-metrics"),
    # sign-in
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
