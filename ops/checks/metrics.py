"""/metrics, /readyz and the logs of the real programs: read by Prometheus' own parser, opened to those who may."""

import json
import socket

from prometheus_client.parser import text_string_to_metric_families

from stack import Checks, Stack, ask, until

check = Checks()
crm = Stack(bind=None, CRM_LOG_FORMAT="json")
# On all interfaces, to come from another address than loopback.
crm.bind = "0.0.0.0:" + crm.bind.rsplit(":", 1)[1]
crm.env["CRM_BIND"] = crm.bind
crm.add_user("robin@example.org")
crm.run("crm-worker", "backup")
try:
    crm.serve()
    crm.work()
    token = crm.token("robin@example.org", "read")
    writer = {"authorization": f"Bearer {crm.token('robin@example.org')}"}

    def samples(text):
        families = list(text_string_to_metric_families(text))
        return families, {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}

    status, headers, text = crm.get("/metrics")
    families, first = samples(text)
    check.that(status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4"), "a program on this machine reads it", status)
    check.that(len(families) >= 25 and all(f.type != "unknown" and f.documentation for f in families), "every family has a type and a help", len(families))
    names = [f.name for f in families]
    check.that(len(names) == len(set(names)), "each family stands once", names)

    # Counters count: exactly what was asked meanwhile.
    for _ in range(7):
        crm.get("/api/openapi.json")
    crm.get("/api/nothing/here")
    _, _, text = crm.get("/metrics")
    families, now = samples(text)
    key = ("crm_http_requests_total", (("method", "GET"), ("route", "/api/openapi.json"), ("status", "2xx")))
    check.that(now[key] - first.get(key, 0) == 7, "requests are counted by route, method and class", now.get(key))
    check.that(now[("crm_http_requests_total", (("method", "GET"), ("route", "-"), ("status", "4xx")))] >= 1, "what no route takes is one route")
    check.that("nothing" not in text, "no path of a visitor is in it")

    for family in families:
        if family.type != "histogram":
            continue
        series = {}
        for s in family.samples:
            if s.name.endswith("_bucket"):
                labels = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
                series.setdefault(labels, []).append((float(s.labels["le"]), s.value))
        for labels, buckets in series.items():
            ordered = sorted(buckets)
            counts = [value for _, value in ordered]
            total = now[(family.name + "_count", labels)]
            check.that(counts == sorted(counts) and ordered[-1] == (float("inf"), total), f"buckets of {family.name} count up to their count", (labels, ordered))
            break

    for name in ["crm_database_bytes", "crm_disk_free_bytes", "crm_disk_floor_bytes", "crm_workers_alive", "process_resident_memory_bytes"]:
        check.that(now.get((name, ()), 0) > 0, f"{name} is there", now.get((name, ())))
    for name in ["crm_wal_bytes", "crm_backup_age_seconds", "crm_worker_heartbeat_age_seconds", "crm_queue_oldest_waiting_seconds", "crm_sync_lag_versions", "crm_db_write_failures_total", "crm_backup_alarms"]:
        check.that((name, ()) in now, f"{name} is there")
    check.that(any(n == "crm_worker_resident_memory_bytes" and v > 0 for (n, _), v in now.items()), "the worker's memory is there")
    check.that(now[("crm_jobs", (("kind", "take_backup"), ("state", "done")))] == 1, "jobs are counted by kind and state")
    check.that(now[("crm_job_attempts_total", (("kind", "take_backup"), ("outcome", "done")))] == 1, "outcomes are counted by kind")
    check.that(now[("crm_job_pickup_seconds_count", (("kind", "take_backup"),))] == 1, "pick-ups are counted by kind")

    # Who may read it.
    check.that(crm.get("/metrics", x_forwarded_for="192.0.2.7")[0] == 401, "what a proxy passes on is refused")
    check.that(crm.get("/metrics", x_forwarded_for="127.0.0.1", authorization="Bearer crm_nonsense")[0] == 401, "a made-up token is refused")
    check.that(crm.get("/metrics", x_forwarded_for="192.0.2.7", authorization=f"Bearer {token}")[0] == 200, "a token that may read is let in")
    try:
        own = socket.gethostbyname(socket.gethostname())
    except socket.gaierror:  # nobody told this machine its own name
        own = "127.0.0.1"
    if own.startswith("127."):
        print("# this machine has no address but loopback: coming from another one is not tried")
    else:
        port = crm.bind.rsplit(":", 1)[1]
        check.that(ask(f"http://{own}:{port}/metrics")[0] == 401, "from another address it is refused")

    ready = json.loads(crm.get("/readyz")[2])
    check.that(ready["status"] == "ok" and ready["disk"]["free_bytes"] > ready["disk"]["floor_bytes"] and not ready["disk"]["low"], "/readyz tells the disk", ready)
    check.that(ready["schema_version"] > 0 and ready["backups"]["age_seconds"] >= 0, "/readyz tells schema and backup age", ready)

    # A request can be followed to its job, and the job to all it said.
    status, headers, text = ask(crm.base + "/api/jobs", "POST", {"kind": "probe", "payload": {"work_ms": 1}}, writer)
    check.that(status < 300, "a job is enqueued", (status, text))
    request = headers["x-request-id"]

    def lines():
        return [json.loads(line) for line in crm.said().splitlines() if line.startswith("{")]

    caused = until(lambda: [l for l in lines() if l.get("span", {}).get("request.id") == request and "job.id" in l["fields"]], "the request's log line names its job")
    job = caused[0]["fields"]["job.id"]
    check.that(str(job) in text, "the line of the request names the job it enqueued", (job, text))
    told = until(lambda: [l for l in lines() if l["fields"].get("job.id") == job and l["fields"].get("job.outcome")], "the worker tells how the job ended")
    check.that(told[0]["fields"]["job.outcome"] == "done" and told[0]["fields"]["job.kind"] == "probe", "the worker's line has number, kind and outcome", told[0])
finally:
    crm.kill()
check.end()
