"""The URLs of pages, their machine twins, the endpoints for producers, and sign-in."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from runs.exports.formats import RUN_SET_FORMATS, SINGLE_RUN_FORMATS
from runs.mcp.endpoint import mcp
from runs.pages.app_settings import views as app_settings
from runs.pages.apps import views as apps
from runs.pages.attribute_mapping import views as attribute_mapping
from runs.pages.compare import views as compare
from runs.pages.conversations import comparison_views as turn_comparison
from runs.pages.conversations import views as conversations
from runs.pages.entry import views as entry
from runs.pages.errors import views as errors
from runs.pages.files import views as files
from runs.pages.graph import views as graph
from runs.pages.guide import views as guide
from runs.pages.history import views as history
from runs.pages.inbox import views as inbox
from runs.pages.keys import views as keys
from runs.pages.lineage import views as lineage
from runs.pages.loops import views as loops
from runs.pages.nodes import views as nodes
from runs.pages.notes import views as notes
from runs.pages.prices import views as prices
from runs.pages.producers import views as producers
from runs.pages.prompts import views as prompts
from runs.pages.rerun import views as rerun
from runs.pages.run import views as run
from runs.pages.run_graph import views as graph_of_run
from runs.pages.saved_views import views as saved_views
from runs.pages.share import views as share
from runs.pages.time import views as time
from runs.pages.time_zone import views as time_zone
from runs.pages.tracing import views as tracing
from runs.pages.variables import views as variables
from runs.pages.versions import comparison_views as version_comparison
from runs.pages.versions import views as versions
from runs.recording.receiving import dify_events, langfuse, otlp
from runs.recording.receiving import notes as note_endpoint
from runs.recording.receiving.dify_proxy import proxy

urlpatterns = [
    # pages
    path("", apps.app_list, name="apps"),
    path("connect/<slug:name>/", producers.producer, name="producer"),
    path("runs/", history.run_list, name="runs"),
    path("runs/import/", files.upload, name="runs-import"),
    path("runs/compare/", compare.compare_page, name="run-compare"),
    path("runs/by/<path:source_id>/", entry.run_by_source, name="run-by-source"),
    path("runs/<uuid:run_id>/", run.run_page, name="run"),
    path("runs/<uuid:run_id>/result/", run.result, name="run-result"),
    path("runs/<uuid:run_id>/detail/", run.detail, name="run-detail"),
    path("runs/<uuid:run_id>/tracing/", tracing.tracing, name="run-tracing"),
    path("runs/<uuid:run_id>/time/", time.time_page, name="run-time"),
    path("runs/<uuid:run_id>/graph/", graph_of_run.run_graph, name="run-graph"),
    path("runs/<uuid:run_id>/variables/", variables.variables_page, name="run-variables"),
    path("runs/<uuid:run_id>/header/", run.header, name="run-header"),
    path("runs/<uuid:run_id>/notes/", notes.run_notes, name="run-notes"),
    path("runs/<uuid:run_id>/share/", share.run_share, name="run-share"),
    path(
        "runs/<uuid:run_id>/share/<uuid:link_id>/revoke/",
        share.revoke_share_link,
        name="share-revoke",
    ),
    path("s/<str:token>/", share.shared_run, name="shared-run"),
    path("s/<str:token>/steps/<uuid:execution_id>/", share.shared_step, name="shared-step"),
    path("runs/<uuid:run_id>/again/", rerun.run_again, name="run-again"),
    path("reruns/<uuid:rerun_id>/", rerun.rerun_page, name="rerun"),
    path("reruns/<uuid:rerun_id>/stop/", rerun.stop_rerun, name="rerun-stop"),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/", tracing.execution, name="run-execution"
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/read/",
        attribute_mapping.page,
        name="run-execution-read",
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/passes/",
        loops.matrix_page,
        name="run-passes",
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/lineage/",
        lineage.lineage_page,
        name="run-lineage",
    ),
    path("apps/new/", app_settings.new_app, name="app-new"),  # a slug that no app gets
    path("apps/<str:slug>/", history.app_runs, name="app"),
    path("apps/<str:slug>/settings/", app_settings.app_settings, name="app-settings"),
    path("apps/<str:slug>/settings/test/", app_settings.test_upstream, name="app-upstream-test"),
    path("apps/<str:slug>/settings/attach/", app_settings.attach, name="app-attach"),
    path("apps/<str:slug>/graph/", graph.graph_page, name="app-graph"),
    path("apps/<str:slug>/versions/", versions.version_list, name="app-versions"),
    path(
        "apps/<str:slug>/versions/compare/",
        version_comparison.version_compare,
        name="app-versions-compare",
    ),
    path("apps/<str:slug>/versions/<int:number>/", versions.version_page, name="app-version"),
    path(
        "apps/<str:slug>/conversations/", conversations.conversation_list, name="app-conversations"
    ),
    path("apps/<str:slug>/nodes/<path:node_id>/last-run/", graph.last_run, name="last-run"),
    path("apps/<str:slug>/nodes/", nodes.app_nodes, name="app-nodes"),
    path("apps/<str:slug>/nodes/<path:node_id>/history/", nodes.history, name="node-history"),
    path("apps/<str:slug>/nodes/<path:node_id>/prompts/", prompts.prompts, name="node-prompts"),
    path("apps/<str:slug>/errors/", errors.error_list, name="app-errors"),
    path("errors/", errors.error_list, name="errors"),
    path("errors/<uuid:group_id>/", errors.error_group, name="error-group"),
    path("errors/<uuid:group_id>/resolve/", errors.resolve, name="error-resolve"),
    path("conversations/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path(
        "conversations/<uuid:conversation_id>/compare/",
        turn_comparison.turn_compare,
        name="conversation-compare",
    ),
    path("notes/", notes.note_list, name="notes"),
    path("notes/<uuid:note_id>/", notes.edit, name="note-edit"),
    path("notes/<uuid:note_id>/delete/", notes.delete, name="note-delete"),
    path("views/", saved_views.view_list, name="views"),
    path("views/<int:view_id>/", saved_views.edit, name="view-edit"),
    path("views/<int:view_id>/delete/", saved_views.delete, name="view-delete"),
    path("inbox/", inbox.request_list, name="inbox"),
    path("inbox/refused/", inbox.refused_list, name="inbox-refused"),
    path("inbox/refused/replay/", inbox.refused_replay_all, name="inbox-replay-all"),
    path("inbox/refused/<int:record_id>/raw/", inbox.refused_raw, name="inbox-raw"),
    path("inbox/refused/<int:record_id>/replay/", inbox.refused_replay, name="inbox-replay"),
    path("settings/keys/", keys.key_list, name="keys"),
    path("settings/keys/<int:key_id>/revoke/", keys.revoke, name="key-revoke"),
    path("settings/prices/", prices.price_list, name="prices"),
    path("settings/time-zone/", time_zone.time_zone, name="time-zone"),
    path("settings/prices/<int:price_id>/remove/", prices.remove_price, name="price-remove"),
    path("settings/samples/remove/", keys.remove_samples, name="samples-remove"),
    path("projects/", entry.project, name="project"),
    path("trace/<path:source_id>/", entry.run_by_source, name="langfuse-trace"),
    path("project/<path:name>/", entry.langfuse_project, name="langfuse-project"),
    path("healthz", entry.healthz, name="healthz"),
    path("llms.txt", guide.llms, name="llms"),
    path("skill.md", guide.skill, name="skill-md"),
    path("mcp", mcp, name="mcp"),
    path("mcp/", mcp),  # as many clients write it
    # machine twins: the same view functions' data as JSON or Markdown
    path("openapi.json", guide.openapi, name="openapi-json"),
    path("apps.json", apps.app_list_twin, name="apps-json"),
    path("runs.json", history.run_list_twin, name="runs-json"),
    path("runs/sums.json", history.sums_twin, name="sums-json"),
    path("runs/facets.json", history.facets_twin, name="facets-json"),
    path("views.json", saved_views.view_list_twin, name="views-json"),
    # runs as files, each also packed
    *[
        path(f"runs.{form}", files.run_set, {"form": form}, name="runs-file")
        for form in RUN_SET_FORMATS
    ],
    *[
        path(f"runs.{form}.gz", files.run_set, {"form": form, "gz": ".gz"})
        for form in RUN_SET_FORMATS
    ],
    *[
        path(f"runs/<uuid:run_id>.{form}", files.single_run, {"form": form}, name="run-file")
        for form in SINGLE_RUN_FORMATS
    ],
    *[
        path(f"runs/<uuid:run_id>.{form}.gz", files.single_run, {"form": form, "gz": ".gz"})
        for form in SINGLE_RUN_FORMATS
    ],
    path("runs/compare.json", compare.compare_twin, name="run-compare-json"),
    path("runs/by/<path:source_id>.json", entry.run_by_source_twin, name="run-by-source-json"),
    path("runs/by/<path:source_id>.md", entry.run_by_source_markdown, name="run-by-source-md"),
    path("runs/<uuid:run_id>.json", run.run_twin, name="run-json"),
    path("runs/<uuid:run_id>.md", run.run_markdown, name="run-md"),
    path("runs/<uuid:run_id>/tracing.json", tracing.tracing_twin, name="run-tracing-json"),
    path("runs/<uuid:run_id>/variables.json", variables.variables_twin, name="run-variables-json"),
    path("runs/<uuid:run_id>/graph.json", graph_of_run.run_graph_twin, name="run-graph-json"),
    path("runs/<uuid:run_id>/time.json", time.time_json, name="run-time-json"),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>.json",
        tracing.execution_twin,
        name="run-execution-json",
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/read.json",
        attribute_mapping.twin,
        name="run-execution-read-json",
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/lineage.json",
        lineage.lineage_twin,
        name="run-lineage-json",
    ),
    path(
        "runs/<uuid:run_id>/tracing/<uuid:execution_id>/passes.json",
        loops.matrix_json,
        name="run-passes-json",
    ),
    path("reruns/<uuid:rerun_id>.json", rerun.rerun_twin, name="rerun-json"),
    path("s/<str:token>.json", share.shared_run_twin, name="shared-run-json"),
    path(
        "s/<str:token>/steps/<uuid:execution_id>.json",
        share.shared_step_twin,
        name="shared-step-json",
    ),
    path("notes.json", notes.note_list_twin, name="notes-json"),
    path("notes.ndjson", notes.notes_file, name="notes-file"),
    path("inbox.json", inbox.request_list_twin, name="inbox-json"),
    path("inbox/refused.json", inbox.refused_list_twin, name="inbox-refused-json"),
    path("apps/<str:slug>.json", apps.app_twin, name="app-json"),
    path("apps/<str:slug>/versions.json", versions.version_list_twin, name="app-versions-json"),
    path(
        "apps/<str:slug>/versions/compare.json",
        version_comparison.version_compare_twin,
        name="app-versions-compare-json",
    ),
    path(
        "apps/<str:slug>/versions/<int:number>.json",
        versions.version_page_twin,
        name="app-version-json",
    ),
    path("apps/<str:slug>/graph.json", graph.graph_twin, name="app-graph-json"),
    path(
        "apps/<str:slug>/conversations.json",
        conversations.conversation_list_twin,
        name="app-conversations-json",
    ),
    path(
        "apps/<str:slug>/nodes/<path:node_id>/last-run.json",
        graph.last_run_twin,
        name="last-run-json",
    ),
    path("apps/<str:slug>/nodes.json", nodes.app_nodes_twin, name="app-nodes-json"),
    path(
        "apps/<str:slug>/nodes/<path:node_id>/prompts.json",
        prompts.prompts_twin,
        name="node-prompts-json",
    ),
    path(
        "apps/<str:slug>/nodes/<path:node_id>/history.json",
        nodes.history_twin,
        name="node-history-json",
    ),
    path("apps/<str:slug>/errors.json", errors.error_list_twin, name="app-errors-json"),
    path("errors.json", errors.error_list_twin, name="errors-json"),
    path("errors/<uuid:group_id>.json", errors.error_group_twin, name="error-group-json"),
    path(
        "conversations/<uuid:conversation_id>/compare.json",
        turn_comparison.turn_compare_twin,
        name="conversation-compare-json",
    ),
    path(
        "conversations/<uuid:conversation_id>.json",
        conversations.conversation_twin,
        name="conversation-json",
    ),
    # endpoints that machines send to
    path("v1/traces", otlp.traces, name="otlp-traces"),
    path("v1/logs", otlp.logs, name="otlp-logs"),
    path("v1/metrics", otlp.metrics, name="otlp-metrics"),
    path("api/public/otel/v1/traces", langfuse.traces, name="langfuse-otlp-traces"),
    path("api/public/ingestion", langfuse.ingestion, name="langfuse-ingestion"),
    path("api/public/scores", langfuse.scores, name="langfuse-scores"),
    path("api/public/projects", langfuse.projects, name="langfuse-projects"),
    path("api/public/health", langfuse.health, name="langfuse-health"),
    path("api/dify/events", dify_events.events, name="dify-events"),
    path("api/notes", note_endpoint.create_notes, name="api-notes"),
    path("dify/<str:slug>/v1/<path:path>", proxy, name="dify-proxy"),
    # sign-in
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
