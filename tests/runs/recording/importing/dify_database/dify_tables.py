"""The tables of a Dify database in two shapes: as 0.15 had them, and as they are after 1.14. They
have only the columns that an import reads or must ignore."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg

SPACE = UUID("00000000-0000-4000-8000-0000000000d1")
BEGIN = datetime(2026, 6, 1, 12, 0, 0)

COLUMNS = {
    "apps": "id uuid, tenant_id uuid, name varchar, mode varchar, workflow_id uuid, tracing text,"
    " created_at timestamp, updated_at timestamp",
    "accounts": "id uuid, name varchar, email varchar, password varchar, created_at timestamp",
    "end_users": "id uuid, tenant_id uuid, app_id uuid, type varchar, name varchar,"
    " is_anonymous boolean, session_id varchar, created_at timestamp",
    "workflows": "id uuid, tenant_id uuid, app_id uuid, type varchar, version varchar, graph text,"
    " features text, environment_variables text, conversation_variables text, created_by uuid,"
    " created_at timestamp, updated_at timestamp",
    "workflow_runs": "id uuid, tenant_id uuid, app_id uuid, workflow_id uuid, type varchar,"
    " triggered_from varchar, version varchar, graph text, inputs text, status varchar,"
    " outputs text, error text, elapsed_time double precision, total_tokens bigint,"
    " total_steps integer, created_by_role varchar, created_by uuid, created_at timestamp,"
    " finished_at timestamp, exceptions_count integer",
    "workflow_node_executions": "id uuid, tenant_id uuid, app_id uuid, workflow_id uuid,"
    " triggered_from varchar, workflow_run_id uuid, index integer, predecessor_node_id varchar,"
    " node_execution_id varchar, node_id varchar, node_type varchar, title varchar, inputs text,"
    " process_data text, outputs text, status varchar, error text, elapsed_time double precision,"
    " execution_metadata text, created_at timestamp, created_by_role varchar, created_by uuid,"
    " finished_at timestamp",
    "conversations": "id uuid, app_id uuid, mode varchar, name varchar, summary text, inputs json,"
    " from_source varchar, from_end_user_id uuid, from_account_id uuid, created_at timestamp,"
    " updated_at timestamp, is_deleted boolean",
    "messages": "id uuid, app_id uuid, model_provider varchar, model_id varchar,"
    " conversation_id uuid, inputs json, query text, message json, message_tokens integer,"
    " answer text, answer_tokens integer, parent_message_id uuid,"
    " provider_response_latency double precision, total_price numeric(10,7), currency varchar,"
    " status varchar, error text, message_metadata text, invoke_from varchar, from_source varchar,"
    " from_end_user_id uuid, from_account_id uuid, created_at timestamp, updated_at timestamp,"
    " agent_based boolean, workflow_run_id uuid",
    "message_agent_thoughts": "id uuid, message_id uuid, position integer, thought text, tool text,"
    " tool_input text, observation text, message_token integer, answer text, answer_token integer,"
    " total_price numeric, currency varchar, latency double precision, created_at timestamp",
    "message_feedbacks": "id uuid, app_id uuid, conversation_id uuid, message_id uuid,"
    " rating varchar, from_source varchar, content text, from_end_user_id uuid,"
    " from_account_id uuid, created_at timestamp, updated_at timestamp",
    "tool_workflow_providers": "id uuid, tenant_id uuid, app_id uuid, name varchar",
    "message_annotations": "id uuid, app_id uuid, question text, content text, hit_count integer,"
    " account_id uuid, conversation_id uuid, message_id uuid, created_at timestamp,"
    " updated_at timestamp",
}
# What 0.15 had and later versions have not; and the other way round.
OLD = {"workflow_runs": "sequence_number integer"}
NEW = {
    "workflows": "kind varchar, marked_name varchar, marked_comment varchar,"
    " rag_pipeline_variables text, updated_by uuid",
    "messages": "app_mode varchar",
    "end_users": "external_user_id varchar",
}
NEW_TABLES = {
    "upload_files": "id uuid, tenant_id uuid, storage_type varchar, key varchar, name varchar,"
    " size integer, created_at timestamp",
    "workflow_node_execution_offload": "id uuid, created_at timestamp, tenant_id uuid, app_id uuid,"
    " node_execution_id uuid, type varchar, file_id uuid",
}
INDEXES = """
CREATE INDEX ON workflow_runs (tenant_id, app_id, triggered_from);
CREATE INDEX ON workflow_node_executions (workflow_run_id);
CREATE INDEX ON messages (app_id, created_at);
"""


def uid(name: str) -> str:
    return str(uuid5(SPACE, name))


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def js(value: Any) -> str:
    """As Dify writes JSON: with ASCII escapes."""
    return json.dumps(value)


class DifyTables:
    """An empty database in one of the shapes. Columns that the shape has not are left out."""

    def __init__(self, dsn: str, shape: str = "new") -> None:
        self.dsn = dsn
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.columns: dict[str, set[str]] = {}
        more = NEW if shape == "new" else OLD
        tables = {table: ", ".join(filter(None, (columns, more.get(table))))
                  for table, columns in COLUMNS.items()}  # fmt: skip
        for table, columns in (tables | (NEW_TABLES if shape == "new" else {})).items():
            self.connection.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY (id))")
            self.columns[table] = {column.split()[0] for column in columns.split(", ")}
        self.connection.execute(INDEXES)
        if shape == "new":
            self.connection.execute("CREATE INDEX ON workflow_runs (created_at, id)")

    def close(self) -> None:
        self.connection.close()

    def put(self, table: str, **values: Any) -> str:
        """A row; JSON values are dumped. `id` may be a name."""
        row = {name: value for name, value in values.items() if name in self.columns[table]}
        row = {n: js(v) if isinstance(v, (dict, list)) else v for n, v in row.items()}
        names = ", ".join(row)
        places = ", ".join(["%s"] * len(row))
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values())
        )
        return str(row["id"])

    def change(self, table: str, id_: str, **values: Any) -> None:
        values = {n: js(v) if isinstance(v, (dict, list)) else v for n, v in values.items()}
        sets = ", ".join(f"{name} = %s" for name in values)
        self.connection.execute(f"UPDATE {table} SET {sets} WHERE id = %s", [*values.values(), id_])

    # -- rows with what is the same in most ------------------------------------------------------

    def app(self, name: str, mode: str = "workflow") -> str:
        return self.put("apps", id=uid(f"app {name}"), tenant_id=uid("tenant"), name=name,
                        mode=mode, created_at=at(0))  # fmt: skip

    def run(self, app: str, name: str, begin: float = 0, **values: Any) -> str:
        known = {
            "id": uid(f"run {name}"), "tenant_id": uid("tenant"), "app_id": app,
            "workflow_id": uid(f"workflow {app}"), "type": "workflow",
            "triggered_from": "app-run", "version": "2026-05-01 08:00:00.123456",
            "inputs": {"q": "hi", "sys.user_id": "u1"}, "status": "succeeded",
            "outputs": {"answer": "A"}, "elapsed_time": 6.0, "total_tokens": 300, "total_steps": 7,
            "created_by_role": "end_user", "created_by": uid("user"), "created_at": at(begin),
            "finished_at": at(begin + 6), "exceptions_count": 0, "sequence_number": 1,
        }  # fmt: skip
        return self.put("workflow_runs", **(known | values))

    def node(
        self, run: str, index: int, node_id: str, kind: str, begin: float, took: float = 0.1,
        **values: Any,
    ) -> str:  # fmt: skip
        known = {
            "id": uid(f"{run} {index}"), "tenant_id": uid("tenant"), "app_id": uid("any"),
            "workflow_id": uid("any"), "triggered_from": "workflow-run", "workflow_run_id": run,
            "index": index, "node_id": node_id, "node_type": kind, "title": kind,
            "inputs": {}, "outputs": {}, "status": "succeeded", "elapsed_time": took,
            "execution_metadata": {}, "created_at": at(begin), "finished_at": at(begin + took),
            "created_by_role": "end_user", "created_by": uid("user"),
        }  # fmt: skip
        return self.put("workflow_node_executions", **(known | values))

    def message(
        self, app: str, conversation: str, name: str, begin: float = 0, **values: Any
    ) -> str:
        known = {
            "id": uid(f"message {name}"), "app_id": app, "conversation_id": conversation,
            "inputs": {}, "query": "Where is it?", "message": [{"role": "user", "text": "Where?"}],
            "message_tokens": 5, "answer": "On its way.", "answer_tokens": 2,
            "provider_response_latency": 1.5, "total_price": "0.0000120", "currency": "USD",
            "status": "normal", "invoke_from": "service-api", "from_source": "api",
            "from_end_user_id": uid("user"), "created_at": at(begin), "updated_at": at(begin + 1.5),
            "agent_based": False, "model_provider": "openai", "model_id": "gpt-4o-mini",
        }  # fmt: skip
        return self.put("messages", **(known | values))

    def people(self) -> None:
        self.put("end_users", id=uid("user"), session_id="session-7", type="service_api")
        self.put("accounts", id=uid("account"), name="The operator", email="op@example.com")
